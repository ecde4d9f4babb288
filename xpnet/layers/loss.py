"""What the losses of xpnet have in common."""

from __future__ import annotations

from xpnet._typing import Array
from xpnet.layers.layer import Layer

__all__ = ["Loss"]


class Loss(Layer):
    """A layer that remembers a loss, probabilities or predictions, and labels, in this order.

    A loss of one's own need not have more than ``forward(x, t)``, which returns the loss, and
    ``backward(dout=1)``. If it has them, training uses ``metric_name`` and ``metric(y, t)``,
    which gets what the net predicts and returns an array of shape (), and
    ``check_labels(t, shape)``, which raises an error unless ``t`` suits predictions of that shape.
    """

    @property
    def loss(self) -> Array | None:
        return None if self._memory is None else self._memory[0]

    @property
    def y(self) -> Array | None:
        return None if self._memory is None else self._memory[1]

    @property
    def t(self) -> Array | None:
        return None if self._memory is None else self._memory[2]
