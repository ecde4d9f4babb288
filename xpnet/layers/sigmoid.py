"""The Sigmoid layer."""

from __future__ import annotations

from xpnet._typing import Array
from xpnet.layers.calls import of_one_op
from xpnet.layers.layer import Layer
from xpnet.ops.sigmoid import sigmoid, sigmoid_backward

__all__ = ["Sigmoid"]


class Sigmoid(Layer):
    """``y = 1 / (1 + exp(-x))``, element by element.

    Parameters
    ----------
    xp : str, module or Backend, optional
        Where inputs must come from; anywhere unless given.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> layer = xpnet.Sigmoid()
    >>> layer.forward(np.asarray([0.0]))
    array([0.5])
    >>> layer.backward(np.asarray([4.0]))
    array([1.])
    """

    @of_one_op(sigmoid)
    def forward(self, x: Array) -> Array:
        """Return ``1 / (1 + exp(-x))``; see :func:`xpnet.sigmoid`."""
        y = sigmoid(x)
        self._check_home(x)
        self._save(y)
        return y

    @of_one_op(sigmoid_backward)
    def backward(self, dout: Array) -> Array:
        """Return ``dx``; see :func:`xpnet.ops.sigmoid_backward`."""
        (y,) = self._saved()
        return sigmoid_backward(dout, y)
