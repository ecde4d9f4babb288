"""Sum and product with broadcasting, and their derivatives."""

from __future__ import annotations

from xpnet._typing import Array, Namespace, Number
from xpnet.checks import upstream_shape_text
from xpnet.errors import ShapeError
from xpnet.numerics.precision import widened
from xpnet.numerics.ranks import of_one_rank
from xpnet.numerics.sums import total
from xpnet.ops.op import op

__all__ = ["add", "add_backward", "mul", "mul_backward"]


@op({"x": (5, 4), "y": (5, 4)}, out=True, in_16_bits=True)
def add(xp: Namespace, x: Array | Number, y: Array | Number) -> Array | Number:
    """Return ``x + y``.

    Parameters
    ----------
    x, y : array or number
        Floating arrays of one library and device whose shapes broadcast, or Python numbers.

    Returns
    -------
    array or number
        Of the broadcast shape, and of the dtype of the arrays, which is float64 where that meets
        float32; a number if both are; ``out`` if given.

    Raises
    ------
    ShapeError
        If the shapes do not broadcast.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.ops import add
    >>> add(np.asarray([1.0, 2.0]), 10)
    array([11., 12.])
    """
    x, y = of_one_rank(x, y)
    return x + y


@add.derivative
def add_backward(
    xp: Namespace, dout: Array | Number, x: Array | Number, y: Array | Number
) -> tuple[Array | Number, Array | Number]:
    """Return the gradients of :func:`add`: ``dout``, summed over the axes that were broadcast.

    Returns
    -------
    dx, dy : array or number
        Each of the shape and dtype of its argument; for a number beside an array, of shape () and
        of that array's dtype.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.ops import add_backward
    >>> dx, dy = add_backward(np.asarray([1.0, 2.0]), np.asarray([5.0, 5.0]), 10)
    >>> float(dy)
    3.0
    """
    return _unbroadcast(xp, dout, x), _unbroadcast(xp, dout, y)


@op({"x": (5, 4), "y": (5, 4)}, out=True, in_16_bits=True)
def mul(xp: Namespace, x: Array | Number, y: Array | Number) -> Array | Number:
    """Return ``x * y``.

    Parameters
    ----------
    x, y : array or number
        As in :func:`add`, as the result and errors are.

    Returns
    -------
    array or number

    Examples
    --------
    >>> from xpnet.ops import mul
    >>> mul(100, 2)
    200
    """
    x, y = of_one_rank(x, y)
    return x * y


@mul.derivative
def mul_backward(
    xp: Namespace, dout: Array | Number, x: Array | Number, y: Array | Number
) -> tuple[Array | Number, Array | Number]:
    """Return the gradients of :func:`mul`: ``dout * y`` and ``dout * x``.

    Returns
    -------
    dx, dy : array or number
        As of :func:`add_backward`.

    Examples
    --------
    >>> from xpnet.ops import mul_backward
    >>> mul_backward(1.5, 100, 2)
    (3.0, 150.0)
    """
    _, wide_x, wide_y = of_one_rank(dout, x, y)
    return _unbroadcast(xp, dout * wide_y, x), _unbroadcast(xp, dout * wide_x, y)


def _shape(x: Array | Number) -> tuple[int, ...]:
    return tuple(getattr(x, "shape", ()))


@add.check
@mul.check
def _broadcast_shape(who: str, x: Array | Number, y: Array | Number) -> tuple[int, ...]:
    of_x, of_y = _shape(x), _shape(y)
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


@add_backward.check
@mul_backward.check
def _dout_fits(who: str, dout: Array | Number, x: Array | Number, y: Array | Number) -> None:
    expected = _broadcast_shape(who, x, y)
    if _shape(dout) != expected:
        raise ShapeError(upstream_shape_text(who, _shape(dout), expected))


def _unbroadcast(xp: Namespace, dout: Array | Number, x: Array | Number) -> Array | Number:
    """Return the gradient summed over the axes along which ``x`` was repeated."""
    found, shape = _shape(dout), _shape(x)
    if found == shape:
        return dout
    extra = len(found) - len(shape)
    repeated = tuple(
        axis
        for axis, length in enumerate(found)
        if axis < extra or (shape[axis - extra] == 1 and length != 1)
    )
    (wide,) = widened(xp, dout)
    return xp.reshape(total(xp, wide, axis=repeated), shape)
