"""AdaGrad."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xpnet._typing import Array
from xpnet.checks import check_not_negative
from xpnet.ops import adagrad_update
from xpnet.optimizers.optimizer import Optimizer
from xpnet.optimizers.setting import Setting
from xpnet.optimizers.state import Memory

__all__ = ["AdaGrad"]


class AdaGrad(Optimizer):
    """Gradient descent with a learning rate of its own for each entry, ever smaller.

    The formula and its source are in :func:`xpnet.ops.adagrad_update`.

    Parameters
    ----------
    lr : float
        The learning rate, finite and not negative.
    eps : float
        Keeps a divisor from 0; finite and not negative. The book's, and PyTorch's is 1e-10.

    Raises
    ------
    ValueError
        If a setting is out of its range.

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

    def __init__(self, lr: float = 0.01, eps: float = 1e-7) -> None:
        super().__init__()
        self.lr, self.eps = lr, eps

    def step(
        self, param: Array, grad: Array, memory: Memory, settings: Mapping[str, Any]
    ) -> tuple[Array, Memory]:
        param, squares = adagrad_update(param, grad, **memory, **settings)
        return param, {"squares": squares}
