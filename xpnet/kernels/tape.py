"""Calls that can be replayed: how a training step is compiled on NumPy.

Kernels compute through :func:`call`, with functions that write into arrays given to them. While a
tape records, each call is noted with its very arrays. Replaying the tape does the same work on
the same memory again, and nothing besides: no checks, no fresh arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

__all__ = ["Call", "Tape", "call"]

Call = tuple[Callable[..., Any], Sequence[Any]]

_recording: ContextVar[Tape | None] = ContextVar("xpnet_tape", default=None)


class Tape:
    """A list of calls in the order in which they were made.

    Examples
    --------
    >>> import numpy as np
    >>> x, y = np.ones(2), np.empty(2)
    >>> tape = Tape()
    >>> with tape.recording():
    ...     call(np.add, x, x, y)
    >>> x[...] = 5
    >>> tape.replay()
    >>> y
    array([10., 10.])
    """

    def __init__(self) -> None:
        self.calls: list[Call] = []

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Note the calls that are made in this block, in this thread or task."""
        token = _recording.set(self)
        try:
            yield
        finally:
            _recording.reset(token)

    def replay(self) -> None:
        """Make all calls again."""
        for function, arrays in self.calls:
            function(*arrays)


def call(function: Callable[..., Any], *arrays: Any) -> None:
    """Call a function whose result, if any, is what it writes into arrays given to it."""
    function(*arrays)
    tape = _recording.get()
    if tape is not None:
        tape.calls.append((function, arrays))
