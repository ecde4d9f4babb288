"""Differences, quotients, powers, signs and choices, element by element, and their derivatives.

Arrays broadcast; a gradient is summed back to the shape of what it belongs to. ``needed`` tells
which gradients somebody will read: the others are None, and cost nothing.
"""

from __future__ import annotations

from math import inf, log, nan
from typing import Any

from xpnet._typing import Array, Namespace, Number
from xpnet.checks import check_same_home
from xpnet.dtypes import dtype_name
from xpnet.errors import DTypeError
from xpnet.numerics.precision import rounded
from xpnet.ops.broadcasting import is_number, operands, operands_backward, summed_to
from xpnet.ops.recordable import recordable
from xpnet.quiet import quiet
from xpnet.together import floats_together, upstream_together

__all__ = [
    "absolute",
    "absolute_backward",
    "divide",
    "divide_backward",
    "negative",
    "negative_backward",
    "power",
    "power_backward",
    "subtract",
    "subtract_backward",
    "where",
    "where_backward",
]

Value = Array | Number
Gradients = tuple[Any, Any]
BOTH = (True, True)


@quiet
def subtract_backward(
    dout: Value, x: Value, y: Value, needed: tuple[bool, ...] = BOTH
) -> Gradients:
    """Return the gradients of :func:`subtract`: ``dout`` and ``-dout``, summed to the shapes.

    Parameters
    ----------
    dout : array or number
        The gradient of the loss with respect to the result, of its shape.
    x, y : array or number
        As in forward.
    needed : pair of bool
        Which of the two to return; None for the other.

    Returns
    -------
    dx, dy : array, number or None
        Each of the shape and dtype of its argument; for a number beside an array, of shape () and
        of that array's dtype.

    Raises
    ------
    ShapeError, DTypeError, BackendMismatchError
        As :func:`subtract`, or if ``dout`` does not fit.

    Examples
    --------
    >>> subtract_backward(2.0, 7, 5)
    (2.0, -2.0)
    """
    xp, dout, _, _ = operands_backward("subtract", dout, x, y)
    return (
        summed_to(xp, dout, x, beside=y) if needed[0] else None,
        summed_to(xp, -dout, y, beside=x) if needed[1] else None,
    )


@recordable("x", "y", backward=subtract_backward)
@quiet
def subtract(x: Value, y: Value) -> Value:
    """Return ``x - y``.

    Parameters
    ----------
    x, y : array or number
        Floating arrays of one library and device whose shapes broadcast, or Python numbers.

    Returns
    -------
    array or number
        Of the broadcast shape, and of the dtype of the arrays, which is float64 where that meets
        float32; a number if both are.

    Raises
    ------
    ShapeError
        If the shapes do not broadcast.
    DTypeError
        If an array is not of floats, or 16 bits meet another width.
    BackendMismatchError
        If the arrays do not live together.

    Examples
    --------
    >>> import numpy as np
    >>> subtract(np.asarray([1.0, 2.0]), 10)
    array([-9., -8.])
    """
    _, x, y = operands("subtract", x, y)
    return x - y


@quiet
def divide_backward(dout: Value, x: Value, y: Value, needed: tuple[bool, ...] = BOTH) -> Gradients:
    """Return the gradients of :func:`divide`: ``dout / y`` and ``-dout * x / y ** 2``.

    Parameters, result and errors are those of :func:`subtract_backward`.

    Examples
    --------
    >>> divide_backward(1.0, 1.0, 4.0)
    (0.25, -0.0625)
    """
    xp, dout, wide_x, wide_y = operands_backward("divide", dout, x, y)
    dx = dout / wide_y
    return (
        summed_to(xp, dx, x, beside=y) if needed[0] else None,
        summed_to(xp, -dx * (wide_x / wide_y), y, beside=x) if needed[1] else None,
    )


@recordable("x", "y", backward=divide_backward)
@quiet
def divide(x: Value, y: Value) -> Value:
    """Return ``x / y``; infinite or NaN where an array ``y`` is 0.

    Parameters, result and errors are those of :func:`subtract`.

    Examples
    --------
    >>> divide(1, 4)
    0.25
    """
    _, x, y = operands("divide", x, y)
    return x / y


@quiet
def power_backward(dout: Value, x: Value, y: Value, needed: tuple[bool, ...] = BOTH) -> Gradients:
    """Return the gradients of :func:`power`: ``dout * y * x ** (y-1)``, ``dout * x**y * log(x)``.

    Where ``y`` is 0, ``dx`` is 0, also at ``x = 0``; where ``x`` is 0 and ``y`` not negative,
    ``dy`` is 0, which is its limit.

    Parameters, result and errors are those of :func:`subtract_backward`.

    Examples
    --------
    >>> power_backward(1.0, 3.0, 2, needed=(True, False))
    (6.0, None)
    """
    xp, dout, wide_x, wide_y = operands_backward("power", dout, x, y)
    dx = dy = None
    if needed[0]:
        dx = summed_to(xp, dout * _slope_of_power(xp, wide_x, wide_y), x, beside=y)
    if needed[1]:
        dy = summed_to(xp, dout * _slope_of_exponent(xp, wide_x, wide_y), y, beside=x)
    return dx, dy


@recordable("x", "y", backward=power_backward)
@quiet
def power(x: Value, y: Value) -> Value:
    """Return ``x ** y``; NaN where that is no real number.

    Parameters, result and errors are those of :func:`subtract`.

    Examples
    --------
    >>> import numpy as np
    >>> power(np.asarray([1.0, 2.0, 3.0]), 2)
    array([1., 4., 9.])
    >>> power(-2.0, 0.5)
    nan
    """
    _, x, y = operands("power", x, y)
    result = x**y
    return nan if isinstance(result, complex) else result


def _slope_of_power(xp: Namespace, x: Any, y: Any) -> Any:
    if is_number(y):
        return y * x ** (y - 1) if y != 0 else 0.0 if is_number(x) else xp.zeros_like(x)
    slope = y * x ** (y - 1)
    return xp.where(y == 0, xp.zeros_like(slope), slope)


def _slope_of_exponent(xp: Namespace, x: Any, y: Any) -> Any:
    if is_number(x):
        if x == 0 and is_number(y):
            return 0.0 if y >= 0 else nan
        return x**y * (log(x) if x > 0 else -inf if x == 0 else nan)
    slope = x**y * xp.log(x)
    return xp.where((x == 0) & (y >= 0), xp.zeros_like(slope), slope)


@quiet
def negative_backward(dout: Value, x: Value) -> Value:
    """Return the gradient of :func:`negative`, ``-dout``, in the dtype of ``x``.

    Raises
    ------
    ShapeError, DTypeError, BackendMismatchError
        If ``dout`` does not fit.

    Examples
    --------
    >>> negative_backward(2.0, 3)
    -2.0
    """
    if is_number(x):
        return -dout
    xp, dout, _ = upstream_together("negative", dout, x=x)
    return rounded(xp, -dout, like=x)


@recordable("x", backward=negative_backward)
@quiet
def negative(x: Value) -> Value:
    """Return ``-x`` of a floating array or a Python number.

    Raises
    ------
    DTypeError, BackendMismatchError
        If it is neither.

    Examples
    --------
    >>> negative(3)
    -3
    """
    return -x if is_number(x) else -floats_together("negative", x=x)[1]


@quiet
def absolute_backward(dout: Value, x: Value) -> Value:
    """Return the gradient of :func:`absolute`: ``dout * sign(x)``, which is 0 at ``x = 0``.

    Raises
    ------
    ShapeError, DTypeError, BackendMismatchError
        If ``dout`` does not fit.

    Examples
    --------
    >>> absolute_backward(2.0, -3)
    -2.0
    """
    if is_number(x):
        return dout * ((x > 0) - (x < 0))
    xp, dout, wide = upstream_together("absolute", dout, x=x)
    return rounded(xp, dout * xp.sign(wide), like=x)


@recordable("x", backward=absolute_backward)
@quiet
def absolute(x: Value) -> Value:
    """Return ``|x|`` of a floating array or a Python number.

    Raises
    ------
    DTypeError, BackendMismatchError
        If it is neither.

    Examples
    --------
    >>> absolute(-3)
    3
    """
    if is_number(x):
        return abs(x)
    xp, x = floats_together("absolute", x=x)
    return xp.abs(x)


@quiet
def where_backward(
    dout: Array, condition: Array, x: Value, y: Value, needed: tuple[bool, ...] = BOTH
) -> Gradients:
    """Return the gradients of :func:`where`: ``dout`` where each was chosen, 0 elsewhere.

    Parameters
    ----------
    dout : array
        The gradient of the loss with respect to the result, of its shape.
    condition, x, y
        As in forward.
    needed : pair of bool
        Which of the two to return; None for the other.

    Returns
    -------
    dx, dy
        As those of :func:`subtract_backward`.

    Raises
    ------
    ShapeError, DTypeError, BackendMismatchError
        As :func:`where`, or if ``dout`` does not fit.

    Examples
    --------
    >>> import numpy as np
    >>> where_backward(np.ones(2), np.asarray([True, False]), np.ones(2), np.zeros(2))
    (array([1., 0.]), array([0., 1.]))
    """
    xp, condition, wide_x, wide_y = _choices(condition, x, y)
    _, dout, _ = upstream_together("where", dout, y=xp.where(condition, wide_x, wide_y))
    nothing = xp.zeros_like(dout)
    dx = dy = None
    if needed[0]:
        dx = summed_to(xp, xp.where(condition, dout, nothing), x, beside=dout)
    if needed[1]:
        dy = summed_to(xp, xp.where(condition, nothing, dout), y, beside=dout)
    return dx, dy


@recordable("x", "y", backward=where_backward)
@quiet
def where(condition: Array, x: Value, y: Value) -> Array:
    """Return ``x`` where a condition holds, and ``y`` elsewhere.

    Parameters
    ----------
    condition : array of bool
        Its shape broadcasts with the others.
    x, y : array or number
        As in :func:`subtract`; one is an array.

    Returns
    -------
    array
        Of the broadcast shape, and of the dtype of the arrays.

    Raises
    ------
    DTypeError
        If the condition is not of bool.
    ShapeError, BackendMismatchError
        As :func:`subtract`.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.asarray([-1.0, 2.0])
    >>> where(x > 0, x, 0)
    array([0., 2.])
    """
    xp, condition, x, y = _choices(condition, x, y)
    return xp.where(condition, x, y)


def _choices(condition: Any, x: Value, y: Value) -> tuple[Any, ...]:
    """Return the namespace, and the condition and both operands as arrays of one shape."""
    xp = check_same_home(
        "where",
        condition=condition,
        **{n: v for n, v in {"x": x, "y": y}.items() if not is_number(v)},
    )
    if dtype_name(condition.dtype) != "bool":
        msg = (
            f"where: the condition is {dtype_name(condition.dtype)}; it must be of bool, "
            "such as x > 0"
        )
        raise DTypeError(msg)
    if is_number(x) and is_number(y):
        msg = "where: x and y are two numbers; make one an array with xpnet.asarray"
        raise DTypeError(msg)
    _, x, y = operands("where", x, y)
    like = x if is_number(y) else y
    x, y = (xp.full_like(like, v) if is_number(v) else v for v in (x, y))
    # Adding zeros broadcasts, and knows how to refuse.
    nothing = xp.zeros(condition.shape, dtype=like.dtype, device=getattr(like, "device", None))
    _, x, nothing = operands("where", x, nothing)
    _, y, _ = operands("where", y, nothing)
    return xp, *xp.broadcast_arrays(condition, x, y)
