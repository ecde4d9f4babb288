"""Sum and product with broadcasting, and their derivatives."""

from __future__ import annotations

from xpnet._typing import Array, Namespace, Number
from xpnet.checks import check_floats, upstream_shape_text
from xpnet.errors import ShapeError
from xpnet.ops.output import check_out, delivered
from xpnet.ops.precision import rounded, widened
from xpnet.ops.sums import total
from xpnet.quiet import quiet

__all__ = ["add", "add_backward", "mul", "mul_backward"]

_ADD, _MUL = "AddLayer", "MulLayer"


@quiet
def add(x: Array | Number, y: Array | Number, *, out: Array | None = None) -> Array | Number:
    """Return ``x + y``.

    Parameters
    ----------
    x, y : array or number
        Floating arrays of one library, device and dtype whose shapes broadcast, or Python
        numbers.
    out : array, optional
        Where to write the result, of its shape, dtype and home; it may be an argument.

    Returns
    -------
    array or number
        Of the broadcast shape; a number if both are; ``out`` if given.

    Raises
    ------
    ShapeError
        If the shapes do not broadcast, or the result's is not that of ``out``.
    DTypeError
        If an array is not of floats, or the dtypes differ.
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
    _check(_ADD, x, y)
    return _delivered(_ADD, x + y, out)


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
        Each of the shape of its argument; for a number beside an array, of shape ().

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
    xp = _check_backward(_ADD, dout, x, y)
    return _unbroadcast(xp, dout, x), _unbroadcast(xp, dout, y)


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
    _check(_MUL, x, y)
    return _delivered(_MUL, x * y, out)


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
    xp = _check_backward(_MUL, dout, x, y)
    return _unbroadcast(xp, dout * y, x), _unbroadcast(xp, dout * x, y)


def _delivered(layer: str, result: Array | Number, out: Array | None) -> Array | Number:
    if out is None:
        return result
    check_out(layer, out, result=result)
    return delivered(result, out)


def _is_number(x: Array | Number) -> bool:
    return type(x) in (int, float)  # np.float64 is a float too, but an array to us


def _check(
    layer: str, x: Array | Number, y: Array | Number, **dout: Array | Number
) -> tuple[Namespace | None, tuple[int, ...]]:
    """Return the namespace of the arrays, None for numbers alone, and the output's shape."""
    operands = {**dout, "x": x, "y": y}
    arrays = {name: a for name, a in operands.items() if not _is_number(a)}
    xp = check_floats(layer, **arrays) if arrays else None
    return xp, _broadcast_shape(layer, _shape(x), _shape(y))


def _check_backward(
    layer: str, dout: Array | Number, x: Array | Number, y: Array | Number
) -> Namespace | None:
    xp, expected = _check(layer, x, y, dout=dout)
    if _shape(dout) != expected:
        raise ShapeError(upstream_shape_text(layer, _shape(dout), expected))
    return xp


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


def _unbroadcast(xp: Namespace | None, dout: Array | Number, x: Array | Number) -> Array | Number:
    """Return the gradient summed over the axes along which ``x`` was repeated."""
    shape = _shape(x)
    if _shape(dout) == shape:
        return dout
    extra = len(dout.shape) - len(shape)  # type: ignore[union-attr]
    repeated = tuple(
        axis
        for axis, length in enumerate(dout.shape)  # type: ignore[union-attr]
        if axis < extra or (shape[axis - extra] == 1 and length != 1)
    )
    assert xp is not None
    (wide,) = widened(xp, dout)
    return rounded(xp, xp.reshape(total(xp, wide, axis=repeated), shape), like=dout)
