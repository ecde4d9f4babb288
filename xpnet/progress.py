"""A progress line: tqdm's where it is installed, else a plain one, and none off a terminal."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from importlib.util import find_spec
from typing import Any, Protocol, Self, TextIO

__all__ = ["Progress", "progress"]

_SECONDS_BETWEEN_LINES = 0.1


class Progress(Protocol):
    """What a progress line can do; tqdm's bar is one."""

    def update(self, n: int = 1) -> object: ...
    def write(self, s: str) -> object: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *exc_info: object) -> object: ...


def progress(total: int, label: str, *, unit: str = "it") -> Progress:
    """Show on stderr how much of a job is done.

    What cannot be shown, because stderr is closed, full, or no terminal, is not shown: a job is
    never ended by its progress. What is written above it goes to stdout, though, and that may fail.

    Parameters
    ----------
    total : int
        How many units the whole job has.
    label : str
        What is being done, in a word or two.
    unit : str
        What is counted; ``"B"`` are bytes, which are shown in larger units.

    Returns
    -------
    Progress
        A context manager; call ``update(n)`` after every ``n`` units.

    Examples
    --------
    >>> with progress(2, "counting") as line:
    ...     for _ in range(2):
    ...         _ = line.update()
    """
    terminal = _terminal()
    if terminal is None or find_spec("tqdm") is None:
        return _PlainLine(total, label, unit, terminal)
    from tqdm import tqdm

    bar: Any = tqdm(
        total=total, desc=label, unit=unit, unit_scale=unit == "B", file=terminal, disable=None
    )
    return bar  # type: ignore[no-any-return]


class _Terminal:
    """A terminal that may go away: what it does not take is no error."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        with suppress(OSError, ValueError):
            self._stream.write(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def __eq__(self, other: object) -> bool:  # tqdm asks whether it is stderr
        return self._stream is getattr(other, "_stream", other)

    __hash__ = None  # type: ignore[assignment]


def _terminal() -> _Terminal | None:
    stream: TextIO | None = sys.stderr  # None where a process was started with it closed
    with suppress(OSError, ValueError):
        if stream is not None and stream.isatty():
            stream.flush()  # tqdm does it, too
            return _Terminal(stream)
    return None


class _PlainLine:
    """One line that is rewritten in place, for an installation without tqdm."""

    def __init__(self, total: int, label: str, unit: str, terminal: _Terminal | None) -> None:
        self.total, self.label, self.unit = total, label, unit
        self.done = 0
        self._terminal = terminal
        self._next_line_at = 0.0

    def update(self, n: int = 1) -> None:
        self.done += n
        now = time.monotonic()
        if now >= self._next_line_at:
            self._next_line_at = now + _SECONDS_BETWEEN_LINES
            self._write()

    def write(self, s: str) -> None:
        """Print a line of its own above the progress."""
        self._show("")
        print(s, flush=True)
        self._write()

    def _write(self) -> None:
        scale, unit = (1e6, "MB") if self.unit == "B" else (1, self.unit)
        share = self.done / max(self.total, 1)
        text = f"{self.label}: {share:4.0%} {self.done / scale:.0f}/{self.total / scale:.0f}"
        self._show(f"{text} {unit}")

    def _show(self, text: str) -> None:
        if self._terminal:
            print(f"\r\x1b[K{text}", end="", file=self._terminal, flush=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._write()
        if self._terminal:
            print(file=self._terminal)
