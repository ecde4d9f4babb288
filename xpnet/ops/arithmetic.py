"""Sum and product with broadcasting, and their derivatives."""

from __future__ import annotations

from xpnet._typing import Array, Namespace, Number
from xpnet.numerics.ranks import of_one_rank
from xpnet.ops.broadcasting import broadcast_shape, check_dout_of_both, unbroadcast
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
    return unbroadcast(xp, dout, x), unbroadcast(xp, dout, y)


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
    return unbroadcast(xp, dout * wide_y, x), unbroadcast(xp, dout * wide_x, y)


for _op in (add, mul):
    _op.check(broadcast_shape)
for _backward in (add_backward, mul_backward):
    _backward.check(check_dout_of_both)
