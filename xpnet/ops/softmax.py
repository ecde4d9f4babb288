"""Softmax, its logarithm, and their derivatives."""

from __future__ import annotations

from xpnet._typing import Array
from xpnet.checks import check_axis, check_floats, check_upstream
from xpnet.ops.precision import rounded, widened
from xpnet.quiet import quiet

__all__ = ["log_softmax", "log_softmax_backward", "softmax", "softmax_backward"]


@quiet
def softmax(x: Array, axis: int = -1) -> Array:
    """Return ``exp(x) / sum(exp(x))`` along an axis, without overflow.

    The largest entry is subtracted first, which changes nothing in the result.

    Parameters
    ----------
    x : array, shape (..., C)
        Scores, of floats. An entry of -inf gets probability 0; where the largest entry is
        infinite, or one is NaN, the probabilities are NaN.
    axis : int
        The axis of the classes. Not the whole array: a batch has one distribution a row.

    Returns
    -------
    array
        Of the shape, dtype, library and device of ``x``.

    Raises
    ------
    ShapeError
        If there is no such axis, or it has length 0.
    DTypeError
        If ``x`` is not of floats.
    TypeError
        If ``axis`` is no integer, such as None for the whole array.
    BackendMismatchError
        If ``x`` is no array.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> xpnet.softmax(np.asarray([[0.0, 0.0], [1e4, -1e4]]))
    array([[0.5, 0.5],
           [1. , 0. ]])
    """
    xp = check_floats("softmax", x=x)
    check_axis("softmax", axis, x=x)
    (wide,) = widened(xp, x)
    y = xp.exp(wide - xp.max(wide, axis=axis, keepdims=True))
    y /= xp.sum(y, axis=axis, keepdims=True)  # y is ours alone
    return rounded(xp, y, like=x)


@quiet
def softmax_backward(dout: Array, y: Array, axis: int = -1) -> Array:
    """Return the gradient of :func:`softmax`, ``y * (dout - sum(dout * y))``.

    Parameters
    ----------
    dout : array
        The gradient of the loss with respect to ``y``.
    y : array
        The result of :func:`softmax`.
    axis : int
        As in forward.

    Returns
    -------
    array
        The gradient with respect to ``x``, of the same shape.

    Raises
    ------
    ShapeError, DTypeError, BackendMismatchError
        As :func:`softmax`, or if the two arrays differ.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.ops import softmax_backward
    >>> softmax_backward(np.asarray([1.0, 0.0]), np.asarray([0.5, 0.5]))
    array([ 0.25, -0.25])
    """
    xp = check_upstream("softmax", dout, y=y)
    check_axis("softmax", axis, y=y)
    wide_dout, wide_y = widened(xp, dout, y)
    inner = xp.sum(wide_dout * wide_y, axis=axis, keepdims=True)
    return rounded(xp, wide_y * (wide_dout - inner), like=dout)


@quiet
def log_softmax(x: Array, axis: int = -1) -> Array:
    """Return the logarithm of :func:`softmax`, exact where the probability itself is 0.

    Parameters, errors and the meaning of infinities are those of :func:`softmax`.

    Returns
    -------
    array
        Of the shape, dtype, library and device of ``x``.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> xpnet.log_softmax(np.asarray([1000.0, 0.0]))
    array([    0., -1000.])
    """
    xp = check_floats("log_softmax", x=x)
    check_axis("log_softmax", axis, x=x)
    (wide,) = widened(xp, x)
    shifted = wide - xp.max(wide, axis=axis, keepdims=True)
    y = shifted - xp.log(xp.sum(xp.exp(shifted), axis=axis, keepdims=True))
    return rounded(xp, y, like=x)


@quiet
def log_softmax_backward(dout: Array, y: Array, axis: int = -1) -> Array:
    """Return the gradient of :func:`log_softmax`, ``dout - exp(y) * sum(dout)``.

    Parameters
    ----------
    dout : array
        The gradient of the loss with respect to ``y``.
    y : array
        The result of :func:`log_softmax`.
    axis : int
        As in forward.

    Returns
    -------
    array
        The gradient with respect to ``x``, of the same shape.

    Raises
    ------
    ShapeError, DTypeError, BackendMismatchError
        As :func:`log_softmax`, or if the two arrays differ.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.ops import log_softmax_backward
    >>> log_softmax_backward(np.asarray([1.0, 0.0]), np.log(np.asarray([0.5, 0.5])))
    array([ 0.5, -0.5])
    """
    xp = check_upstream("log_softmax", dout, y=y)
    check_axis("log_softmax", axis, y=y)
    wide_dout, wide_y = widened(xp, dout, y)
    total = xp.sum(wide_dout, axis=axis, keepdims=True)
    return rounded(xp, wide_dout - xp.exp(wide_y) * total, like=dout)
