"""RMSprop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xpnet._typing import Array
from xpnet.checks import check_fraction, check_not_negative
from xpnet.ops import rmsprop_update
from xpnet.optimizers.groups import Groups
from xpnet.optimizers.optimizer import Optimizer, Rate
from xpnet.optimizers.setting import Setting
from xpnet.optimizers.state import Memory
from xpnet.optimizers.transforms.transform import Transforms

__all__ = ["RMSprop"]


class RMSprop(Optimizer):
    """AdaGrad that forgets: each entry goes by its gradient in units of its size of late.

    The formula and its source are in :func:`xpnet.ops.rmsprop_update`.

    Parameters
    ----------
    lr : float or Schedule
        The learning rate, finite and not negative; other settings may be schedules, too.
    decay_rate : float
        The share of the old squares that is kept, from 0 on and less than 1.
    eps : float
        Keeps a divisor from 0; finite and not negative. The book's, and PyTorch's is 1e-8.

    transforms, groups
        As in :class:`Optimizer`.

    Raises
    ------
    SettingError
        If a setting is out of its range, or a transform or group cannot be.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> optimizer = xpnet.RMSprop(lr=0.5, decay_rate=0.75, eps=0)
    >>> params = {"W": np.asarray([1.0])}
    >>> optimizer.update(params, {"W": np.asarray([3.0])})
    >>> params["W"], optimizer.state
    (array([0.]), {'W': {'squares': array([2.25])}})
    """

    lr = Setting(check_not_negative)
    decay_rate = Setting(check_fraction)
    eps = Setting(check_not_negative)
    memory = ("squares",)
    kernel = rmsprop_update.in_place

    def __init__(
        self,
        lr: Rate = 0.01,
        decay_rate: Rate = 0.99,
        eps: Rate = 1e-7,
        *,
        transforms: Transforms = (),
        groups: Groups | None = None,
    ) -> None:
        super().__init__(transforms=transforms, groups=groups)
        self.lr, self.decay_rate, self.eps = lr, decay_rate, eps

    def step(
        self, param: Array, grad: Array, memory: Memory, settings: Mapping[str, Any]
    ) -> tuple[Array, Memory]:
        param, squares = rmsprop_update(param, grad, **memory, **settings)
        return param, {"squares": squares}
