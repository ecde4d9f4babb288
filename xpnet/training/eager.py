"""The step that every library can take."""

from __future__ import annotations

from typing import Any

from xpnet._typing import Array
from xpnet.nets import Sequential

__all__ = ["EagerStep"]


class EagerStep:
    """Gradients by backpropagation, and an update."""

    def __init__(self, net: Sequential, optimizer: Any) -> None:
        self._net, self._optimizer = net, optimizer

    def __call__(self, x: Array, t: Array) -> Array:
        if type(self._net).gradient is Sequential.gradient:
            loss, grads = self._net.loss_and_gradient(x, t)
        else:  # a net of one's own
            loss, grads = self._net.loss(x, t), self._net.gradient(x, t)
        self._optimizer.update(self._net.params, grads)
        return loss
