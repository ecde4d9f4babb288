"""The standard streams of a command: closed, full, unread, or a terminal that knows only ASCII."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, suppress
from pathlib import Path
from typing import TextIO

__all__ = ["complain", "printable", "settle", "writable_streams"]


@contextmanager
def writable_streams() -> Iterator[None]:
    """Let everything be printed in some way for as long as a command runs.

    What the encoding of stdout lacks is written as an escape, as on stderr. Where stderr is closed,
    what goes there is dropped; otherwise the next file that is opened would take its place.
    """
    errors = getattr(sys.stdout, "errors", None)
    _escape(sys.stdout, "backslashreplace")
    try:
        if sys.stderr is None:
            with Path(os.devnull).open("w") as nowhere, redirect_stderr(nowhere):
                yield
        else:
            yield
    finally:
        _escape(sys.stdout, errors)


def _escape(stream: TextIO, errors: str | None) -> None:
    if isinstance(stream, io.TextIOWrapper) and not stream.closed:
        stream.reconfigure(errors=errors)


def complain(text: str) -> None:
    """Print a line on stderr, if that can be."""
    try:
        print(text, file=sys.stderr, flush=True)
    except (OSError, ValueError):  # there is no way left to tell
        settle(sys.stderr)


def printable(text: str) -> str:
    r"""Escape what would steer a terminal: a server or a library may have worded it.

    Examples
    --------
    >>> print(printable("404 \x1b[2J"))
    404 \x1b[2J
    """
    return "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)


def settle(stream: TextIO) -> None:
    """Write what is left, or drop it for good: Python would try once more at its end, and fail."""
    try:
        stream.flush()
    except (OSError, ValueError):
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
