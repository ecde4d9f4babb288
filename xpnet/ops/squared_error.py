"""The mean of squared errors, and its derivative."""

from __future__ import annotations

from math import prod

from xpnet._typing import Array, Number
from xpnet.backends import adapter_of
from xpnet.ops.output import check_out, delivered
from xpnet.ops.precision import rounded, widened
from xpnet.ops.sums import mean
from xpnet.ops.targets import as_numbers, check_numbers
from xpnet.ops.upstream import with_share_of_mean
from xpnet.quiet import quiet
from xpnet.together import floats_together

__all__ = ["mean_squared_error", "mean_squared_error_backward"]

_NAME = "MeanSquaredError"


@quiet
def mean_squared_error(y: Array, t: Array) -> Array:
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
    ShapeError, DTypeError, BackendMismatchError
        If ``t`` does not fit ``y``.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.ops import mean_squared_error
    >>> float(mean_squared_error(np.asarray([[1.0, 2.0]]), np.asarray([[1, 4]])))
    2.0
    """
    xp, plain = floats_together(_NAME, y=y)
    check_numbers(_NAME, t, y=y)
    t = adapter_of(t).plain(t)
    (wide,) = widened(xp, plain)
    error = wide - as_numbers(xp, t, wide)
    return rounded(xp, mean(xp, error * error), like=y)


@quiet
def mean_squared_error_backward(
    dout: Array | Number, y: Array, t: Array, *, out: Array | None = None
) -> Array:
    """Return the gradient of :func:`mean_squared_error`, ``dout * 2 * (y - t) / y.size``.

    Parameters
    ----------
    dout : array of shape (), or number
        The gradient of what follows with respect to the loss.
    y, t : array
        As in forward.
    out : array, optional
        Where to write the result, of its shape, dtype and home; it may be ``y`` itself.

    Returns
    -------
    array
        The gradient with respect to ``y``, of its shape; ``out`` if given.

    Raises
    ------
    ShapeError, DTypeError, BackendMismatchError, NotWritableError
        As :func:`mean_squared_error`, or if the result does not go into ``out``.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.ops import mean_squared_error_backward
    >>> mean_squared_error_backward(1.0, np.asarray([[1.0, 2.0]]), np.asarray([[1, 4]]))
    array([[ 0., -2.]])
    """
    xp, plain = floats_together(_NAME, y=y)
    check_numbers(_NAME, t, y=y)
    t = adapter_of(t).plain(t)
    check_out(_NAME, out, y=y)
    wide, share = with_share_of_mean(xp, _NAME, dout, plain, prod(y.shape))
    dy = (wide - as_numbers(xp, t, wide)) * (2 * share)
    return delivered(rounded(xp, dy, like=y), out)
