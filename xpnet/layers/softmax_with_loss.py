"""The SoftmaxWithLoss layer."""

from __future__ import annotations

from xpnet._typing import Array, Number
from xpnet.arrays import detached
from xpnet.backend import BackendSpec
from xpnet.layers.calls import of_one_op
from xpnet.layers.layer import Layer
from xpnet.ops.cross_entropy import gradient_of_scores, softmax_with_loss

__all__ = ["SoftmaxWithLoss"]


class SoftmaxWithLoss(Layer):
    """Softmax and the mean cross entropy of its result, as one layer.

    Parameters
    ----------
    xp : str, module or Backend, optional
        Where inputs must come from; anywhere unless given.

    Attributes
    ----------
    loss : array of shape (), or None
        Of the last forward.
    y : array, shape (..., C), or None
        The probabilities of the last forward.
    t : array or None
        The labels of the last forward.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> layer = xpnet.SoftmaxWithLoss()
    >>> print(f"{layer.forward(np.zeros((1, 4)), np.asarray([2])):.4f}")
    1.3863
    >>> layer.backward()
    array([[ 0.25,  0.25, -0.75,  0.25]])
    """

    def __init__(self, *, xp: BackendSpec | None = None) -> None:
        super().__init__(xp=xp)
        self.loss: Array | None = None
        self.y: Array | None = None
        self.t: Array | None = None

    @of_one_op(softmax_with_loss)
    def forward(self, x: Array, t: Array) -> Array:  # type: ignore[override]
        """Return the loss; see :func:`xpnet.ops.softmax_with_loss`."""
        loss, y = softmax_with_loss(x, t)
        self._check_home(x)  # t lives where x does
        t = detached(t)
        self.loss, self.y, self.t = loss, y, t
        self._save(y, t)
        return loss

    @of_one_op(gradient_of_scores)
    def backward(self, dout: Array | Number = 1) -> Array:
        """Return ``dx``; see :func:`xpnet.ops.softmax_with_loss_backward`."""
        y, t = self._saved()
        return gradient_of_scores(dout, y, t)
