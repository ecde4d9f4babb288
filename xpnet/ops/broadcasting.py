"""Arrays and numbers that meet in one op, and gradients summed back to their shapes."""

from __future__ import annotations

from typing import Any

from xpnet._typing import Array, Namespace, Number
from xpnet.checks import namespace_of_alike, upstream_shape_text
from xpnet.errors import ShapeError
from xpnet.numerics.precision import rounded, widened
from xpnet.numerics.ranks import of_one_rank
from xpnet.numerics.sums import total
from xpnet.together import floats_together

__all__ = [
    "broadcast_shape",
    "check_dout_of_both",
    "is_number",
    "operands",
    "operands_backward",
    "shape_of",
    "summed_to",
    "unbroadcast",
]


def is_number(x: Any) -> bool:
    """Whether it is a number of Python's; ``np.float64`` is a float too, but an array to us."""
    return type(x) in (int, float)


def shape_of(x: Array | Number) -> tuple[int, ...]:
    """Return the shape of an array; that of a number is ()."""
    return () if is_number(x) else tuple(x.shape)  # type: ignore[union-attr]


def operands(op: str, x: Array | Number, y: Array | Number) -> tuple[Any, ...]:
    """Return the namespace of the arrays, None for numbers alone, and two operands of one rank.

    Parameters
    ----------
    op : str
        Who asks, for the texts of errors.
    x, y : array or number
        Floating arrays of one library and device, whose shapes broadcast; or Python numbers.

    Raises
    ------
    ShapeError
        If the shapes do not broadcast.
    BackendMismatchError, UnsupportedArrayError, DTypeError
        As :func:`xpnet.together.floats_together`.

    Examples
    --------
    >>> import numpy as np
    >>> xp, x, y = operands("Sum", np.ones((2, 3)), np.ones(3))
    >>> y.shape
    (1, 3)
    """
    if type(y) in (int, float) and (xp := namespace_of_alike(x)) is not None:
        return xp, x, y
    shape = getattr(x, "shape", None)
    if shape is not None and shape == getattr(y, "shape", None):
        xp = namespace_of_alike(x, y)
        if xp is not None:
            return xp, x, y
    xp, x, y = _together(op, x=x, y=y)
    broadcast_shape(op, x, y)
    return xp, *of_one_rank(x, y)


def operands_backward(
    op: str, dout: Array | Number, x: Array | Number, y: Array | Number
) -> tuple[Any, ...]:
    """Return what :func:`operands` does, and ``dout`` before the operands.

    Raises
    ------
    ShapeError
        If ``dout`` does not have the shape of the result, too.
    """
    shape = getattr(dout, "shape", None)
    if shape is not None and shape == getattr(x, "shape", None):
        if type(y) in (int, float) and (xp := namespace_of_alike(dout, x)) is not None:
            return xp, dout, x, y
        if shape == getattr(y, "shape", None):
            xp = namespace_of_alike(dout, x, y)
            if xp is not None:
                return xp, dout, x, y
    xp, dout, wide_x, wide_y = _together(op, dout=dout, x=x, y=y)
    check_dout_of_both(op, dout, x, y)
    _, wide_x, wide_y = of_one_rank(dout, wide_x, wide_y)
    return xp, dout, wide_x, wide_y


def summed_to(
    xp: Namespace | None,
    gradient: Array | Number,
    x: Array | Number,
    beside: Array | Number,
) -> Array | Number:
    """Return a gradient summed over the axes along which ``x`` was repeated, in its dtype.

    For a number beside an array, it is an array of shape () and of that array's dtype.

    Examples
    --------
    >>> import array_api_compat.numpy as np
    >>> summed_to(np, np.ones((2, 3)), np.ones(3), beside=np.ones((2, 3)))
    array([2., 2., 2.])
    """
    if xp is None or is_number(gradient):
        return gradient
    like = next((array for array in (x, beside) if not is_number(array)), gradient)
    return rounded(xp, unbroadcast(xp, gradient, x), like)


def unbroadcast(xp: Namespace, gradient: Array | Number, x: Array | Number) -> Any:
    """Return a gradient summed over the axes along which ``x`` was repeated; 16 bits in float32.

    Where none was repeated, it is the gradient itself.
    """
    found, shape = shape_of(gradient), shape_of(x)
    if found == shape:
        return gradient
    extra = len(found) - len(shape)
    repeated = tuple(
        axis
        for axis, length in enumerate(found)
        if axis < extra or (shape[axis - extra] == 1 and length != 1)
    )
    (wide,) = widened(xp, gradient)
    return xp.reshape(total(xp, wide, axis=repeated), shape)


def _together(op: str, **values: Array | Number) -> tuple[Any, ...]:
    """Return the namespace of the arrays, None for numbers alone, and what to compute with."""
    xp = namespace_of_alike(*values.values())
    if xp is not None:
        return xp, *values.values()
    arrays = {name: value for name, value in values.items() if not is_number(value)}
    if not arrays:
        return None, *values.values()
    xp, *together = floats_together(op, **arrays)
    return xp, *{**values, **dict(zip(arrays, together, strict=True))}.values()


def broadcast_shape(who: str, x: Array | Number, y: Array | Number) -> tuple[int, ...]:
    """Return the shape that two operands have together.

    Raises
    ------
    ShapeError
        If they do not broadcast.
    """
    of_x, of_y = shape_of(x), shape_of(y)
    if of_x == of_y:
        return of_x
    rank = max(len(of_x), len(of_y))
    pairs = zip((1,) * (rank - len(of_x)) + of_x, (1,) * (rank - len(of_y)) + of_y, strict=True)
    shape = []
    for a, b in pairs:
        if a != b and 1 not in (a, b):
            msg = (
                f"{who}: x of shape {of_x} and y of shape {of_y} do not broadcast; "
                "counted from the last axis, lengths must be equal or 1"
            )
            raise ShapeError(msg)
        shape.append(b if a == 1 else a)
    return tuple(shape)


def check_dout_of_both(
    who: str, dout: Array | Number, x: Array | Number, y: Array | Number
) -> None:
    """Make sure that a gradient has the shape of what two operands make.

    Raises
    ------
    ShapeError
        If it does not, or they do not broadcast.
    """
    expected = broadcast_shape(who, x, y)
    if shape_of(dout) != expected:
        raise ShapeError(upstream_shape_text(who, shape_of(dout), expected))
