"""Adam."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xpnet._typing import Array
from xpnet.checks import check_fraction, check_not_negative
from xpnet.ops import adam_update
from xpnet.optimizers.groups import Groups
from xpnet.optimizers.optimizer import Optimizer, Rate
from xpnet.optimizers.setting import Setting
from xpnet.optimizers.state import Memory
from xpnet.optimizers.transforms.transform import Transforms

__all__ = ["Adam"]


class Adam(Optimizer):
    """Momentum and RMSprop in one: each entry goes by its mean gradient in units of its size.

    The formula and its source are in :func:`xpnet.ops.adam_update`.

    Parameters
    ----------
    lr : float or Schedule
        The learning rate, finite and not negative; other settings may be schedules, too.
    beta1, beta2 : float
        The shares of the old means of the gradient and of its square that are kept, from 0 on
        and less than 1.
    eps : float
        Keeps a divisor from 0; finite and not negative.

    transforms, groups
        As in :class:`Optimizer`.

    Raises
    ------
    SettingError
        If a setting is out of its range, or a transform or group cannot be.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> optimizer = xpnet.Adam(lr=0.5, eps=0)
    >>> params = {"W": np.asarray([1.0, 1.0])}
    >>> optimizer.update(params, {"W": np.asarray([1e-3, -1e3])})
    >>> params["W"].round(12), optimizer.state["W"]["step"]
    (array([0.5, 1.5]), 1)
    """

    lr = Setting(check_not_negative)
    beta1 = Setting(check_fraction)
    beta2 = Setting(check_fraction)
    eps = Setting(check_not_negative)
    memory = ("mean", "square", "step")
    kernel = adam_update.in_place

    def __init__(
        self,
        lr: Rate = 0.001,
        beta1: Rate = 0.9,
        beta2: Rate = 0.999,
        eps: Rate = 1e-8,
        *,
        transforms: Transforms = (),
        groups: Groups | None = None,
    ) -> None:
        super().__init__(transforms=transforms, groups=groups)
        self.lr, self.beta1, self.beta2, self.eps = lr, beta1, beta2, eps

    def step(
        self, param: Array, grad: Array, memory: Memory, settings: Mapping[str, Any]
    ) -> tuple[Array, Memory]:
        memory = {**memory, "step": memory["step"] + 1}
        param, mean, square = adam_update(param, grad, **memory, **settings)
        return param, {**memory, "mean": mean, "square": square}
