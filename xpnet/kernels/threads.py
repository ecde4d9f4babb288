"""Rows of one array, divided among threads."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from typing import Any

__all__ = ["divide", "thread_count"]

# Waking a thread takes some 30 microseconds; a part must be worth more than that.
_NANOSECONDS_PER_PART = 60_000
_PIECES_PER_THREAD = 4


@cache
def thread_count() -> int:
    """Return how many threads kernels use: ``OMP_NUM_THREADS``, else one for each processor."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdecimal() and int(asked) > 0:
        return int(asked)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@cache
def _pool(_process: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(thread_count() - 1, thread_name_prefix="xpnet")


def divide(function: Callable[..., Any], rows: int, nanoseconds: float, *args: Any) -> None:
    """Call ``function(start, stop, *args)`` for pieces of ``range(rows)``, several at a time.

    Parameters
    ----------
    function : callable
        Releases the interpreter's lock; the rows do not depend on each other.
    rows : int
        How many there are.
    nanoseconds : float
        What all rows take in one thread, roughly: few are not worth another thread.
    *args
        Passed on.

    Examples
    --------
    >>> divide(lambda start, stop: print(start, stop), 10, 0.0)
    0 10
    """
    parts = int(nanoseconds / _NANOSECONDS_PER_PART)
    if parts < 2 or (parts := min(thread_count(), rows, parts)) < 2:
        function(0, rows, *args)
        return
    # Small pieces, for the other threads wake up late, and each takes as many as it can.
    pieces = min(rows, parts * _PIECES_PER_THREAD)
    bounds = [rows * piece // pieces for piece in range(pieces + 1)]
    left = list(pairwise(bounds))

    def work() -> None:
        while True:
            try:
                start, stop = left.pop()
            except IndexError:
                return
            function(start, stop, *args)

    # A process that was forked inherits a pool without its threads, so it gets one of its own.
    others = [_pool(os.getpid()).submit(work) for _ in range(parts - 1)]
    try:
        work()
    finally:
        left.clear()
        for other in others:
            other.result()
