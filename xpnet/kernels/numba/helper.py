"""A thread that sleeps until it is woken, and then runs on a processor of its own."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import get_native_id

__all__ = ["Helper"]


class Helper:
    """A thread beside the caller's.

    Examples
    --------
    >>> import threading
    >>> done = threading.Event()
    >>> Helper().wake(done.set)
    >>> done.wait(30)
    True
    """

    def __init__(self) -> None:
        self._thread: int | None = None
        self._pool = ThreadPoolExecutor(1, "xpnet", self._begin)
        self._is_awake = False

    def _begin(self) -> None:
        self._thread = get_native_id()

    def wake(self, work: Callable[[], None]) -> None:
        """Let the thread work, unless it still does; then ``work`` may be left out."""
        if self._is_awake:
            return
        processors = _processors()
        if self._thread is not None:
            _confine(self._thread, processors - {_current_processor()})
        self._is_awake = True
        try:
            self._pool.submit(self._run, work, processors)
        except RuntimeError:
            # No thread can be started, now or because Python is about to exit. It counts as awake
            # and is not asked again.
            pass
        except BaseException:
            self._is_awake = False
            raise

    def _run(self, work: Callable[[], None], processors: set[int]) -> None:
        _confine(0, processors)
        try:
            work()
        finally:
            self._is_awake = False


if hasattr(os, "sched_setaffinity"):
    # To Linux on a virtual machine, no idle processor looks free: it lets a thread that is woken
    # queue behind the one that woke it, for up to ten milliseconds. Hence a thread may not
    # start where its caller runs; once it has started, all processors are open to it again.
    _sched_getcpu = ctypes.PyDLL(None).sched_getcpu

    def _current_processor() -> int:
        return int(_sched_getcpu())

    def _processors() -> set[int]:
        return os.sched_getaffinity(0)

    def _confine(thread: int, processors: set[int]) -> None:
        with suppress(OSError):  # it was only for speed
            os.sched_setaffinity(thread, processors)

else:

    def _current_processor() -> int:
        return 0

    def _processors() -> set[int]:
        return set()

    def _confine(thread: int, processors: set[int]) -> None:
        pass
