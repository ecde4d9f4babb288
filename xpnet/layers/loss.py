"""What the losses of xpnet have in common."""

from __future__ import annotations

from typing import Any

from xpnet._typing import Array
from xpnet.layers.layer import Layer
from xpnet.layers.memories import memories_apart

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
        """Of the last forward, or of a compiled step after it."""
        noted = self._noted_here()
        return self._part(0) if noted is None else noted

    @property
    def y(self) -> Array | None:
        """Of the last forward; None after a compiled step, which keeps none."""
        return self._part(1) if self._noted_here() is None else None

    @property
    def t(self) -> Array | None:
        """The labels of the last forward; None after a compiled step."""
        return self._part(2) if self._noted_here() is None else None

    def note_loss(self, loss: Array) -> None:
        """Let :attr:`loss` be that of a compiled step."""
        vars(self)["_noted"] = loss

    def _noted_here(self) -> Array | None:
        """Return the loss of a compiled step, unless a forward came after it."""
        if id(self) in (memories_apart() or ()):
            return None
        noted: Array | None = vars(self).get("_noted")
        return noted

    def _part(self, place: int) -> Array | None:
        memory = self._remembered()
        return None if memory is None else memory[place]

    def _save(self, *values: Any) -> None:
        if memories_apart() is None:
            vars(self)["_noted"] = None
        super()._save(*values)
