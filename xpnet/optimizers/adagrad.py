"""AdaGrad."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xpnet._typing import Array
from xpnet.checks import check_not_negative
from xpnet.ops import adagrad_update
from xpnet.optimizers.groups import Groups
from xpnet.optimizers.optimizer import Optimizer, Rate
from xpnet.optimizers.setting import Setting
from xpnet.optimizers.state import Memory
from xpnet.optimizers.transforms.transform import Transforms

__all__ = ["AdaGrad"]


class AdaGrad(Optimizer):
    """Gradient descent with a learning rate of its own for each entry, ever smaller.

    The formula and its source are in :func:`xpnet.ops.adagrad_update`.

    Parameters
    ----------
    lr : float or Schedule
        The learning rate, finite and not negative; other settings may be schedules, too.
    eps : float
        Keeps a divisor from 0; finite and not negative. The book's, and PyTorch's is 1e-10.

    transforms, groups
        As in :class:`Optimizer`.

    Raises
    ------
    SettingError
        If a setting is out of its range, or a transform or group cannot be.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> optimizer = xpnet.AdaGrad(lr=0.5, eps=0)
    >>> params = {"W": np.asarray([1.0])}
    >>> for gradient in (3.0, 4.0):
    ...     optimizer.update(params, {"W": np.asarray([gradient])})
    >>> params["W"], optimizer.state
    (array([0.1]), {'W': {'squares': array([25.])}})
    """

    lr = Setting(check_not_negative)
    eps = Setting(check_not_negative)
    memory = ("squares",)
    kernel = adagrad_update.in_place

    def __init__(
        self,
        lr: Rate = 0.01,
        eps: Rate = 1e-7,
        *,
        transforms: Transforms = (),
        groups: Groups | None = None,
    ) -> None:
        super().__init__(transforms=transforms, groups=groups)
        self.lr, self.eps = lr, eps

    def step(
        self, param: Array, grad: Array, memory: Memory, settings: Mapping[str, Any]
    ) -> tuple[Array, Memory]:
        param, squares = adagrad_update(param, grad, **memory, **settings)
        return param, {"squares": squares}
