"""Read and write whole files where others may write, too, and may have left traps.

A name in a shared folder may be a link to somebody's file, a pipe that nobody writes to, or
larger than the memory.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

__all__ = ["read_file", "write_file"]


def read_file(path: Path, most: int, *, follow_links: bool) -> bytes:
    """Read a regular file of a bounded size.

    Parameters
    ----------
    path : Path
        The file.
    most : int
        How many bytes it may have.
    follow_links : bool
        Whether it may be a symbolic link.

    Raises
    ------
    OSError
        If it is no regular file, has more bytes, or cannot be read.
    """
    opener = _open if follow_links else _open_no_link
    with open(path, "rb", opener=opener) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            msg = "it is no regular file"
            raise OSError(msg)
        content = file.read(most + 1)
    if len(content) > most:
        msg = f"it has {max(status.st_size, len(content))} bytes, where at most {most} can be right"
        raise OSError(msg)
    return content


def write_file(path: Path, content: bytes | bytearray) -> None:
    """Put a new file under a name, whole or not at all.

    Whatever has the name is replaced and never written to: it may be a link.

    Raises
    ------
    OSError
        If it cannot be written; what has the name is as before then.
    """
    # Two processes may want the same file at once, so each writes under a name of its own. Unlike
    # locks, renames are dependable on network folders, and no crash leaves one held.
    own = path.with_name(f"{path.name}.{os.urandom(16).hex()}.new")
    try:
        with own.open("xb") as file:  # made anew: nobody's link is followed
            file.write(content)
        own.replace(path)
    except BaseException:
        with suppress(OSError):
            own.unlink()
        raise


def _open(path: str, flags: int) -> int:
    # Without it, opening a pipe waits until somebody writes to it.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _open_no_link(path: str, flags: int) -> int:
    return _open(path, flags | getattr(os, "O_NOFOLLOW", 0))
