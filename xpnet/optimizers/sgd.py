"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xpnet._typing import Array
from xpnet.checks import check_not_negative
from xpnet.ops import sgd_update
from xpnet.optimizers.groups import Groups
from xpnet.optimizers.optimizer import Optimizer, Rate
from xpnet.optimizers.setting import Setting
from xpnet.optimizers.state import Memory
from xpnet.optimizers.transforms.transform import Transforms

__all__ = ["SGD"]


class SGD(Optimizer):
    """Stochastic gradient descent, ``W -= lr * dW``.

    Parameters
    ----------
    lr : float or Schedule
        The learning rate, finite and not negative; other settings may be schedules, too.

    transforms, groups
        As in :class:`Optimizer`.

    Raises
    ------
    SettingError
        If the learning rate is no number, negative or not finite, or a transform or group cannot
        be.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> params = {"W": np.asarray([1.0, 2.0])}
    >>> xpnet.SGD(lr=0.5).update(params, {"W": np.asarray([2.0, 2.0])})
    >>> params["W"]
    array([0., 1.])
    """

    lr = Setting(check_not_negative)
    kernel = sgd_update.in_place

    def __init__(
        self,
        lr: Rate = 0.01,
        *,
        transforms: Transforms = (),
        groups: Groups | None = None,
    ) -> None:
        super().__init__(transforms=transforms, groups=groups)
        self.lr = lr

    def step(
        self, param: Array, grad: Array, memory: Memory, settings: Mapping[str, Any]
    ) -> tuple[Array, Memory]:
        return sgd_update(param, grad, **settings), memory
