"""Softmax, its logarithm, and their derivatives."""

from __future__ import annotations

from xpnet._typing import Array, Namespace
from xpnet.checks import check_axis
from xpnet.dispatch import Dispatcher
from xpnet.ops.output import check_out, delivered
from xpnet.ops.precision import rounded, widened
from xpnet.ops.sums import total
from xpnet.quiet import quiet
from xpnet.together import floats_together, upstream_together

__all__ = ["log_softmax", "log_softmax_backward", "softmax", "softmax_backward"]

_softmax_kernel = Dispatcher("softmax")
_softmax_backward_kernel = Dispatcher("softmax_backward")
_log_softmax_kernel = Dispatcher("log_softmax")
_log_softmax_backward_kernel = Dispatcher("log_softmax_backward")


def softmax(x: Array, axis: int = -1, *, out: Array | None = None) -> Array:
    """Return ``exp(x) / sum(exp(x))`` along an axis, without overflow.

    The largest entry is subtracted first, which changes nothing in the result.

    Parameters
    ----------
    x : array, shape (..., C)
        Scores, of floats. An entry of -inf gets probability 0; where the largest entry is
        infinite, or one is NaN, the probabilities are NaN.
    axis : int
        The axis of the classes. Not the whole array: a batch has one distribution a row.
    out : array, optional
        Where to write the result, of its shape, dtype and home; it may be ``x`` itself.

    Returns
    -------
    array
        Of the shape, dtype, library and device of ``x``; ``out`` if given.

    Raises
    ------
    ShapeError
        If there is no such axis, it has length 0, or the result does not fit ``out``.
    DTypeError
        If ``x`` is not of floats.
    TypeError
        If ``axis`` is no integer, such as None for the whole array.
    BackendMismatchError
        If ``x`` is no array, or ``out`` lives elsewhere.
    NotWritableError
        If ``out`` cannot be written to.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> xpnet.softmax(np.asarray([[0.0, 0.0], [1e4, -1e4]]))
    array([[0.5, 0.5],
           [1. , 0. ]])
    """
    y = _softmax_kernel.unchecked(x, axis, out)
    if y is not None:
        return y
    xp, x = floats_together("softmax", x=x)
    check_axis("softmax", axis, x=x)
    check_out("softmax", out, x=x)
    y = _softmax_kernel(x, axis, out)
    return delivered(rounded(xp, _softmax(xp, x, axis), like=x), out) if y is None else y


@quiet
def _softmax(xp: Namespace, x: Array, axis: int) -> Array:
    (wide,) = widened(xp, x)
    y = xp.exp(wide - xp.max(wide, axis=axis, keepdims=True))
    y /= total(xp, y, axis=axis, keepdims=True)  # y is ours alone
    return y


def softmax_backward(dout: Array, y: Array, axis: int = -1, *, out: Array | None = None) -> Array:
    """Return the gradient of :func:`softmax`, ``y * (dout - sum(dout * y))``.

    Parameters
    ----------
    dout : array
        The gradient of the loss with respect to ``y``.
    y : array
        The result of :func:`softmax`.
    axis : int
        As in forward.
    out : array, optional
        Where to write the result, of its shape, dtype and home; it may be ``dout`` itself.

    Returns
    -------
    array
        The gradient with respect to ``x``, of the same shape and of the dtype of ``y``; ``out``
        if given.

    Raises
    ------
    ShapeError, DTypeError, BackendMismatchError, NotWritableError
        As :func:`softmax`, or if the two arrays do not belong together.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.ops import softmax_backward
    >>> softmax_backward(np.asarray([1.0, 0.0]), np.asarray([0.5, 0.5]))
    array([ 0.25, -0.25])
    """
    dx = _softmax_backward_kernel.unchecked(dout, y, axis, out)
    if dx is not None:
        return dx
    xp, wide_dout, wide_y = upstream_together("softmax", dout, y=y)
    check_axis("softmax", axis, y=y)
    check_out("softmax", out, y=y)
    dx = _softmax_backward_kernel(wide_dout, wide_y, axis, out)
    if dx is None:
        dx = _softmax_backward(xp, wide_dout, wide_y, axis)
    return delivered(rounded(xp, dx, like=y), out)


@quiet
def _softmax_backward(xp: Namespace, dout: Array, y: Array, axis: int) -> Array:
    wide_dout, wide_y = widened(xp, dout, y)
    inner = total(xp, wide_dout * wide_y, axis=axis, keepdims=True)
    return wide_y * (wide_dout - inner)


def log_softmax(x: Array, axis: int = -1, *, out: Array | None = None) -> Array:
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
    y = _log_softmax_kernel.unchecked(x, axis, out)
    if y is not None:
        return y
    xp, x = floats_together("log_softmax", x=x)
    check_axis("log_softmax", axis, x=x)
    check_out("log_softmax", out, x=x)
    y = _log_softmax_kernel(x, axis, out)
    return delivered(rounded(xp, _log_softmax(xp, x, axis), like=x), out) if y is None else y


@quiet
def _log_softmax(xp: Namespace, x: Array, axis: int) -> Array:
    (wide,) = widened(xp, x)
    shifted = wide - xp.max(wide, axis=axis, keepdims=True)
    return shifted - xp.log(total(xp, xp.exp(shifted), axis=axis, keepdims=True))


def log_softmax_backward(
    dout: Array, y: Array, axis: int = -1, *, out: Array | None = None
) -> Array:
    """Return the gradient of :func:`log_softmax`, ``dout - exp(y) * sum(dout)``.

    Parameters
    ----------
    dout : array
        The gradient of the loss with respect to ``y``.
    y : array
        The result of :func:`log_softmax`.
    axis : int
        As in forward.
    out : array, optional
        Where to write the result, of its shape, dtype and home; it may be ``dout`` itself.

    Returns
    -------
    array
        The gradient with respect to ``x``, of the same shape and of the dtype of ``y``; ``out``
        if given.

    Raises
    ------
    ShapeError, DTypeError, BackendMismatchError, NotWritableError
        As :func:`log_softmax`, or if the two arrays do not belong together.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.ops import log_softmax_backward
    >>> log_softmax_backward(np.asarray([1.0, 0.0]), np.log(np.asarray([0.5, 0.5])))
    array([ 0.5, -0.5])
    """
    dx = _log_softmax_backward_kernel.unchecked(dout, y, axis, out)
    if dx is not None:
        return dx
    xp, wide_dout, wide_y = upstream_together("log_softmax", dout, y=y)
    check_axis("log_softmax", axis, y=y)
    check_out("log_softmax", out, y=y)
    dx = _log_softmax_backward_kernel(wide_dout, wide_y, axis, out)
    if dx is None:
        dx = _log_softmax_backward(xp, wide_dout, wide_y, axis)
    return delivered(rounded(xp, dx, like=y), out)


@quiet
def _log_softmax_backward(xp: Namespace, dout: Array, y: Array, axis: int) -> Array:
    wide_dout, wide_y = widened(xp, dout, y)
    outer = total(xp, wide_dout, axis=axis, keepdims=True)
    return wide_dout - xp.exp(wide_y) * outer
