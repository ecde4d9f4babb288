"""One thread of BLAS instead of many, while other processes want the processors.

Threads that share a product wait for the last of them. Where its processor belongs to another
process just then, they wait for the system's next slice of time: milliseconds, for a product of
microseconds. One thread waits for nobody.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from time import perf_counter_ns
from typing import Any, TypeVar

from xpnet.dispatch import policy
from xpnet.kernels.blas import blas_thread_count, set_blas_thread_count

__all__ = ["Contention", "run", "usual_thread_count", "waited"]

_T = TypeVar("_T")

# In nanoseconds. A step that takes less has not waited for a slice of time.
_LATE = 2_000_000
# How long is looked before something is changed, and what lies too far back to tell of now.
_LOOK, _OLD = 20_000_000, 200_000_000
# How long one thread does it before all may try again; then twice as long each time.
_SHORT, _LONG = 1_000_000_000, 8_000_000_000

# What share of the time threads wait for a processor where there are too few.
_IS_BUSY = 0.25
# How many times as many steps one thread must take to be worth it.
_GAIN = 1.2

_TASKS = Path("/proc/self/task")


class Contention:
    """Finds out whether other processes keep the threads of BLAS waiting, and leaves them out then.

    The system is asked how long this process has waited for processors, but only when a step was
    late. If it waited much, the steps after it have one thread, until all are tried again; and if
    that was not faster, all are left for seconds.

    Parameters
    ----------
    now, waited : callable
        The time, and how long threads have waited, in nanoseconds; None if it is not known.

    Attributes
    ----------
    threads : int
        How many BLAS has outside steps, while these have one; else 0.
    """

    def __init__(
        self,
        now: Callable[[], int] = perf_counter_ns,
        waited: Callable[[], int | None] = lambda: waited(),
    ) -> None:
        self._now, self._waited = now, waited
        self.threads = 0
        self._steps = self._since = self._next = 0
        self._waited_before: int | None = None
        self._rate = 0.0
        self._patience = _SHORT

    def run(self, step: Callable[..., _T], *args: Any) -> _T:
        """Take a step, and return what it returns."""
        start = self._now()
        if self.threads:
            return self._with_one_thread(self.threads, step, *args)
        try:
            return step(*args)
        finally:
            end = self._now()
            self._steps += 1
            if end - start > _LATE and end > self._next:
                self._look(end)

    def _with_one_thread(self, usual: int, step: Callable[..., _T], *args: Any) -> _T:
        # Set for the step alone: other products of this process have all threads.
        set_blas_thread_count(1)
        try:
            return step(*args)
        finally:
            set_blas_thread_count(usual)
            self._steps += 1
            end = self._now()
            if end > self._next:
                self._try_all_again(end)

    def _look(self, end: int) -> None:
        waited, time = self._waited(), end - self._since
        if waited is None:
            self._next = end + _LONG
        elif self._waited_before is None or time > _OLD:
            self._begin(end, waited)
            self._next = end + _LOOK
        elif waited - self._waited_before > _IS_BUSY * time and blas_thread_count() > 1:
            self._rate = self._steps / time
            self._begin(end, waited)
            self.threads = blas_thread_count()
            self._next = end + self._patience
        else:
            self._begin(end, waited)
            self._next, self._patience = end + _LOOK, _SHORT

    def _try_all_again(self, end: int) -> None:
        is_better = self._steps / (end - self._since) > _GAIN * self._rate
        self.threads = 0
        self._begin(end, self._waited())
        self._patience = min(2 * self._patience, _LONG) if is_better else _SHORT
        self._next = end + (_LOOK if is_better else _LONG)

    def _begin(self, end: int, waited: int | None) -> None:
        self._steps, self._since, self._waited_before = 0, end, waited


def waited() -> int | None:
    """Return how many nanoseconds the threads of this process have waited for a processor.

    None where the system does not tell; Linux does. See
    https://docs.kernel.org/scheduler/sched-stats.html.
    """
    try:
        files = [task / "schedstat" for task in _TASKS.iterdir()]
        return sum(int(file.read_text().split()[1]) for file in files)
    except (OSError, IndexError, ValueError):  # a thread may have ended meanwhile
        return None


def _is_chosen() -> bool:
    names = "OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS", "OMP_NUM_THREADS", "XPNET_KERNELS"
    return any(name in os.environ for name in names)


_of_process = Contention()


def usual_thread_count() -> int:
    """Return how many threads BLAS has when nothing keeps them waiting."""
    return _of_process.threads or blas_thread_count()


def run(step: Callable[..., _T], *args: Any) -> _T:
    """Take a step with as many threads of BLAS as pay, and return what it returns.

    Where the environment says how many there shall be, or somebody which kernels run, that is left
    as it is: whole products, as kernels do not make them, may have other last bits then.
    """
    if _CHOSEN or policy.get() is not None:
        return step(*args)
    return _of_process.run(step, *args)


_CHOSEN = _is_chosen()
