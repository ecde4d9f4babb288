"""The matrix product and its derivative."""

from __future__ import annotations

from typing import Any

from xpnet._typing import Array, Namespace
from xpnet.checks import upstream_shape_text
from xpnet.errors import ShapeError
from xpnet.numerics.precision import rounded, widened
from xpnet.numerics.sums import BLOCK, MANY, product, total
from xpnet.ops.broadcasting import summed_to
from xpnet.ops.recordable import recordable
from xpnet.quiet import quiet
from xpnet.together import floats_together

__all__ = ["matmul", "matmul_backward"]


@quiet
def matmul_backward(
    dout: Array, x: Array, y: Array, needed: tuple[bool, ...] = (True, True)
) -> tuple[Array | None, Array | None]:
    """Return the gradients of :func:`matmul`: ``dout @ y.T`` and ``x.T @ dout``.

    Parameters
    ----------
    dout : array
        The gradient of the loss with respect to the product, of its shape.
    x, y : array
        As in forward.
    needed : pair of bool
        Which of the two to return; None for the other.

    Returns
    -------
    dx, dy : array or None
        Each of the shape and dtype of its argument.

    Raises
    ------
    ShapeError, DTypeError, BackendMismatchError
        As :func:`matmul`, or if ``dout`` does not fit.

    Examples
    --------
    >>> import numpy as np
    >>> dx, dy = matmul_backward(np.asarray(2.0), np.asarray([1.0, 2.0]), np.asarray([3.0, 4.0]))
    >>> dx, dy
    (array([6., 8.]), array([2., 4.]))
    """
    xp, wide_x, wide_y, shape = _matrices(x, y)
    _, dout, *_ = floats_together("matmul", dout=dout, x=x, y=y)
    if tuple(dout.shape) != shape:
        raise ShapeError(upstream_shape_text("matmul", tuple(dout.shape), shape))
    (dout,) = widened(xp, dout)
    rows, columns = wide_x.shape[-2], wide_y.shape[-1]
    lead = shape[: len(shape) - (x.ndim > 1) - (y.ndim > 1)]
    dout = xp.reshape(dout, (*lead, rows, columns))
    dx = dy = None
    if needed[0]:
        dx = _back(xp, _product(xp, dout, xp.matrix_transpose(wide_y)), wide_x, x)
    if needed[1]:
        dy = _back(xp, _product(xp, xp.matrix_transpose(wide_x), dout), wide_y, y)
    return dx, dy


@recordable("x", "y", backward=matmul_backward)
@quiet
def matmul(x: Array, y: Array) -> Array:
    """Return the matrix product ``x @ y``.

    Parameters
    ----------
    x : array, shape (..., N, D) or (D,)
    y : array, shape (..., D, M) or (D,)
        Leading axes broadcast.

    Returns
    -------
    array, shape (..., N, M)
        Without N or M where a factor has one axis. Sums of 16-bit floats are held in float32.

    Raises
    ------
    ShapeError
        If the shapes do not fit.
    DTypeError, BackendMismatchError
        If one is no array of floats, or they do not belong together.

    Examples
    --------
    >>> import numpy as np
    >>> matmul(np.ones((2, 3)), np.ones(3))
    array([3., 3.])
    """
    xp, wide_x, wide_y, shape = _matrices(x, y)
    return rounded(xp, xp.reshape(_product(xp, wide_x, wide_y), shape), like=_wider(x, y))


def _back(xp: Namespace, gradient: Any, matrix: Any, like: Array) -> Array:
    summed = summed_to(xp, gradient, matrix, beside=matrix)
    return rounded(xp, xp.reshape(summed, tuple(like.shape)), like)


def _wider(x: Array, y: Array) -> Array:
    return y if "64" in str(y.dtype) else x


def _matrices(x: Array, y: Array) -> tuple[Any, ...]:
    """Return the namespace, both factors as matrices to compute with, and the product's shape."""
    xp, wide_x, wide_y = floats_together("matmul", x=x, y=y)
    shapes = tuple(x.shape), tuple(y.shape)
    fit = x.ndim > 0 and y.ndim > 0 and x.shape[-1] == y.shape[-2 if y.ndim > 1 else 0]
    rank = max(x.ndim, y.ndim, 2) - 2
    leads = [(1,) * (rank - max(len(s) - 2, 0)) + s[:-2] for s in shapes]
    lead = [b if a == 1 else a for a, b in zip(*leads, strict=True)]
    if not fit or any(a != b and 1 not in (a, b) for a, b in zip(*leads, strict=True)):
        msg = (
            f"matmul: x has shape {shapes[0]} and y has shape {shapes[1]}; they must be "
            "(..., N, D) and (..., D, M) with the same D, and leading axes that broadcast"
        )
        raise ShapeError(msg)
    wide_x, wide_y = widened(xp, wide_x, wide_y)
    wide_x = xp.reshape(wide_x, (*leads[0], *((1,) if x.ndim == 1 else ()), *shapes[0][-2:]))
    wide_y = xp.reshape(wide_y, (*leads[1], *shapes[1][-2:], *((1,) if y.ndim == 1 else ())))
    shape = (*lead, *shapes[0][-2:-1], *(shapes[1][-1:] if y.ndim > 1 else ()))
    return xp, wide_x, wide_y, shape


def _product(xp: Namespace, x: Array, y: Array) -> Array:
    """Return a product whose sums stay right however long they are; see ``xpnet.numerics.sums``."""
    if x.ndim == 2 and y.ndim == 2:
        return product(xp, x, y)
    terms = x.shape[-1]
    if terms <= MANY:
        return xp.matmul(x, y)
    block = max(BLOCK, min(x.shape[-2], y.shape[-1]))
    count = terms // block
    lefts = xp.reshape(x[..., : count * block], (*x.shape[:-1], count, block))
    rights = xp.reshape(y[..., : count * block, :], (*y.shape[:-2], count, block, y.shape[-1]))
    blocks = xp.matmul(xp.moveaxis(lefts, -2, -3), rights)
    rest = xp.matmul(x[..., count * block :], y[..., count * block :, :])
    return total(xp, blocks, axis=blocks.ndim - 3) + rest
