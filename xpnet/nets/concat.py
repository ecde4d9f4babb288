"""Several ways side by side, whose outputs are joined."""

from __future__ import annotations

from typing import Any

from xpnet.graph.variable import Variable
from xpnet.layers.calls import call
from xpnet.nets.members import Members
from xpnet.nets.net import Net
from xpnet.ops.shapes import concat

__all__ = ["Concat"]


class Concat(Net):
    """Layers that all get the same input, and their outputs one behind the other along an axis.

    Source: Szegedy et al., *Going Deeper with Convolutions* (2014).

    Parameters
    ----------
    *branches : layer
        A :class:`Sequential` for a way of several layers.
    axis : int
        Along which the outputs are joined; the last one unless given.
    last_layer : layer, optional
        The loss; ``SoftmaxWithLoss`` unless given.

    Raises
    ------
    ValueError, TypeError
        As :class:`Sequential`.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> net = xpnet.Concat(xpnet.Affine.random(4, 3, seed=0), xpnet.ReLU())
    >>> net.predict(xpnet.asarray(np.ones((2, 4)))).shape
    (2, 7)
    """

    def __init__(self, *branches: Any, axis: int = -1, last_layer: Any = None) -> None:
        super().__init__(last_layer=last_layer)
        self.axis = axis
        self.layers = Members(type(self).__name__, branches)

    @property
    def children(self) -> dict[str, Any]:
        """The branches in order and by name, the loss at the end."""
        return {**self.layers, "last_layer": self.last_layer}

    def forward(self, x: Variable) -> Variable:
        """Return the outputs of all branches, joined."""
        outputs = [call(layer, x) for layer in self.layers.values()]
        return concat(outputs, axis=self.axis)  # type: ignore[no-any-return]
