"""Nesterov's accelerated gradient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xpnet._typing import Array
from xpnet.ops import nesterov_update
from xpnet.optimizers.momentum import Momentum
from xpnet.optimizers.state import Memory

__all__ = ["Nesterov"]


class Nesterov(Momentum):
    """Momentum that looks ahead: the gradient is taken where the velocity alone would lead.

    Parameters and errors are those of :class:`Momentum`; the formula and its source are in
    :func:`xpnet.ops.nesterov_update`.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> params = {"W": np.asarray([1.0])}
    >>> xpnet.Nesterov(lr=0.5, momentum=0.5).update(params, {"W": np.asarray([1.0])})
    >>> params["W"]
    array([0.25])
    """

    kernel = nesterov_update.in_place

    def step(
        self, param: Array, grad: Array, memory: Memory, settings: Mapping[str, Any]
    ) -> tuple[Array, Memory]:
        param, velocity = nesterov_update(param, grad, **memory, **settings)
        return param, {"velocity": velocity}
