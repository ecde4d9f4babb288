"""Rows of one array, divided among threads."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from typing import Any

__all__ = ["divide", "thread_count"]

# Waking a thread takes some 30 microseconds; a part must be worth more than that.
_NANOSECONDS_PER_PART = 60_000


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
    """Call ``function(start, stop, *args)`` for parts of ``range(rows)``, at the same time.

    Parameters
    ----------
    function : callable
        Releases the interpreter's lock; its parts do not depend on each other.
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
    # A process that was forked inherits a pool without its threads, so it gets one of its own.
    submit = _pool(os.getpid()).submit
    bounds = [rows * part // parts for part in range(parts + 1)]
    others: list[Future[Any]] = [
        submit(function, start, stop, *args) for start, stop in pairwise(bounds[1:])
    ]
    function(0, bounds[1], *args)
    for other in others:
        other.result()
