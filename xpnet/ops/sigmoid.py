"""The logistic function ``1 / (1 + exp(-x))`` and its derivative."""

from __future__ import annotations

from xpnet._typing import Array, Namespace
from xpnet.dispatch import Dispatcher
from xpnet.ops.output import check_out, delivered
from xpnet.ops.precision import rounded, widened
from xpnet.quiet import quiet
from xpnet.together import floats_together, upstream_together

__all__ = ["sigmoid", "sigmoid_backward"]

_NAME = "Sigmoid"

_sigmoid_kernel = Dispatcher("sigmoid")
_backward_kernel = Dispatcher("sigmoid_backward")


def sigmoid(x: Array, *, out: Array | None = None) -> Array:
    """Return ``1 / (1 + exp(-x))`` without overflow, and right to the last digits in both tails.

    Multiplying numerator and denominator by ``exp(min(x, 0))`` leaves only exponents that are
    not positive: ``exp(min(x, 0)) / (1 + exp(-abs(x)))``.

    Parameters
    ----------
    x : array
        Of floats, any shape; infinities give 0 and 1, NaN gives NaN.
    out : array, optional
        Where to write the result, of its shape, dtype and home; it may be ``x`` itself.

    Returns
    -------
    array
        Of the shape, dtype, library and device of ``x``; ``out`` if given.

    Raises
    ------
    DTypeError
        If ``x`` is not of floats.
    BackendMismatchError
        If ``x`` is no array.
    ShapeError, NotWritableError
        If the result does not go into ``out``.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> xpnet.sigmoid(np.asarray([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ])
    """
    y = _sigmoid_kernel.unchecked(x, out)
    if y is not None:
        return y
    xp, x = floats_together(_NAME, x=x)
    check_out(_NAME, out, x=x)
    y = _sigmoid_kernel(x, out)
    return delivered(rounded(xp, _sigmoid(xp, x), like=x), out) if y is None else y


@quiet
def _sigmoid(xp: Namespace, x: Array) -> Array:
    (wide,) = widened(xp, x)
    return xp.exp(xp.minimum(wide, 0)) / (1 + xp.exp(-xp.abs(wide)))


def sigmoid_backward(dout: Array, y: Array, *, out: Array | None = None) -> Array:
    """Return the gradient of :func:`sigmoid`, ``dout * y * (1 - y)``.

    Parameters
    ----------
    dout : array
        The gradient of the loss with respect to ``y``.
    y : array
        The result of :func:`sigmoid`.
    out : array, optional
        Where to write the result, of its shape, dtype and home; it may be ``dout`` itself.

    Returns
    -------
    array
        The gradient with respect to ``x``, of the same shape and of the dtype of ``y``; ``out``
        if given.

    Raises
    ------
    ShapeError
        If the shapes differ.
    DTypeError, BackendMismatchError, NotWritableError
        As :func:`sigmoid`, or if the two do not belong together.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.ops import sigmoid_backward
    >>> sigmoid_backward(np.asarray([4.0]), np.asarray([0.5]))
    array([1.])
    """
    dx = _backward_kernel.unchecked(dout, y, out)
    if dx is not None:
        return dx
    xp, wide_dout, wide_y = upstream_together(_NAME, dout, y=y)
    check_out(_NAME, out, y=y)
    dx = _backward_kernel(wide_dout, wide_y, out)
    if dx is None:
        dx = _sigmoid_backward(xp, wide_dout, wide_y)
    return delivered(rounded(xp, dx, like=y), out)


@quiet
def _sigmoid_backward(xp: Namespace, dout: Array, y: Array) -> Array:
    wide_dout, wide_y = widened(xp, dout, y)
    return wide_dout * wide_y * (1 - wide_y)
