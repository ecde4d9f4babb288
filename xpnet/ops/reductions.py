"""Sums, means and maxima along axes, and their derivatives."""

from __future__ import annotations

import builtins
from math import prod
from operator import index
from typing import Any

from xpnet._typing import Array, Namespace
from xpnet.checks import upstream_shape_text
from xpnet.errors import ShapeError
from xpnet.numerics.precision import rounded, widened
from xpnet.numerics.sums import total
from xpnet.ops.recordable import recordable
from xpnet.quiet import quiet
from xpnet.together import floats_together

__all__ = ["max", "max_backward", "mean", "mean_backward", "sum", "sum_backward"]

Axis = int | tuple[int, ...] | None


@quiet
def sum_backward(dout: Array, x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """Return the gradient of :func:`sum`: ``dout``, repeated along the axes.

    Parameters
    ----------
    dout : array
        The gradient of the loss with respect to the sum, of its shape.
    x, axis, keepdims
        As in forward.

    Returns
    -------
    array
        Of the shape and dtype of ``x``.

    Raises
    ------
    ShapeError, DTypeError, BackendMismatchError
        As :func:`sum`, or if ``dout`` does not fit.

    Examples
    --------
    >>> import numpy as np
    >>> sum_backward(np.asarray(2.0), np.ones(3))
    array([2., 2., 2.])
    """
    xp, dout, _ = _upstream("sum", dout, x, axis, keepdims=keepdims)
    return _repeated(xp, dout, x)


@recordable("x", backward=sum_backward)
@quiet
def sum(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:  # noqa: A001
    """Return the sum along an axis, several or all.

    Parameters
    ----------
    x : array
        Of floats. Sums of 16-bit floats are held in float32; long ones stay right, see
        ``xpnet.numerics.sums``.
    axis : int, tuple of int or None
        None is all.
    keepdims : bool
        Whether the axes stay, with length 1.

    Returns
    -------
    array
        Of the dtype of ``x``.

    Raises
    ------
    ShapeError
        If there is no such axis, or one is named twice.
    TypeError
        If an axis is no integer.
    DTypeError, BackendMismatchError
        If ``x`` is no array of floats.

    Examples
    --------
    >>> import numpy as np
    >>> sum(np.ones((2, 3)), axis=0)
    array([2., 2., 2.])
    """
    xp, wide = floats_together("sum", x=x)
    axes = _axes("sum", axis, x)
    (wide,) = widened(xp, wide)
    return rounded(xp, xp.asarray(total(xp, wide, axis=axes, keepdims=keepdims)), like=x)


@quiet
def mean_backward(dout: Array, x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """Return the gradient of :func:`mean`: ``dout`` over the number of terms, repeated.

    Parameters, result and errors are those of :func:`sum_backward`.

    Examples
    --------
    >>> import numpy as np
    >>> mean_backward(np.asarray(2.0), np.ones(4))
    array([0.5, 0.5, 0.5, 0.5])
    """
    xp, dout, axes = _upstream("mean", dout, x, axis, keepdims=keepdims)
    (wide,) = widened(xp, dout)
    return _repeated(xp, wide / _count(x, axes), x)


@recordable("x", backward=mean_backward)
@quiet
def mean(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """Return the mean along an axis, several or all; 0 of nothing.

    Parameters, result and errors are those of :func:`sum`.

    Examples
    --------
    >>> import numpy as np
    >>> mean(np.asarray([[1.0, 2.0], [3.0, 4.0]]), axis=1)
    array([1.5, 3.5])
    """
    xp, wide = floats_together("mean", x=x)
    axes = _axes("mean", axis, x)
    (wide,) = widened(xp, wide)
    result = xp.asarray(total(xp, wide, axis=axes, keepdims=keepdims)) / _count(x, axes)
    return rounded(xp, xp.asarray(result), like=x)


@quiet
def max_backward(
    dout: Array, x: Array, y: Array, axis: Axis = None, keepdims: bool = False
) -> Array:
    """Return the gradient of :func:`max`: ``dout`` at the maximum, 0 elsewhere.

    Several that are equal get even shares, as in PyTorch's ``amax``.

    Parameters
    ----------
    dout : array
        The gradient of the loss with respect to the maximum, of its shape.
    x, axis, keepdims
        As in forward.
    y : array
        The result of :func:`max`.

    Returns
    -------
    array
        Of the shape and dtype of ``x``.

    Raises
    ------
    ShapeError, DTypeError, BackendMismatchError
        As :func:`max`, or if ``dout`` does not fit.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.asarray([1.0, 3.0, 3.0])
    >>> max_backward(np.asarray(2.0), x, max(x))
    array([0., 1., 1.])
    """
    xp, dout, axes = _upstream("max", dout, x, axis, keepdims=keepdims)
    _, wide_x, wide_y = floats_together("max", x=x, y=y)
    is_max = xp.astype(wide_x == xp.reshape(wide_y, dout.shape), dout.dtype)
    (wide,) = widened(xp, is_max)
    ties = total(xp, wide, axis=axes, keepdims=True)
    (wide_dout,) = widened(xp, dout)
    return rounded(xp, wide * (wide_dout / ties), like=x)


@recordable("x", backward=max_backward)
@quiet
def max(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:  # noqa: A001
    """Return the maximum along an axis, several or all; NaN if one is.

    Parameters and result are those of :func:`sum`.

    Raises
    ------
    ShapeError
        If there is no such axis, or nothing along it.
    DTypeError, BackendMismatchError
        If ``x`` is no array of floats.

    Examples
    --------
    >>> import numpy as np
    >>> max(np.asarray([[1.0, 2.0], [4.0, 3.0]]), axis=1)
    array([2., 4.])
    """
    xp, wide = floats_together("max", x=x)
    axes = _axes("max", axis, x)
    if not all(x.shape[i] for i in axes):
        msg = f"max: x of shape {tuple(x.shape)} has nothing along axis {axis}"
        raise ShapeError(msg)
    return xp.asarray(xp.max(wide, axis=axes, keepdims=keepdims)) if axes else wide


def _axes(op: str, axis: Axis, x: Array) -> tuple[int, ...]:
    """Return axes counted from the first, having made sure that they are there."""
    rank = x.ndim
    if axis is None:
        return tuple(range(rank))
    try:
        axes = [index(i) for i in (axis if isinstance(axis, tuple) else (axis,))]
    except TypeError:
        msg = f"{op}: axis is {axis!r}; it must be an integer, a tuple of integers, or None for all"
        raise TypeError(msg) from None
    wrong = [i for i in axes if not -rank <= i < rank]
    counted = [i % rank for i in axes] if rank else axes
    if wrong or len(set(counted)) < len(counted):
        what = f"axis {wrong[0]} is out of range" if wrong else f"axis {axis} has one axis twice"
        msg = f"{op}: {what} for x of shape {tuple(x.shape)}"
        raise ShapeError(msg)
    return tuple(counted)


def _count(x: Array, axes: tuple[int, ...]) -> int:
    terms: int = prod(x.shape[i] for i in axes)
    return builtins.max(terms, 1)


def _upstream(
    op: str, dout: Array, x: Array, axis: Axis, *, keepdims: bool
) -> tuple[Any, Any, tuple[int, ...]]:
    """Return the namespace, ``dout`` with all axes of ``x``, and the axes that were reduced."""
    xp, dout, _ = floats_together(op, dout=dout, x=x)
    axes = _axes(op, axis, x)
    kept = tuple(1 if i in axes else n for i, n in enumerate(x.shape))
    expected = kept if keepdims else tuple(n for i, n in enumerate(x.shape) if i not in axes)
    if tuple(dout.shape) != expected:
        raise ShapeError(upstream_shape_text(op, tuple(dout.shape), expected))
    return xp, xp.reshape(dout, kept), axes


def _repeated(xp: Namespace, dout: Array, x: Array) -> Array:
    (wide,) = widened(xp, dout)
    ones = xp.ones(tuple(x.shape), dtype=wide.dtype, device=getattr(wide, "device", None))
    return rounded(xp, wide * ones, like=x)
