"""The MeanSquaredError layer."""

from __future__ import annotations

from xpnet._typing import Array, Number
from xpnet.arrays import detached
from xpnet.labels.targets import check_numbers_for
from xpnet.layers.loss import Loss
from xpnet.metrics import mean_absolute_error
from xpnet.ops.squared_error import mean_squared_error, mean_squared_error_backward

__all__ = ["MeanSquaredError"]


class MeanSquaredError(Loss):
    """The mean of ``(y - t)**2`` over all entries: the loss for numbers.

    The book halves the sum instead; see :func:`xpnet.ops.mean_squared_error`.

    Parameters
    ----------
    xp : str, module or Backend, optional
        Where inputs must come from; anywhere unless given.

    Attributes
    ----------
    loss : array of shape (), or None
        Of the last forward.
    y : array or None
        The predictions of the last forward.
    t : array or None
        What they should have been.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> layer = xpnet.MeanSquaredError()
    >>> float(layer.forward(np.asarray([[1.0], [2.0]]), np.asarray([[1.0], [4.0]])))
    2.0
    >>> layer.backward()
    array([[ 0.],
           [-2.]])
    """

    metric_name = "mean absolute error"

    def forward(self, y: Array, t: Array) -> Array:  # type: ignore[override]
        """Return the loss; see :func:`xpnet.ops.mean_squared_error`."""
        loss = mean_squared_error(y, t)
        self._check_home(y)  # t lives where y does
        self._save(loss, detached(y), detached(t))
        return loss

    def backward(self, dout: Array | Number = 1) -> Array:
        """Return ``dy``; see :func:`xpnet.ops.mean_squared_error_backward`."""
        _loss, y, t = self._saved()
        return mean_squared_error_backward(dout, y, t)

    def metric(self, y: Array, t: Array) -> Array:
        """Return :func:`xpnet.metrics.mean_absolute_error`."""
        return mean_absolute_error(y, t)

    def check_labels(self, t: Array, shape: tuple[int, ...]) -> None:
        """Read numbers, wherever they live, and make sure that they suit outputs of a shape.

        On a GPU it waits for the device.

        Raises
        ------
        ShapeError, DTypeError, BackendMismatchError
            As ``forward``.
        LabelError
            If one is not finite; ``forward`` makes NaN or inf of it.
        """
        check_numbers_for(type(self).__name__, t, tuple(shape))
