"""The threads that share the rows of an array with the caller of a kernel."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache, partial
from itertools import count
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from xpnet.kernels.numba.helper import Helper
from xpnet.kernels.numba.pieces import (
    WORDS_PER_LINE,
    Share,
    alone,
    are_left,
    begin_pieces,
    common_work,
    withhold_pieces,
)
from xpnet.kernels.processors import processor_count
from xpnet.kernels.tape import call

__all__ = ["EXP", "PASS", "SMALL", "Divided", "Kernel", "Team", "divide", "thread_count"]

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
    """Return how many threads kernels use: one for each processor, or ``OMP_NUM_THREADS`` if less.

    That may be a list, with a number for each level of threads within threads.
    """
    asked, _, _ = os.environ.get("OMP_NUM_THREADS", "").partition(",")
    there = processor_count()
    return min(int(asked), there) if asked.strip().isdecimal() and int(asked) > 0 else there


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
        call(Divided(threads, kernel, rows), array, *args)


class Divided:
    """A call of a kernel that is divided among threads, and can be finished after an interrupt.

    Each piece of the rows is computed by compiled code that nothing interrupts, and counted there:
    what an exception left undone is known exactly. Its arrays are the same until :meth:`reset`.

    Parameters
    ----------
    threads : int
        How many should compute, the caller's among them.
    kernel : compiled function
    rows : int
    """

    def __init__(self, threads: int, kernel: Kernel, rows: int) -> None:
        self._threads, self._kernel, self._rows = threads, kernel, rows
        self.reset()

    def reset(self) -> None:
        """Forget what has been computed."""
        # Words of its own for each time: a helper may come late, with the arrays of a time before.
        self._work = common_work(min(self._rows, self._threads * _PIECES_PER_THREAD))

    def __call__(self, *args: Any) -> None:
        """Compute all rows."""
        self.reset()
        self.finish(*args)

    def finish(self, *args: Any) -> None:
        """Compute the rows that have not been computed since :meth:`reset`, each once.

        After an exception no thread writes into the arrays any more, until this is called again.
        """
        # A process that was forked inherits a team without its threads, so it gets one of its own.
        team = _team(os.getpid())
        team.compute(self._threads, Job(self._kernel, self._rows, self._work, args))


@cache
def _team(_process: int) -> Team:
    return Team(thread_count())


class Job(NamedTuple):
    """What the threads of a call have in common.

    Attributes
    ----------
    kernel : compiled function
    rows : int
    work : array
        The words of ``common_work``.
    args : tuple
        What follows the share of a thread.
    """

    kernel: Kernel
    rows: int
    work: np.ndarray[Any, Any]
    args: tuple[Any, ...]

    def run(self, place: int) -> None:
        """Compute pieces, as the thread of a place."""
        share: Share = self.rows, self.work.ctypes.data, place
        self.kernel(share, *self.args)


class Team:
    """Threads that help whoever calls a kernel, with one call at a time.

    The caller waits for nobody who has not begun. Helpers who are awake begin one after the other,
    for each needs the interpreter's lock for a moment; who has to be woken comes when he can. A
    second caller meanwhile computes alone. Helpers hold on to the arrays of a call for as long as
    they stay awake after it.

    Nobody holds a lock, for an interrupt might leave it locked. Of two callers who begin at the
    very same time, the helpers come to the last.

    Parameters
    ----------
    size : int
        How many threads, the caller's among them.
    """

    def __init__(self, size: int) -> None:
        self._helpers = {place: Helper() for place in range(1, size)}
        self._bells = np.zeros((size, WORDS_PER_LINE), np.int64)
        self._numbers = count(1)
        self._announced: tuple[int, Job] | None = None

    def compute(self, threads: int, job: Job) -> None:
        """Compute the pieces that are left, and wake so many threads, the caller's among them."""
        others = self._announced
        if others is not None and are_left(others[1].work):
            threads = 1
        number, words = next(self._numbers), job.work.ctypes.data
        try:
            begin_pieces(words, threads, number, self._bells.ctypes.data)
            if threads > 1:
                self._announced = number, job
                for place in range(1, threads):
                    # A helper that falls asleep just now is taken for awake, and not missed.
                    self._helpers[place].wake(partial(self._help, place))
            job.run(0)
            self._forget(job)
        except BaseException:
            withhold_pieces(words)  # nobody must write into the arrays after an interrupt
            self._forget(job)
            raise

    def _forget(self, job: Job) -> None:
        announced = self._announced
        if announced is not None and announced[1] is job:
            self._announced = None

    def _help(self, place: int) -> None:
        done = 0
        for _ in range(_CALLS_PER_STAY):
            announced = self._announced
            if announced is None or announced[0] <= done:
                return
            done, job = announced
            job.run(place)
