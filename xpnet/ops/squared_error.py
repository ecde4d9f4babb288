"""The mean of squared errors, and its derivative."""

from __future__ import annotations

from math import prod

from xpnet._typing import Array, Labels, Namespace
from xpnet.labels.targets import as_numbers, check_numbers
from xpnet.numerics.sums import mean, share_of_mean
from xpnet.ops.op import op

__all__ = ["mean_squared_error", "mean_squared_error_backward"]


@op({"y": (5, 4), "t": (5, 4)}, results=("loss",))
def mean_squared_error(xp: Namespace, y: Array, t: Labels) -> Array:
    """Return the mean of ``(y - t)**2`` over all entries.

    The book's ``sum_squared_error`` is half the sum of one sample's: of N samples with M entries
    each, the mean is ``2 / (N * M)`` times as much, and does not grow with the batch.

    Parameters
    ----------
    y : array
        Predictions, of floats, any shape.
    t : array
        Of the shape of ``y``: floats, integers or booleans, such as one-hot rows.

    Returns
    -------
    array, shape ()
        Of the dtype, library and device of ``y``; 0 for an empty batch.

    Raises
    ------
    ShapeError
        If ``t`` does not fit ``y``.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.ops import mean_squared_error
    >>> float(mean_squared_error(np.asarray([[1.0, 2.0]]), np.asarray([[1, 4]])))
    2.0
    """
    error = y - as_numbers(xp, t, y)
    return mean(xp, error * error)


@mean_squared_error.derivative
def mean_squared_error_backward(xp: Namespace, dout: Array | float, y: Array, t: Labels) -> Array:
    """Return the gradient of :func:`mean_squared_error`, ``dout * 2 * (y - t) / y.size``.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.ops import mean_squared_error_backward
    >>> mean_squared_error_backward(1.0, np.asarray([[1.0, 2.0]]), np.asarray([[1, 4]]))
    array([[ 0., -2.]])
    """
    return (y - as_numbers(xp, t, y)) * (2 * share_of_mean(dout, prod(y.shape)))


@mean_squared_error.check
@mean_squared_error_backward.check
def _numbers_fit(who: str, y: Array, t: Labels) -> None:
    check_numbers(who, t, y=y)
