"""Layers with a way around them."""

from __future__ import annotations

from typing import Any

from xpnet.graph.variable import Variable
from xpnet.layers.calls import call
from xpnet.nets.members import Members
from xpnet.nets.net import Net

__all__ = ["Residual"]


class Residual(Net):
    """Layers one after the other, and their input added to what comes out: ``x + f(x)``.

    Source: He et al., *Deep Residual Learning for Image Recognition* (2015).

    Parameters
    ----------
    *layers : layer
        The output of the last has a shape that broadcasts with that of the input.
    last_layer : layer, optional
        The loss; ``SoftmaxWithLoss`` unless given.

    Raises
    ------
    ValueError, TypeError
        As :class:`Sequential`.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> block = xpnet.Residual(xpnet.Affine.random(4, 4, seed=0), xpnet.ReLU())
    >>> net = xpnet.Sequential(block, xpnet.Affine.random(4, 2, seed=1))
    >>> list(net.params)[:2]
    ['Residual1.Affine1.W', 'Residual1.Affine1.b']
    >>> net.predict(xpnet.asarray(np.ones((3, 4)))).shape
    (3, 2)
    """

    def __init__(self, *layers: Any, last_layer: Any = None) -> None:
        super().__init__(last_layer=last_layer)
        self.layers = Members(type(self).__name__, layers)

    @property
    def children(self) -> dict[str, Any]:
        """The layers in order and by name, the loss at the end."""
        return {**self.layers, "last_layer": self.last_layer}

    def forward(self, x: Variable) -> Any:
        """Return ``x + f(x)``."""
        y = x
        for layer in self.layers.values():
            y = call(layer, y)
        return x + y
