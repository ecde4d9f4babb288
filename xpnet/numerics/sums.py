"""Sums that stay right however many terms they have.

Added one after the other, terms are lost as soon as the sum is so large that they are below its
last digit: in float32 a sum of ones ends at 2**24. Some libraries add so, most do along some axes
or in some matrix products. So a long sum is split here: blocks of :data:`BLOCK` terms, and then
the sums of the blocks in the same way (Higham, *Accuracy and Stability of Numerical Algorithms*,
second edition, section 4.2). Up to :data:`MANY` terms, as nearly all sums have, the library adds.
"""

from __future__ import annotations

from math import prod

from xpnet._typing import Array, Namespace, Number

__all__ = ["BLOCK", "MANY", "depth", "mean", "product", "share_of_mean", "total"]

MANY = 2**18
"""The most terms that the library adds in its own way."""

BLOCK = 2**10
"""The terms of a block of a longer sum."""


def depth(terms: int) -> int:
    """Return how many roundings a term of a sum goes through at most, in whatever library.

    With the unit roundoff u, the error of a sum is at most ``gamma(depth(n))`` times the sum of
    the magnitudes, where ``gamma(m) = m * u / (1 - m * u)``.

    Examples
    --------
    >>> depth(1000), depth(2**18), depth(10**8)
    (1000, 262144, 3075)
    """
    if terms <= MANY:
        return terms
    levels = 0
    while terms > 1:
        levels, terms = levels + 1, -(-terms // BLOCK)
    return levels * (BLOCK + 1)


def total(
    xp: Namespace, x: Array, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False
) -> Array:
    """Return the sum along an axis, several or all; see :func:`depth` for the error.

    Where several axes have more than :data:`MANY` entries together, the sum is taken along one
    after the other, and its error is that of all their depths.

    Parameters
    ----------
    xp : namespace
        That of ``x``.
    x : array
        In a dtype in which sums are held; see ``xpnet.numerics.precision``.
    axis : int, tuple of int or None
        None is all.
    keepdims : bool
        Whether the axes stay, with length 1.

    Returns
    -------
    array
        Of the dtype of ``x``.

    Examples
    --------
    >>> import array_api_compat.numpy as np
    >>> column = np.broadcast_to(np.float32(1), (2**24 + 2**16, 1))
    >>> float(total(np, column, axis=0)[0]) - 2**24
    65536.0
    """
    axes = _axes(axis, x.ndim)
    if prod(x.shape[i] for i in axes) <= MANY:
        return xp.sum(x, axis=axis, keepdims=keepdims)
    for i in axes:
        x = xp.expand_dims(_along(xp, x, i), axis=i)
    return x if keepdims else xp.squeeze(x, axis=axes)


def _axes(axis: int | tuple[int, ...] | None, rank: int) -> tuple[int, ...]:
    if axis is None:
        return tuple(range(rank))
    axes = axis if isinstance(axis, tuple) else (axis,)
    return tuple(i % rank for i in axes)


def _along(xp: Namespace, x: Array, axis: int) -> Array:
    """Return the sum along an axis, counted from the first, in blocks of blocks."""
    terms = x.shape[axis]
    if terms <= BLOCK:
        return xp.sum(x, axis=axis)
    whole, rest = _split(xp, x, axis)
    result = _along(xp, xp.sum(whole, axis=axis + 1), axis)
    return result if rest is None else result + xp.sum(rest, axis=axis)


def _split(xp: Namespace, x: Array, axis: int, block: int = BLOCK) -> tuple[Array, Array | None]:
    """Return the blocks along an axis, which becomes two, and what is left over, if anything."""
    shape, terms = tuple(x.shape), x.shape[axis]
    count, before = terms // block, (slice(None),) * axis
    whole = x if count * block == terms else x[(*before, slice(0, count * block), ...)]
    blocks = xp.reshape(whole, (*shape[:axis], count, block, *shape[axis + 1 :]))
    rest = None if whole is x else x[(*before, slice(count * block, terms), ...)]
    return blocks, rest


def mean(xp: Namespace, x: Array) -> Array:
    """Return the mean of all entries, of shape (); 0 if there are none.

    Examples
    --------
    >>> import array_api_compat.numpy as np
    >>> float(mean(np, np.asarray([1.0, 2.0]))), float(mean(np, np.asarray([])))
    (1.5, 0.0)
    """
    return total(xp, x) / max(prod(x.shape), 1)


def share_of_mean(dout: Array | Number, terms: int | Array) -> Array | Number:
    """Return the gradient that reaches each of the terms of a mean; all of it if there are none.

    Parameters
    ----------
    dout : array of shape (), or number
        The gradient of what follows with respect to the mean.
    terms : int or array of shape ()
        How many there are, or what their weights add up to.

    Examples
    --------
    >>> share_of_mean(1.0, 4), share_of_mean(1.0, 0)
    (0.25, 1.0)
    """
    return dout / (max(terms, 1) if isinstance(terms, int) else terms)


def product(xp: Namespace, a: Array, b: Array) -> Array:
    """Return ``a @ b`` of two matrices, each of whose entries is a sum.

    The blocks are at least as long as the product is high or wide, so that all their products
    together take no more memory than ``a`` and ``b`` do. The error is that of :func:`depth`, with
    as many roundings more where a block is longer.

    Examples
    --------
    >>> import array_api_compat.numpy as np
    >>> ones = np.broadcast_to(np.float32(1), (2**24 + 2**16, 1))
    >>> float(product(np, ones.T, ones)[0, 0]) - 2**24
    65536.0
    """
    terms = a.shape[1]
    if terms <= MANY:
        return xp.matmul(a, b)
    block = max(BLOCK, min(a.shape[0], b.shape[1]))
    if terms <= block:
        return xp.matmul(a, b)
    (lefts, left), (rights, right) = _split(xp, a.T, 0, block), _split(xp, b, 0, block)
    result = _along(xp, xp.matmul(xp.matrix_transpose(lefts), rights), 0)
    return result if left is None else result + xp.matmul(left.T, right)
