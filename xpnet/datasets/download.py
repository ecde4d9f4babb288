"""Fetch a file from the first mirror that has it, going on where a broken transfer stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen
from uuid import uuid4

from xpnet.errors import DatasetError
from xpnet.progress import progress

__all__ = ["download"]

PAUSES = (0.0, 0.5, 1.0, 2.0)
"""Seconds to wait before each attempt on a mirror."""

TIMEOUT = 20.0
"""Seconds of silence after which a transfer counts as broken."""

_CHUNK = 1 << 16


def download(target: Path, mirrors: Sequence[str], verified: Callable[[bytes], bytes]) -> bytes:
    """Fetch a file and verify it before it gets its name.

    Parameters
    ----------
    target : Path
        Where the file goes; its name is also its name on the mirrors.
    mirrors : sequence of str
        URLs of folders, each with a slash at the end, in the order in which they are tried.
    verified : callable
        Takes the file's bytes and returns what they hold, or raises
        :class:`~xpnet.errors.DatasetError`.

    Returns
    -------
    bytes
        What ``verified`` returned.

    Raises
    ------
    DatasetError
        If the folder cannot be made, or every mirror failed; it then tells why each one did, and
        ``target`` is as it was before.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"cannot make {target.parent}: {error}; set XPNET_CACHE to a folder that can be made"
        raise DatasetError(msg) from error
    failures = []
    with _partial_file(target) as part:
        for mirror in mirrors:
            try:
                content = _fetch(mirror + target.name, part, verified)
                part.replace(target)
                return content
            except (OSError, HTTPException, ValueError) as error:
                failures.append(f"  {mirror}{target.name}: {type(error).__name__}: {error}")
    advice = (
        f"put the files of {target.parent.name} in a folder and set XPNET_DATA to it, or use "
        "xpnet.datasets.load_digits(), which needs no download"
    )
    reasons = "\n".join(failures)
    msg = f"{target} cannot be downloaded; every mirror failed:\n{reasons}\n{advice}"
    raise DatasetError(msg)


@contextmanager
def _partial_file(target: Path) -> Iterator[Path]:
    # Two processes may want the same file at once. Each writes under a name of its own, and what
    # a broken transfer left belongs to whoever renames it first, so no file has two writers.
    # Unlike locks, renames are dependable on network folders, and no crash leaves one held.
    left_over = target.with_name(f"{target.name}.part")
    own = target.with_name(f"{target.name}.{uuid4().hex}.part")
    with suppress(OSError):
        left_over.replace(own)
    try:
        yield own
    finally:
        with suppress(OSError):
            own.replace(left_over)


def _fetch(url: str, part: Path, verified: Callable[[bytes], bytes]) -> bytes:
    failure: Exception
    for pause in PAUSES:
        time.sleep(pause)
        resumed = part.exists()
        try:
            _transfer(url, part)
        except HTTPError as error:
            error.close()
            if error.code < HTTPStatus.INTERNAL_SERVER_ERROR:
                raise
            failure = error
        except (OSError, HTTPException) as error:
            failure = error
        else:
            try:
                return verified(part.read_bytes())
            except DatasetError as error:
                part.unlink()
                # What was joined from two mirrors may be wrong although each of them is right.
                if not resumed:
                    raise
                failure = error
    raise failure


def _transfer(url: str, part: Path) -> None:
    present = part.stat().st_size if part.exists() else 0
    request = Request(url, headers={"Range": f"bytes={present}-"} if present else {})
    try:
        response = urlopen(request, timeout=TIMEOUT)
    except HTTPError as error:
        if error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and present:
            # The mirror has no more than is here already; whether that is right, the hash tells.
            error.close()
            return
        raise
    with response:
        if response.status != HTTPStatus.PARTIAL_CONTENT:
            present = 0
        length = int(response.headers.get("Content-Length", 0))
        received = 0
        with (
            part.open("ab" if present else "wb") as file,
            progress(present + length, url.rpartition("/")[2], unit="B") as line,
        ):
            line.update(present)
            while chunk := response.read(_CHUNK):
                file.write(chunk)
                line.update(len(chunk))
                received += len(chunk)
    # http.client takes the end of a connection for the end of a file.
    if received < length:
        msg = f"the connection broke off after {received} of {length} bytes"
        raise ConnectionError(msg)
