"""Ctrl-C while a net is trained: heard at once, obeyed where nothing is cut in two."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Self

__all__ = ["CtrlC"]


class CtrlC:
    """A scope in which Ctrl-C is counted, and raises nothing where it could do harm.

    Python raises ``KeyboardInterrupt`` between any two instructions: after a step and before its
    loss is written down, or when half of the parameters are updated. In this scope the first
    Ctrl-C only counts. From the second one on, which comes from somebody who will not wait for
    what is under way, it is raised within :meth:`cuttable`.

    Only the main thread is ever interrupted, and a handler that somebody else has set stays in
    place: elsewhere the scope does nothing.

    Attributes
    ----------
    count : int
        How many times Ctrl-C was pressed.
    """

    def __init__(self) -> None:
        self.count = 0
        self._cuttable = False
        self._mine = False

    def __enter__(self) -> Self:
        self._mine = (
            threading.current_thread() is threading.main_thread()
            and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        )
        if self._mine:
            signal.signal(signal.SIGINT, self._pressed)
        return self

    def __exit__(self, *_: object) -> None:
        if self._mine:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    @contextmanager
    def cuttable(self) -> Iterator[None]:
        """Let a second Ctrl-C raise KeyboardInterrupt in this block."""
        try:
            self._cuttable = True
            if self.count > 1:
                raise KeyboardInterrupt
            yield
        finally:
            self._cuttable = False

    def _pressed(self, _signal: int, _frame: FrameType | None) -> None:
        self.count += 1
        if self._cuttable and self.count > 1:
            self._cuttable = False  # a third one must not cut the way out
            raise KeyboardInterrupt
