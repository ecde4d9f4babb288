"""Gradient descent with momentum."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xpnet._typing import Array
from xpnet.checks import check_fraction, check_not_negative
from xpnet.ops import momentum_update
from xpnet.optimizers.groups import Groups
from xpnet.optimizers.optimizer import Optimizer, Rate
from xpnet.optimizers.setting import Setting
from xpnet.optimizers.state import Memory
from xpnet.optimizers.transforms.transform import Transforms

__all__ = ["Momentum"]


class Momentum(Optimizer):
    """Gradient descent of a ball that rolls: ``v = momentum * v - lr * dW``, ``W += v``.

    The formula, its source, and how it compares with PyTorch's are in
    :func:`xpnet.ops.momentum_update`.

    Parameters
    ----------
    lr : float or Schedule
        The learning rate, finite and not negative; other settings may be schedules, too.
    momentum : float
        The share of its velocity that a parameter keeps, from 0 on and less than 1.

    transforms, groups
        As in :class:`Optimizer`.

    Raises
    ------
    SettingError
        If a setting is out of its range, or a transform or group cannot be.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> optimizer = xpnet.Momentum(lr=0.5, momentum=0.5)
    >>> params = {"W": np.asarray([1.0])}
    >>> for _ in range(2):
    ...     optimizer.update(params, {"W": np.asarray([1.0])})
    >>> params["W"], optimizer.state
    (array([-0.25]), {'W': {'velocity': array([-0.75])}})
    """

    lr = Setting(check_not_negative)
    momentum = Setting(check_fraction)
    memory = ("velocity",)
    kernel = momentum_update.in_place

    def __init__(
        self,
        lr: Rate = 0.01,
        momentum: Rate = 0.9,
        *,
        transforms: Transforms = (),
        groups: Groups | None = None,
    ) -> None:
        super().__init__(transforms=transforms, groups=groups)
        self.lr, self.momentum = lr, momentum

    def step(
        self, param: Array, grad: Array, memory: Memory, settings: Mapping[str, Any]
    ) -> tuple[Array, Memory]:
        param, velocity = momentum_update(param, grad, **memory, **settings)
        return param, {"velocity": velocity}
