"""A thread that sleeps until it is woken, and then runs on a processor of its own.

Ctrl-C may come between any two lines of who wakes it. So there is no lock that could stay locked,
as there are in ``threading`` and ``concurrent.futures``: a thread is started by one function of
C, and woken by another.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import time
from _thread import allocate_lock, get_native_id, start_new_thread
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue

__all__ = ["Helper"]


class Helper:
    """A thread beside the caller's, which starts when it is first woken.

    Examples
    --------
    >>> import threading
    >>> done = threading.Event()
    >>> Helper().wake(done.set)
    >>> done.wait(30)
    True
    """

    def __init__(self) -> None:
        self._orders: SimpleQueue[tuple[Callable[[], None], set[int]]] = SimpleQueue()
        self._place = allocate_lock()
        self._thread: int | None = None
        self._is_awake = False
        _helpers.append(self)

    @property
    def is_asleep(self) -> bool:
        """Whether it has nothing to do, and will do nothing until it is woken."""
        return not self._is_awake and self._orders.empty()

    def wake(self, work: Callable[[], None]) -> None:
        """Let the thread work, unless it still does; then ``work`` may be left out."""
        if not self.is_asleep or _is_exiting:
            return
        processors = _processors()
        if self._thread is not None:
            _confine(self._thread, processors - {_current_processor()})
        elif not self._starts():
            return
        self._orders.put((work, processors))

    def _starts(self) -> bool:
        try:
            start_new_thread(self._live, ())
        except RuntimeError:  # no thread can be started; it counts as awake and is not asked again
            self._is_awake = True
            return False
        return True

    def _live(self) -> None:
        # Who was interrupted after the start does not know of it, and starts another.
        if not self._place.acquire(blocking=False):
            return
        self._thread = get_native_id()
        while True:
            work, processors = self._orders.get()
            self._is_awake = True
            _confine(0, processors)
            with suppress(BaseException):  # its caller meets it, too
                work()
            del work
            self._is_awake = False


_helpers: list[Helper] = []
_is_exiting = False

# A moment for who is in compiled code, and longer than any call takes.
_PATIENCE = 10.0


@atexit.register
def _send_to_sleep() -> None:
    """Wake nobody any more, and wait for who is awake: Python ends threads in the midst of code."""
    global _is_exiting
    _is_exiting = True
    deadline = time.monotonic() + _PATIENCE
    while not all(helper.is_asleep for helper in _helpers) and time.monotonic() < deadline:
        time.sleep(0.001)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_helpers.clear)  # their threads are not there


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
