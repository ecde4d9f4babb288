"""Softmax, its logarithm, and their derivatives."""

from __future__ import annotations

from xpnet._typing import Array, Namespace
from xpnet.checks import check_axis
from xpnet.numerics.sums import total
from xpnet.ops.op import op

__all__ = ["log_softmax", "log_softmax_backward", "softmax", "softmax_backward"]


@op({"x": (5, 4)}, {"x": (5, 1)}, {"x": (7,)}, {"x": (5, 4), "axis": 0}, out=True)
def softmax(xp: Namespace, x: Array, axis: int = -1) -> Array:
    """Return ``exp(x) / sum(exp(x))`` along an axis, without overflow.

    The largest entry is subtracted first, which changes nothing in the result.

    Parameters
    ----------
    x : array, shape (..., C)
        Scores, of floats. An entry of -inf gets probability 0; where the largest entry is
        infinite, or one is NaN, the probabilities are NaN.
    axis : int
        The axis of the classes. Not the whole array: a batch has one distribution a row.

    Raises
    ------
    ShapeError
        If there is no such axis, or it has length 0.
    TypeError
        If ``axis`` is no integer, such as None for the whole array.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> xpnet.softmax(np.asarray([[0.0, 0.0], [1e4, -1e4]]))
    array([[0.5, 0.5],
           [1. , 0. ]])
    """
    y = xp.exp(x - xp.max(x, axis=axis, keepdims=True))
    y /= total(xp, y, axis=axis, keepdims=True)  # y is ours alone
    return y


@softmax.derivative
def softmax_backward(xp: Namespace, dout: Array, y: Array, axis: int = -1) -> Array:
    """Return the gradient of :func:`softmax`, ``y * (dout - sum(dout * y))``.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.ops import softmax_backward
    >>> softmax_backward(np.asarray([1.0, 0.0]), np.asarray([0.5, 0.5]))
    array([ 0.25, -0.25])
    """
    return y * (dout - total(xp, dout * y, axis=axis, keepdims=True))


@op({"x": (5, 4)}, {"x": (2, 3, 4), "axis": 1}, out=True)
def log_softmax(xp: Namespace, x: Array, axis: int = -1) -> Array:
    """Return the logarithm of :func:`softmax`, exact where the probability itself is 0.

    Parameters
    ----------
    x, axis
        As in :func:`softmax`, also what infinities mean, and which errors there are.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> xpnet.log_softmax(np.asarray([1000.0, 0.0]))
    array([    0., -1000.])
    """
    shifted = x - xp.max(x, axis=axis, keepdims=True)
    return shifted - xp.log(total(xp, xp.exp(shifted), axis=axis, keepdims=True))


@log_softmax.derivative
def log_softmax_backward(xp: Namespace, dout: Array, y: Array, axis: int = -1) -> Array:
    """Return the gradient of :func:`log_softmax`, ``dout - exp(y) * sum(dout)``.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.ops import log_softmax_backward
    >>> log_softmax_backward(np.asarray([1.0, 0.0]), np.log(np.asarray([0.5, 0.5])))
    array([ 0.5, -0.5])
    """
    return dout - xp.exp(y) * total(xp, dout, axis=axis, keepdims=True)


@softmax.check
@log_softmax.check
def _there_are_classes(who: str, x: Array, axis: int) -> None:
    check_axis(who, axis, x=x)


@softmax_backward.check
@log_softmax_backward.check
def _there_were_classes(who: str, y: Array, axis: int) -> None:
    check_axis(who, axis, y=y)
