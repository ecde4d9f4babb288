"""The ReLU layer."""

from __future__ import annotations

from xpnet._typing import Array
from xpnet.layers.calls import of_one_op
from xpnet.layers.layer import Layer
from xpnet.ops.activations import relu, relu_backward

__all__ = ["ReLU"]


class ReLU(Layer):
    """``y = max(x, 0)``, element by element.

    Parameters
    ----------
    xp : str, module or Backend, optional
        Where inputs must come from; anywhere unless given.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> layer = xpnet.ReLU()
    >>> layer.forward(np.asarray([-1.0, 2.0]))
    array([0., 2.])
    >>> layer.backward(np.asarray([5.0, 5.0]))
    array([0., 5.])
    """

    @of_one_op(relu)
    def forward(self, x: Array) -> Array:
        """Return ``max(x, 0)``; see :func:`xpnet.relu`."""
        y = relu(x)
        self._check_home(x)
        self._save(y)
        return y

    @of_one_op(relu_backward)
    def backward(self, dout: Array) -> Array:
        """Return ``dx``; see :func:`xpnet.ops.relu_backward`."""
        (y,) = self._saved()
        return relu_backward(dout, y)
