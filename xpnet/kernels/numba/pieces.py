"""How threads divide the rows of one array: by taking pieces, until none is left.

All of it runs in compiled code, without the interpreter's lock, and no thread sleeps: whoever does
is awake again after 50 microseconds at best, and most kernels take no longer.
"""

from __future__ import annotations

import os
from typing import Any, TypeAlias

import numpy as np
from numba import njit, types
from numba.extending import register_jitable

from xpnet.kernels.numba.intrinsics import add_to_word, load_word, store_word
from xpnet.kernels.numba.kept import kept

__all__ = [
    "WORDS_PER_LINE",
    "Share",
    "alone",
    "are_left",
    "begin_pieces",
    "common_work",
    "pieces",
    "withhold_pieces",
]

Share: TypeAlias = tuple[int, int, int]
"""What a thread has of a call: how many rows there are, the address of the common work, and its
place among the threads. The first place leads; its caller waits."""

# The common work is an array of words; those that change have a line of the cache for themselves.
WORDS_PER_LINE = 8
_NEXT, _DONE, _FIXED = 0, WORDS_PER_LINE, 2 * WORDS_PER_LINE
_PIECES, _THREADS, _NUMBER, _BELLS = range(_FIXED, _FIXED + 4)

# So many pieces no array has: to a thread that looks for the next, none is left.
_WITHHELD = 2**62

# _LOOKS is how often a thread looks for more work before it goes: for about half a millisecond.
if hasattr(os, "sched_yield"):
    # Whoever else wants the processor, such as the threads of a matrix product, gets it.
    _rest = types.ExternalFunction("sched_yield", types.int32())
    _LOOKS = 1000
else:
    _LOOKS = 500_000

    @kept()
    def _rest() -> int:
        return 0


@register_jitable
def alone(rows: int) -> Share:
    """Return the share of a thread that computes all rows."""
    return rows, 0, 0


def common_work(pieces: int) -> np.ndarray[Any, Any]:
    """Return the words that the threads of one call have in common; no piece is computed yet."""
    work = np.zeros(_FIXED + WORDS_PER_LINE, np.int64)
    work[_PIECES] = pieces
    return work


def are_left(work: np.ndarray[Any, Any]) -> bool:
    """Whether some pieces are not computed yet, and not withheld."""
    return bool(work[_DONE] < work[_PIECES] and work[_NEXT] < _WITHHELD)


@kept()
def _word(work: int, index: int) -> int:
    return work + 8 * index


# Not kept on disk: numba cannot compile a caller of a generator that it found there.
@njit
def pieces(share: Share) -> Any:
    """Yield the first row of a piece and the one after its last, until no piece is left.

    Then the thread that leads waits until the others are done with theirs, and these wait for a
    moment whether a next call comes.
    """
    rows, work, place = share
    if work == 0:
        if rows > 0:
            yield 0, rows
    else:
        count = load_word(_word(work, _PIECES))
        number = load_word(_word(work, _NUMBER))
        bell = load_word(_word(work, _BELLS)) + 8 * WORDS_PER_LINE * place
        # Each wakes the next once it is here, where it does not hold the interpreter's lock.
        if place + 1 < load_word(_word(work, _THREADS)):
            store_word(bell + 8 * WORDS_PER_LINE, number)
        piece = add_to_word(_word(work, _NEXT), 1)
        while piece < count:
            yield rows * piece // count, rows * (piece + 1) // count
            add_to_word(_word(work, _DONE), 1)
            piece = add_to_word(_word(work, _NEXT), 1)
        if place == 0:
            while load_word(_word(work, _DONE)) < count:
                _rest()
        else:
            looks = 0
            while load_word(bell) <= number and looks < _LOOKS:
                _rest()
                looks += 1


@kept(nogil=True)
def withhold_pieces(work: int) -> None:
    """Let nobody take a piece any more, and wait for the threads that have one."""
    if load_word(_word(work, _NEXT)) >= _WITHHELD:  # they are, and nobody has one
        return
    taken = add_to_word(_word(work, _NEXT), _WITHHELD)
    taken = min(taken, load_word(_word(work, _PIECES)))
    while load_word(_word(work, _DONE)) < taken:
        _rest()


@kept(nogil=True)
def begin_pieces(work: int, threads: int, number: int, bells: int) -> None:
    """Let threads take the pieces that are not computed yet.

    ``bells`` is the address of one line for each thread: a call begins for a thread when its bell
    has the call's number, which is greater than that of any call before.
    """
    withhold_pieces(work)
    store_word(_word(work, _THREADS), threads)
    store_word(_word(work, _NUMBER), number)
    store_word(_word(work, _BELLS), bells)
    # They are taken in order: as many as are done are the first ones.
    store_word(_word(work, _NEXT), load_word(_word(work, _DONE)))
