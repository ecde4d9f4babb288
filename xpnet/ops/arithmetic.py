"""Sum and product with broadcasting, and their derivatives."""

from __future__ import annotations

from typing import Any

from xpnet._typing import Array, Namespace, Number
from xpnet.checks import namespace_of_alike, upstream_shape_text
from xpnet.errors import ShapeError
from xpnet.ops.output import check_out, delivered
from xpnet.ops.precision import rounded, widened
from xpnet.ops.ranks import of_one_rank
from xpnet.ops.sums import total
from xpnet.quiet import quiet
from xpnet.together import floats_together

__all__ = ["add", "add_backward", "mul", "mul_backward"]

_ADD, _MUL = "AddLayer", "MulLayer"


@quiet
def add(x: Array | Number, y: Array | Number, *, out: Array | None = None) -> Array | Number:
    """Return ``x + y``.

    Parameters
    ----------
    x, y : array or number
        Floating arrays of one library and device whose shapes broadcast, or Python numbers.
    out : array, optional
        Where to write the result, of its shape, dtype and home; it may be an argument.

    Returns
    -------
    array or number
        Of the broadcast shape, and of the dtype of the arrays, which is float64 where that meets
        float32; a number if both are; ``out`` if given.

    Raises
    ------
    ShapeError
        If the shapes do not broadcast, or the result's is not that of ``out``.
    DTypeError
        If an array is not of floats, 16 bits meet another width, or ``out`` does not have the
        dtype of the result.
    BackendMismatchError
        If the arrays do not live together.
    NotWritableError
        If ``out`` cannot be written to.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.ops import add
    >>> add(np.asarray([1.0, 2.0]), 10)
    array([11., 12.])
    """
    _, wide_x, wide_y = _checked(_ADD, x, y)
    _broadcast_shape(_ADD, _shape(x), _shape(y))
    wide_x, wide_y = of_one_rank(wide_x, wide_y)
    return _delivered(_ADD, wide_x + wide_y, out)


@quiet
def add_backward(
    dout: Array | Number, x: Array | Number, y: Array | Number
) -> tuple[Array | Number, Array | Number]:
    """Return the gradients of :func:`add`: ``dout``, summed over the axes that were broadcast.

    Parameters
    ----------
    dout : array or number
        The gradient of the loss with respect to ``x + y``, of its shape.
    x, y : array or number
        As in forward.

    Returns
    -------
    dx, dy : array or number
        Each of the shape and dtype of its argument; for a number beside an array, of shape () and
        of that array's dtype.

    Raises
    ------
    ShapeError, DTypeError, BackendMismatchError
        As :func:`add`, or if ``dout`` does not fit.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.ops import add_backward
    >>> dx, dy = add_backward(np.asarray([1.0, 2.0]), np.asarray([5.0, 5.0]), 10)
    >>> float(dy)
    3.0
    """
    xp, _, _, dout = _checked_backward(_ADD, dout, x, y)
    return _unbroadcast(xp, dout, x, beside=y), _unbroadcast(xp, dout, y, beside=x)


@quiet
def mul(x: Array | Number, y: Array | Number, *, out: Array | None = None) -> Array | Number:
    """Return ``x * y``.

    Parameters, result and errors are those of :func:`add`.

    Examples
    --------
    >>> from xpnet.ops import mul
    >>> mul(100, 2)
    200
    """
    _, wide_x, wide_y = _checked(_MUL, x, y)
    _broadcast_shape(_MUL, _shape(x), _shape(y))
    wide_x, wide_y = of_one_rank(wide_x, wide_y)
    return _delivered(_MUL, wide_x * wide_y, out)


@quiet
def mul_backward(
    dout: Array | Number, x: Array | Number, y: Array | Number
) -> tuple[Array | Number, Array | Number]:
    """Return the gradients of :func:`mul`: ``dout * y`` and ``dout * x``.

    Parameters, result and errors are those of :func:`add_backward`.

    Examples
    --------
    >>> from xpnet.ops import mul_backward
    >>> mul_backward(1.5, 100, 2)
    (3.0, 150.0)
    """
    xp, wide_x, wide_y, dout = _checked_backward(_MUL, dout, x, y)
    _, wide_x, wide_y = of_one_rank(dout, wide_x, wide_y)
    dx, dy = dout * wide_y, dout * wide_x
    return _unbroadcast(xp, dx, x, beside=y), _unbroadcast(xp, dy, y, beside=x)


def _delivered(layer: str, result: Array | Number, out: Array | None) -> Array | Number:
    if out is None:
        return result
    check_out(layer, out, result=result)
    return delivered(result, out)


def _is_number(x: Array | Number) -> bool:
    return type(x) in (int, float)  # np.float64 is a float too, but an array to us


def _checked(
    layer: str, x: Array | Number, y: Array | Number, **dout: Array | Number
) -> tuple[Any, ...]:
    """Return the namespace of the arrays, None for numbers alone, and what to compute with.

    That is ``x``, ``y`` and the gradient from above, if there is one.
    """
    xp = namespace_of_alike(x, y, *dout.values())
    if xp is not None:
        return xp, x, y, *dout.values()
    operands = {"x": x, "y": y, **dout}
    arrays = {name: a for name, a in operands.items() if not _is_number(a)}
    if not arrays:
        return None, *operands.values()
    xp, *together = floats_together(layer, **arrays)
    return xp, *{**operands, **dict(zip(arrays, together, strict=True))}.values()


def _checked_backward(
    layer: str, dout: Array | Number, x: Array | Number, y: Array | Number
) -> tuple[Any, ...]:
    checked = _checked(layer, x, y, dout=dout)
    expected = _broadcast_shape(layer, _shape(x), _shape(y))
    if _shape(dout) != expected:
        raise ShapeError(upstream_shape_text(layer, _shape(dout), expected))
    return checked


def _shape(x: Array | Number) -> tuple[int, ...]:
    return () if _is_number(x) else tuple(x.shape)  # type: ignore[union-attr]


def _broadcast_shape(layer: str, x: tuple[int, ...], y: tuple[int, ...]) -> tuple[int, ...]:
    if x == y:
        return x
    rank = max(len(x), len(y))
    pairs = zip((1,) * (rank - len(x)) + tuple(x), (1,) * (rank - len(y)) + tuple(y), strict=True)
    shape = []
    for a, b in pairs:
        if a != b and 1 not in (a, b):
            msg = (
                f"{layer}: x of shape {tuple(x)} and y of shape {tuple(y)} do not broadcast; "
                "counted from the last axis, lengths must be equal or 1"
            )
            raise ShapeError(msg)
        shape.append(b if a == 1 else a)
    return tuple(shape)


def _unbroadcast(
    xp: Namespace | None, dout: Array | Number, x: Array | Number, beside: Array | Number
) -> Array | Number:
    """Return the gradient summed over the axes along which ``x`` was repeated."""
    if xp is None or _is_number(dout):
        return dout
    shape = _shape(x)
    like = next((array for array in (x, beside) if not _is_number(array)), dout)
    if _shape(dout) == shape:
        return rounded(xp, dout, like)
    extra = len(dout.shape) - len(shape)  # type: ignore[union-attr]
    repeated = tuple(
        axis
        for axis, length in enumerate(dout.shape)  # type: ignore[union-attr]
        if axis < extra or (shape[axis - extra] == 1 and length != 1)
    )
    (wide,) = widened(xp, dout)
    return rounded(xp, xp.reshape(total(xp, wide, axis=repeated), shape), like)
