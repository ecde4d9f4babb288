"""The threads that share the rows of an array with the caller of a kernel."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache, partial
from threading import Lock
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from xpnet.kernels.numba.helper import Helper
from xpnet.kernels.numba.pieces import WORDS_PER_LINE, Share, alone, common_work, leave_pieces
from xpnet.kernels.tape import call

__all__ = ["EXP", "PASS", "SMALL", "Kernel", "Team", "divide", "thread_count"]

Kernel: TypeAlias = Callable[..., None]
"""Compiled code that takes its :data:`Share` of the rows, and arrays; it holds no lock."""

# What one entry takes in one thread, in nanoseconds and roughly: only to tell when threads pay.
EXP, PASS = 0.4, 0.1
# Entries that one thread is done with before another would have begun: one call does all of an op.
SMALL = 100_000

# The others need some time to come, even if they are awake: their part must be worth more.
_NANOSECONDS_PER_THREAD = 60_000
# Small pieces, for a thread that comes late, or is interrupted, takes fewer.
_PIECES_PER_THREAD = 4
# Python joins helpers at exit, but other threads may call kernels again and again.
_CALLS_PER_STAY = 1000


@cache
def thread_count() -> int:
    """Return how many threads kernels use: ``OMP_NUM_THREADS``, else one for each processor."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdecimal() and int(asked) > 0:
        return int(asked)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def divide(kernel: Kernel, nanoseconds: float, array: np.ndarray[Any, Any], *args: Any) -> None:
    """Call ``kernel(share, array, *args)``, in several threads if it pays.

    Parameters
    ----------
    kernel : compiled function
        Computes the rows in the ``pieces`` of its share; they do not depend on each other.
    nanoseconds : float
        What an entry of the array takes in one thread, roughly: few are not worth another thread.
    array : numpy.ndarray
        Whose rows, or entries if it is flat, are divided.
    *args
        Passed on. A tape that records notes the call.
    """
    rows, cost = array.shape[0], nanoseconds * array.size
    threads = 1
    if cost >= 2 * _NANOSECONDS_PER_THREAD:  # rarely; most calls are small, and must not be delayed
        threads = min(int(cost / _NANOSECONDS_PER_THREAD), thread_count(), rows)
    if threads < 2:
        call(kernel, alone(rows), array, *args)
    else:
        call(_divide_among, threads, kernel, rows, array, *args)


def _divide_among(threads: int, kernel: Kernel, rows: int, *args: Any) -> None:
    # A process that was forked inherits a team without its threads, so it gets one of its own.
    _team(os.getpid()).compute(threads, kernel, rows, *args)


@cache
def _team(_process: int) -> Team:
    return Team(thread_count())


class _Call(NamedTuple):
    number: int
    kernel: Kernel
    rows: int
    work: np.ndarray[Any, Any]
    args: tuple[Any, ...]

    def share(self, place: int) -> Share:
        return self.rows, self.work.ctypes.data, place


class Team:
    """Threads that help whoever calls a kernel, with one call at a time.

    The caller waits for nobody who has not begun. Helpers who are awake begin one after the other,
    for each needs the interpreter's lock for a moment; who has to be woken comes when he can. A
    second caller meanwhile computes alone. Helpers hold on to the arrays of a call for as long as
    they stay awake after it.

    Parameters
    ----------
    size : int
        How many threads, the caller's among them.
    """

    def __init__(self, size: int) -> None:
        self._helpers = {place: Helper() for place in range(1, size)}
        self._bells = np.zeros((size, WORDS_PER_LINE), np.int64)
        self._is_free = Lock()
        self._number = 0
        self._call: _Call | None = None

    def compute(self, threads: int, kernel: Kernel, rows: int, *args: Any) -> None:
        """Compute all rows, and wake so many threads, the caller's among them."""
        if not self._is_free.acquire(blocking=False):
            kernel(alone(rows), *args)
            return
        try:
            self._number += 1
            pieces = min(rows, threads * _PIECES_PER_THREAD)
            work = common_work(pieces, threads, self._number, self._bells.ctypes.data)
            self._lead(_Call(self._number, kernel, rows, work, args), threads)
        finally:
            self._call = None
            self._is_free.release()

    def _lead(self, call: _Call, threads: int) -> None:
        try:
            self._call = call
            for place in range(1, threads):
                # A helper that falls asleep just now is taken for awake, and not missed.
                self._helpers[place].wake(partial(self._help, place))
            call.kernel(call.share(0), *call.args)
        except BaseException:
            leave_pieces(call.share(0))  # nobody must write into the arrays after an interrupt
            raise

    def _help(self, place: int) -> None:
        done = 0
        for _ in range(_CALLS_PER_STAY):
            call = self._call
            if call is None or call.number <= done:
                return
            call.kernel(call.share(place), *call.args)
            done = call.number
