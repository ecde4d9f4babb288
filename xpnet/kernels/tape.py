"""Calls that are noted: to be made again, or to be made all at once.

Kernels compute through :func:`call`, with functions that write into arrays given to them. While a
tape records, each call is noted with its very arrays. Replaying the tape does the same work on
the same memory again, and nothing besides: no checks, no fresh arrays. That is how a training step
is compiled on NumPy. A *plan* notes calls without making them: once all that may fail is done, it
is carried out as a whole.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from itertools import starmap
from operator import call as _call, length_hint
from typing import Any

from xpnet.quiet import quiet
from xpnet.scoped import call_with

__all__ = ["Call", "Tape", "call", "current_tape"]

Call = list[Any]
"""A function, and what it is called with."""

_recording: ContextVar[Tape | None] = ContextVar("xpnet_tape", default=None)


def _make(calls: Iterable[Call]) -> None:
    """Make calls from within one instruction of Python, between which no interrupt comes."""
    deque(starmap(_call, calls), maxlen=0)


class Tape:
    """A list of calls in the order in which they were made, or are to be made.

    Parameters
    ----------
    is_plan : bool
        Whether calls are only noted.
    is_kept : bool
        Whether it is replayed later, perhaps by another thread.

    Attributes
    ----------
    memory : dict
        What its calls use between them.
    numbers : dict
        Those that several of its calls have in common.
    renewals : list
        How some of its calls get other numbers; see ``xpnet.kernels.renewal``.

    Examples
    --------
    >>> import numpy as np
    >>> x, y = np.ones(2), np.empty(2)
    >>> tape = Tape()
    >>> tape.record(call, np.add, x, x, y)
    >>> x[...] = 5
    >>> tape.replay()
    >>> y
    array([10., 10.])
    """

    def __init__(self, *, is_plan: bool = False, is_kept: bool = True) -> None:
        self.calls: list[Call] = []
        self.memory: dict[Any, Any] = {}
        self.numbers: dict[Any, Any] = {}
        self.renewals: list[Any] = []
        self.is_plan, self.is_kept = is_plan, is_kept
        self._to_reset: list[Callable[[], None]] | None = None

    def record(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call a function, and note the calls that are made in it; return what it returns."""
        return call_with(_recording, self, function, *args)

    def add(self, function: Callable[..., Any], *args: Any) -> None:
        """Note a call that nobody has made."""
        self.calls.append([function, *args])

    def clear(self) -> None:
        """Forget all calls."""
        self.calls.clear()
        self.numbers.clear()
        self.renewals.clear()
        self._to_reset = None

    def replay(self) -> None:
        """Make all calls again."""
        _make(self.calls)

    @quiet
    def carry_out(self) -> None:
        """Make all calls: none if an interrupt comes before the first, else all in spite of it.

        Calls of compiled functions cannot be cut. Others can, and must have the methods ``reset``
        and ``finish``, which do what is left; see ``xpnet.kernels.numba.team``.
        """
        if self._to_reset is None:
            self._to_reset = [call[0].reset for call in self.calls if hasattr(call[0], "reset")]
        for reset in self._to_reset:
            reset()
        pending = iter(self.calls)
        try:
            _make(pending)
        except BaseException:
            self._finish(pending)
            raise

    def _finish(self, pending: Iterator[Call]) -> None:
        cut = len(self.calls) - length_hint(pending) - 1
        if cut < 0:
            return
        function, *arguments = self.calls[cut]
        if hasattr(function, "finish"):
            function.finish(*arguments)
            _make(pending)


def call(function: Callable[..., Any], *arrays: Any) -> None:
    """Call a function whose result, if any, is what it writes into arrays given to it."""
    tape = _recording.get()
    if tape is None:
        function(*arrays)
        return
    if not tape.is_plan:
        function(*arrays)
    tape.calls.append([function, *arrays])


def current_tape() -> Tape | None:
    """Return the tape that records here and now, if any."""
    return _recording.get()
