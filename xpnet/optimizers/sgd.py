"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any

from xpnet._typing import Array
from xpnet.backends import adapter_of
from xpnet.checks import check_not_negative
from xpnet.dtypes import is_half
from xpnet.ops import sgd_update
from xpnet.optimizers.optimizer import Optimizer, write_back
from xpnet.optimizers.setting import Setting
from xpnet.optimizers.state import Memory
from xpnet.quiet import quiet

__all__ = ["SGD"]


class SGD(Optimizer):
    """Stochastic gradient descent, ``W -= lr * dW``.

    Parameters
    ----------
    lr : float
        The learning rate, finite and not negative.

    Raises
    ------
    ValueError
        If the learning rate is no number, negative or not finite.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> params = {"W": np.asarray([1.0, 2.0])}
    >>> xpnet.SGD(lr=0.5).update(params, {"W": np.asarray([2.0, 2.0])})
    >>> params["W"]
    array([0., 1.])
    """

    lr = Setting(check_not_negative)

    def __init__(self, lr: float = 0.01) -> None:
        super().__init__()
        self.lr = lr

    @quiet
    def update(self, params: MutableMapping[str, Array], grads: Mapping[str, Array]) -> None:
        """Take one step; see :meth:`xpnet.Optimizer.update`."""
        lr, before = self.lr, dict(params)
        self._check_gradients(before, grads)
        for name, param in before.items():
            if adapter_of(param).is_writable(param) and not is_half(param.dtype):
                param -= lr * grads[name]  # the bits of step, without another large array
                params[name] = param
            else:
                params[name] = write_back(param, sgd_update(param, grads[name], lr))

    def step(
        self, param: Array, grad: Array, memory: Memory, settings: Mapping[str, Any]
    ) -> tuple[Array, Memory]:
        return sgd_update(param, grad, **settings), memory
