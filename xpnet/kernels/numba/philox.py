"""Dropout with its random words: Philox 4x32-10, in one pass over memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet.kernels.numba.kept import kept
from xpnet.kernels.numba.pieces import Share, pieces
from xpnet.numerics import philox

__all__ = ["drop", "scale_kept"]

# Both take flat arrays, and compute the entries of a share.
_compiled = kept(nogil=True, error_model="numpy")

_ROUNDS = philox.ROUNDS
_MULTIPLIER_0, _MULTIPLIER_1 = map(np.uint64, philox.MULTIPLIERS)
_KEY_STEP_0, _KEY_STEP_1 = map(np.uint64, philox.KEY_STEPS)
_LOW_32, _32 = np.uint64(0xFFFFFFFF), np.uint64(32)

# Counters whose words are made at once; they stay in the first cache.
_COUNTERS = 128


@_compiled
def _make_words(first: Any, stream: Any, key: Any, words: Any) -> None:
    """Write the words of successive counters to an array of shape (4, counters)."""
    words0, words1, words2, words3 = words[0], words[1], words[2], words[3]
    for i in range(words.shape[1]):
        counter = first + np.uint64(i)
        c0, c1 = counter & _LOW_32, counter >> _32
        c2, c3 = stream & _LOW_32, stream >> _32
        k0, k1 = key & _LOW_32, key >> _32
        for _ in range(_ROUNDS):
            product0, product1 = c0 * _MULTIPLIER_0, c2 * _MULTIPLIER_1
            c0, c1 = (product1 >> _32) ^ c1 ^ k0, product1 & _LOW_32
            c2, c3 = (product0 >> _32) ^ c3 ^ k1, product0 & _LOW_32
            k0, k1 = (k0 + _KEY_STEP_0) & _LOW_32, (k1 + _KEY_STEP_1) & _LOW_32
        words0[i], words1[i] = c0, c1
        words2[i], words3[i] = c2, c3


@_compiled
def _in_turn(words: Any, flat: Any) -> None:
    """Write the four words of each counter side by side: written so, they made no vectors."""
    for i in range(words.shape[1]):
        for j in range(4):
            flat[4 * i + j] = words[j, i]


@_compiled
def _keep_or_drop(words: Any, least: Any, factor: Any, x: Any, mask: Any, y: Any) -> None:
    zero, one = x.dtype.type(0), x.dtype.type(1)
    for i in range(x.shape[0]):
        kept = one if words[i] >= least else zero
        mask[i] = kept
        y[i] = x[i] * kept * factor


@_compiled
def drop(
    share: Share, x: Any, key: Any, stream: Any, least: Any, factor: Any, mask: Any, y: Any
) -> None:
    words, flat = np.empty(4 * _COUNTERS, np.uint32), np.empty(4 * _COUNTERS, np.uint32)
    for start, stop in pieces(share):
        position = start
        while position < stop:
            # A piece may begin and end within the four words of a counter.
            counter, skipped = position // 4, position % 4
            size = min(4 * _COUNTERS - skipped, stop - position)
            counters = (skipped + size + 3) // 4
            made = words[: 4 * counters].reshape(4, counters)
            _make_words(np.uint64(counter), stream[()], key, made)
            _in_turn(made, flat)
            last = position + size
            _keep_or_drop(
                flat[skipped : skipped + size],
                least,
                factor,
                x[position:last],
                mask[position:last],
                y[position:last],
            )
            position = last


@_compiled
def scale_kept(share: Share, dout: Any, mask: Any, dx: Any, factor: Any) -> None:
    for start, stop in pieces(share):
        upstream, kept, results = dout[start:stop], mask[start:stop], dx[start:stop]
        for i in range(upstream.shape[0]):
            results[i] = upstream[i] * kept[i] * factor
