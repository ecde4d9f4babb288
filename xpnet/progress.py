"""A progress line: tqdm's where it is installed, else a plain one, and none off a terminal."""

from __future__ import annotations

import sys
import time
from importlib.util import find_spec
from typing import Any, Protocol, Self

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
    if find_spec("tqdm") is None:
        return _PlainLine(total, label, unit)
    from tqdm import tqdm

    bar: Any = tqdm(total=total, desc=label, unit=unit, unit_scale=unit == "B", disable=None)
    return bar  # type: ignore[no-any-return]


class _PlainLine:
    """One line that is rewritten in place, for an installation without tqdm."""

    def __init__(self, total: int, label: str, unit: str) -> None:
        self.total, self.label, self.unit = total, label, unit
        self.done = 0
        self.visible = sys.stderr.isatty()
        self._next_line_at = 0.0

    def update(self, n: int = 1) -> None:
        self.done += n
        now = time.monotonic()
        if now >= self._next_line_at:
            self._next_line_at = now + _SECONDS_BETWEEN_LINES
            self._write()

    def write(self, s: str) -> None:
        """Print a line of its own above the progress."""
        if self.visible:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
        print(s, flush=True)
        self._write()

    def _write(self) -> None:
        if self.visible:
            scale, unit = (1e6, "MB") if self.unit == "B" else (1, self.unit)
            share = self.done / max(self.total, 1)
            text = f"{self.label}: {share:4.0%} {self.done / scale:.0f}/{self.total / scale:.0f}"
            print(f"\r\x1b[K{text} {unit}", end="", file=sys.stderr, flush=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._write()
        if self.visible:
            print(file=sys.stderr)
