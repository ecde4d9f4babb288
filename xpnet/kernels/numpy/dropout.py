"""Dropout, with random words that are made by blocks, in memory that stays.

A kernel is one of the first two functions, with another that computes; numba has others.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from numbers import Integral, Real
from typing import Any, TypeAlias

import numpy as np

from xpnet import ops
from xpnet._typing import Array
from xpnet.kernels.arguments import are_alike, compact, fit
from xpnet.kernels.numpy.blocks import BLOCK, buffer, by_row_blocks
from xpnet.kernels.tape import call
from xpnet.numerics.philox import KEY_STEPS, MULTIPLIERS, ROUNDS
from xpnet.ops.masks import least_kept, scale_of_kept
from xpnet.quiet import quiet

__all__ = ["dropped", "gradient"]

_Host: TypeAlias = np.ndarray[Any, Any]

_LOW_32 = 0xFFFFFFFF

# Counters of a block: with all that is computed from them, they fit a cache.
_COUNTERS = 4096


def dropped(
    compute: Callable[..., None],
    x: Any,
    rate: float,
    seed: int,
    step: int | Array,
    out: _Host | None,
) -> tuple[_Host, _Host] | None:
    """Return what a function of seed, stream, least word, factor, x, mask and y writes to y.

    All its arrays are flat but the stream, which it reads when it is called.
    """
    x = compact(x)
    y = None if x is None else fit(out, x)
    if y is None:
        return None
    mask, factor = np.empty(x.shape, x.dtype), x.dtype.type(scale_of_kept(rate))
    is_number = isinstance(step, Integral)
    stream = np.asarray(int(step) if is_number else 0, np.uint64)
    if not is_number:
        # Another number may be in the array each time that a compiled step is replayed; and, while
        # y is written, if it lies there or another thread writes.
        call(np.copyto, stream, step, "unsafe")
    flat = (array.reshape(-1) for array in (x, mask, y))
    compute(int(seed), stream, least_kept(rate), factor, *flat)
    return y, mask


def gradient(
    compute: Callable[..., None], dout: _Host, mask: _Host, rate: Any, out: _Host | None
) -> _Host | None:
    """Return what a function of dout, mask, dx and a factor writes to dx; all arrays are flat."""
    if not are_alike(dout, mask) or not (isinstance(rate, Real) and 0 <= float(rate) < 1):
        return None
    dx = fit(out, dout, mask)
    if dx is not None:
        factor = dout.dtype.type(scale_of_kept(float(rate)))
        compute(dout.reshape(-1), mask.reshape(-1), dx.reshape(-1), factor)
    return dx


@quiet
def _drop(*arguments: Any) -> None:
    call(_drop_by_blocks, *arguments)


def _drop_by_blocks(
    seed: int, stream: _Host, least: int, factor: Any, x: _Host, mask: _Host, y: _Host
) -> None:
    key, number = (seed & _LOW_32, seed >> 32), int(stream)
    size = 4 * _COUNTERS
    for start in range(0, x.size, size):
        block = slice(start, start + size)
        inputs, kept, outputs = x[block], mask[block], y[block]
        words = _words(start // 4, -(-inputs.size // 4), number, key)
        is_kept = buffer(np.dtype(bool))[: words.size]
        np.greater_equal(words.T, least, is_kept.reshape(-1, 4))
        np.copyto(kept, is_kept[: kept.size])
        _scale_kept(factor, inputs, kept, outputs)


def _words(first: int, count: int, stream: int, key: tuple[int, int]) -> _Host:
    """Return the random words of some counters, of shape (4, count): Philox 4x32-10.

    See :func:`xpnet.numerics.philox.philox4x32`; NumPy has integers that hold a whole product.
    """
    lines = buffer(np.dtype(np.uint64))[: 6 * count].reshape(6, count)
    c0, c1, c2, c3, product0, product1 = lines
    np.add(_counting()[:count], first, c0)
    np.right_shift(c0, 32, c1)
    np.bitwise_and(c0, _LOW_32, c0)
    c2[...], c3[...] = stream & _LOW_32, stream >> 32
    k0, k1 = key
    for _ in range(ROUNDS):
        np.multiply(c0, MULTIPLIERS[0], product0)
        np.multiply(c2, MULTIPLIERS[1], product1)
        _high_and_low(product1, k0, c0, c1)
        _high_and_low(product0, k1, c2, c3)
        k0, k1 = (k0 + KEY_STEPS[0]) & _LOW_32, (k1 + KEY_STEPS[1]) & _LOW_32
    return lines[:4]


@lru_cache(maxsize=1)
def _counting() -> _Host:
    numbers = np.arange(_COUNTERS, dtype=np.uint64)
    numbers.flags.writeable = False
    return numbers


def _high_and_low(product: _Host, key: int, high: _Host, low: _Host) -> None:
    """Write a product's high words, mixed with ``low`` and a key, to ``high``, then its low."""
    np.right_shift(product, 32, high)
    np.bitwise_xor(high, low, high)
    np.bitwise_xor(high, key, high)
    np.bitwise_and(product, _LOW_32, low)


@quiet
def _keep(dout: _Host, mask: _Host, dx: _Host, factor: Any) -> None:
    if dout.nbytes <= BLOCK:
        call(_scale_kept, factor, dout, mask, dx)
    else:
        scale = by_row_blocks(partial(_scale_kept, factor))
        call(scale, dout[:, None], mask[:, None], dx[:, None])


def _scale_kept(factor: Any, x: _Host, mask: _Host, y: _Host) -> None:
    np.multiply(x, mask, y)
    np.multiply(y, factor, y)


@ops.dropout.kernel("numpy")
def _dropout(
    x: _Host, rate: float, seed: int, step: int | Array = 0, *, out: _Host | None = None
) -> tuple[_Host, _Host] | None:
    return dropped(_drop, x, rate, seed, step, out)


@ops.dropout_backward.kernel("numpy", checks_itself=True)
def _dropout_backward(
    dout: _Host, mask: _Host, rate: float, *, out: _Host | None = None
) -> _Host | None:
    return gradient(_keep, dout, mask, rate, out)
