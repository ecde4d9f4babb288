"""Random bits that depend on nothing but a seed and a position: Philox 4x32-10.

A generator with a state draws one number after the other, and every array library has its own.
This one computes the word at any position by itself, from integers alone, so it gives the same
bits on every library, device and Python, and no array ever leaves its device.
"""

from __future__ import annotations

from functools import partial
from numbers import Integral

from array_api_compat import is_torch_namespace

from xpnet._typing import Array, Device, DType, Namespace

__all__ = [
    "KEY_STEPS",
    "MULTIPLIERS",
    "ROUNDS",
    "constant_word",
    "philox4x32",
    "random_words",
    "stream_words",
    "word_dtype",
]

ROUNDS = 10
MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
KEY_STEPS = (0x9E3779B9, 0xBB67AE85)  # of the golden ratio and of sqrt(3) - 1

_LOW_16 = 0xFFFF
_LOW_32 = 0xFFFFFFFF


def word_dtype(xp: Namespace) -> DType:
    """Return the integer dtype in which a library holds 32-bit words.

    PyTorch has a uint32, but cannot shift or add it (pytorch/pytorch#58734); int64 holds the same
    numbers. JAX has no int64 unless x64 is on, so there is no dtype that would do for all.
    """
    return xp.int64 if is_torch_namespace(xp) else xp.uint32


def constant_word(xp: Namespace, value: int, device: Device | None) -> Array:
    """Return the low 32 bits of an integer, shape (): made on the device, not copied there.

    JAX takes Python integers beside its arrays, but none above ``2**31 - 1``.
    """
    return xp.full((), value & _LOW_32, dtype=word_dtype(xp), device=device)


def philox4x32(
    xp: Namespace,
    counter: tuple[Array, Array, Array, Array],
    key: tuple[int, int],
    *,
    device: Device | None = None,
) -> tuple[Array, Array, Array, Array]:
    """Return four random words for each counter: Philox 4x32 with 10 rounds.

    J. K. Salmon, M. A. Moraes, R. O. Dror and D. E. Shaw, "Parallel random numbers: as easy as 1,
    2, 3", SC11, section 3.3, https://doi.org/10.1145/2063384.2063405.

    Parameters
    ----------
    xp : namespace
        That of the counters.
    counter : tuple of four arrays
        Of :func:`word_dtype`, lowest word first; their shapes broadcast.
    key : tuple of two int
        From 0 to ``2**32 - 1``, lowest word first.
    device : device, optional
        Of the counters; the library's default unless given.

    Returns
    -------
    tuple of four arrays
        Of :func:`word_dtype` and the broadcast shape.

    Examples
    --------
    >>> import array_api_compat.numpy as np
    >>> zeros = (np.zeros(1, dtype=np.uint32),) * 4
    >>> [hex(int(word[0])) for word in philox4x32(np, zeros, (0, 0))]
    ['0x6627e8d5', '0xe169c58d', '0xbc57ac4c', '0x9b00dbd8']
    """
    word = partial(constant_word, xp, device=device)
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(ROUNDS):
        high0, low0 = _wide_product(c0, MULTIPLIERS[0])
        high1, low1 = _wide_product(c2, MULTIPLIERS[1])
        c0, c1, c2, c3 = high1 ^ c1 ^ word(k0), low1, high0 ^ c3 ^ word(k1), low0
        k0, k1 = k0 + KEY_STEPS[0], k1 + KEY_STEPS[1]
    return c0, c1, c2, c3


def _wide_product(a: Array, m: int) -> tuple[Array, Array]:
    """Return the high and the low word of ``a * m``.

    Long multiplication in digits of 16 bits (Warren, *Hacker's Delight*, section 8-2). No
    intermediate result takes more than 32 bits, so the dtype may be signed or not, and longer.
    """
    a_high, a_low = a >> 16, a & _LOW_16
    m_high, m_low = m >> 16, m & _LOW_16
    lowest = a_low * m_low
    middle = a_high * m_low + (lowest >> 16)
    other = a_low * m_high + (middle & _LOW_16)
    high = a_high * m_high + (middle >> 16) + (other >> 16)
    low = ((other & _LOW_16) << 16) | (lowest & _LOW_16)
    return high, low


def random_words(
    xp: Namespace,
    size: int,
    *,
    seed: int,
    stream: int | Array = 0,
    start: int = 0,
    device: Device | None = None,
) -> Array:
    """Return a piece of a stream of random 32-bit words.

    The word at position ``i`` of a stream is word ``i % 4`` of the Philox block whose counter has
    ``i // 4`` in its lower 64 bits and the stream's number in its upper ones, with the seed for
    a key. Streams do not overlap: each has ``2**66`` words.

    Parameters
    ----------
    xp : namespace
        Of the words.
    size : int
        How many words, up to ``2**34``.
    seed : int
        Of 64 bits.
    stream : int or array of integers, shape ()
        Of 64 bits, or what an array's dtype has of them. An array lives on the device and must
        not be negative; inside ``jax.jit`` it may be traced.
    start : int
        The position of the first word, from 0 on.
    device : device, optional
        Where the words are made; the library's default unless given.

    Returns
    -------
    array, shape (size,)
        From 0 to ``2**32 - 1``, of :func:`word_dtype`.

    Examples
    --------
    >>> import array_api_compat.numpy as np
    >>> random_words(np, 3, seed=0)
    array([1713891541, 3781805453, 3159862348], dtype=uint32)
    >>> random_words(np, 2, seed=0, start=1)
    array([3781805453, 3159862348], dtype=uint32)
    """
    first_block, skipped = divmod(start, 4)
    blocks = -(-(start + size) // 4) - first_block
    counter = (
        *_block_words(xp, first_block, blocks, device),
        *stream_words(xp, stream, device),
    )
    words = philox4x32(xp, counter, (seed & _LOW_32, seed >> 32 & _LOW_32), device=device)
    return _in_turn(xp, words, device)[skipped : skipped + size]


def _block_words(
    xp: Namespace, first: int, count: int, device: Device | None
) -> tuple[Array, Array]:
    """Return the low and the high words of consecutive numbers of 64 bits."""
    word = partial(constant_word, xp, device=device)
    indices = xp.arange(count, dtype=word_dtype(xp), device=device)
    low = (indices + word(first)) & word(_LOW_32)  # uint32 drops the carry by itself
    carry = xp.astype(low < word(first), word_dtype(xp))
    return low, carry + word(first >> 32)


def _in_turn(xp: Namespace, words: tuple[Array, ...], device: Device | None) -> Array:
    """Return the first word of each of four arrays, then the second of each, and so on.

    Stacking them would do, but XLA then goes through all rounds anew for each word, one by one:
    on a CPU that took 20 times as long.
    """
    a, b, c, d = (xp.expand_dims(word, axis=-1) for word in words)
    turn = xp.arange(4, dtype=word_dtype(xp), device=device)
    rows = xp.where(turn < 2, xp.where(turn == 0, a, b), xp.where(turn == 2, c, d))
    return xp.reshape(rows, (4 * words[0].shape[0],))


def stream_words(xp: Namespace, stream: Array, device: Device | None) -> tuple[Array, Array]:
    """Return the low and the high word of the number of a stream; see :func:`random_words`."""
    word = partial(constant_word, xp, device=device)
    if isinstance(stream, Integral):
        return word(int(stream)), word(int(stream) >> 32)
    low = xp.astype(stream, word_dtype(xp)) & word(_LOW_32)
    if xp.iinfo(stream.dtype).bits < 64:
        return low, word(0)
    high = xp.astype(stream, xp.int64) >> 32  # PyTorch shifts no uint64
    return low, xp.astype(high, word_dtype(xp)) & word(_LOW_32)
