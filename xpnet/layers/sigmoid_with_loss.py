"""The SigmoidWithLoss layer."""

from __future__ import annotations

from xpnet._typing import Array, Number
from xpnet.arrays import detached
from xpnet.labels.targets import check_switches_for
from xpnet.layers.loss import Loss
from xpnet.metrics import binary_accuracy
from xpnet.ops.binary_cross_entropy import sigmoid_with_loss, sigmoid_with_loss_backward

__all__ = ["SigmoidWithLoss"]


class SigmoidWithLoss(Loss):
    """Sigmoid and the mean cross entropy of its result: the loss for yes-or-no questions.

    Each score is a question of its own: one a sample, or as many as it has labels that do not
    exclude each other.

    Parameters
    ----------
    xp : str, module or Backend, optional
        Where inputs must come from; anywhere unless given.

    Attributes
    ----------
    loss : array of shape (), or None
        Of the last forward.
    y : array, or None
        The probabilities of the last forward.
    t : array or None
        The labels of the last forward.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> layer = xpnet.SigmoidWithLoss()
    >>> print(f"{layer.forward(np.zeros((2, 1)), np.asarray([0, 1])):.4f}")
    0.6931
    >>> layer.backward()
    array([[ 0.25],
           [-0.25]])
    """

    metric_name = "accuracy"

    def forward(self, x: Array, t: Array) -> Array:  # type: ignore[override]
        """Return the loss; see :func:`xpnet.ops.sigmoid_with_loss`."""
        loss, y = sigmoid_with_loss(x, t)
        self._check_home(x)  # t lives where x does
        self._save(loss, y, detached(t))
        return loss

    def backward(self, dout: Array | Number = 1) -> Array:
        """Return ``dx``; see :func:`xpnet.ops.sigmoid_with_loss_backward`."""
        _loss, y, t = self._saved()
        return sigmoid_with_loss_backward(dout, y, t)

    def metric(self, y: Array, t: Array) -> Array:
        """Return :func:`xpnet.metrics.binary_accuracy` of scores."""
        return binary_accuracy(y, t)

    def check_labels(self, t: Array, shape: tuple[int, ...]) -> None:
        """Read labels, wherever they live, and make sure that they suit scores of a shape.

        On a GPU it waits for the device.

        Raises
        ------
        ShapeError, DTypeError, LabelError, BackendMismatchError
            As ``forward`` does where the host can read the labels.
        """
        check_switches_for(type(self).__name__, t, tuple(shape))
