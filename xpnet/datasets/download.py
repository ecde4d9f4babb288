"""Fetch a file from the first mirror that has it, going on where a broken transfer stopped."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path

from xpnet.datasets.fingerprint import Fingerprint
from xpnet.datasets.storage import read_file, write_file
from xpnet.datasets.transfer import HopelessError, transfer
from xpnet.errors import DatasetError

__all__ = ["download"]

PAUSES = (0.0, 0.5, 1.0, 2.0)
"""Seconds to wait before each attempt on a mirror."""


def download(target: Path, mirrors: Sequence[str], fingerprint: Fingerprint) -> bytes:
    """Fetch a file and verify it before it gets its name.

    What was received is held in memory, where it is verified, and written when that is done. Of a
    download that fails or is interrupted, ``<target>.part`` remains for the next one.

    Parameters
    ----------
    target : Path
        Where the file goes; its name is also its name on the mirrors.
    mirrors : sequence of str
        URLs of folders, each with a slash at the end, in the order in which they are tried.
    fingerprint : Fingerprint
        What the file must hold.

    Returns
    -------
    bytes
        The file's uncompressed content.

    Raises
    ------
    DatasetError
        If the folder cannot be written to, or every mirror failed; it then tells why each one
        did, and ``target`` is as it was before.
    """
    _prepare(target.parent)
    left_over = target.with_name(f"{target.name}.part")
    received = bytearray()
    with suppress(OSError):
        received += read_file(left_over, fingerprint.most_stored, follow_links=False)
    try:
        content = _from_any(target, mirrors, received, fingerprint)
        _save(target, received)
        received.clear()
    finally:
        with suppress(OSError):
            if received:
                write_file(left_over, received)
            else:
                left_over.unlink()
    return content


def _prepare(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"cannot make {folder}: {error}; set XPNET_CACHE to a folder that can be made"
        raise DatasetError(msg) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        msg = f"cannot write to {folder}; set XPNET_CACHE to a folder that can be written to"
        raise DatasetError(msg)


def _save(target: Path, content: bytearray) -> None:
    try:
        write_file(target, content)
    except OSError as error:
        msg = f"cannot write {target}: {error}; set XPNET_CACHE to a folder with room for it"
        raise DatasetError(msg) from error


def _from_any(
    target: Path, mirrors: Sequence[str], received: bytearray, fingerprint: Fingerprint
) -> bytes:
    failures = []
    for mirror in mirrors:
        try:
            return _fetch(mirror + target.name, received, fingerprint)
        except (OSError, HTTPException, ValueError) as error:
            failures.append(f"  {mirror}{target.name}: {type(error).__name__}: {error}")
    advice = (
        f"put the files of {target.parent.name} in a folder and set XPNET_DATA to it, or use "
        "xpnet.datasets.load_digits(), which needs no download"
    )
    if data := os.environ.get("XPNET_DATA"):
        advice = f"XPNET_DATA is {data}, where it is not, either; {advice}"
    reasons = "\n".join(failures)
    msg = f"{target} cannot be downloaded; every mirror failed:\n{reasons}\n{advice}"
    raise DatasetError(msg)


def _fetch(url: str, received: bytearray, fingerprint: Fingerprint) -> bytes:
    failure: Exception
    for pause in PAUSES:
        time.sleep(pause)
        resumed = len(received) > 0
        try:
            transfer(url, received, fingerprint.most_stored)
        except HopelessError:
            raise
        except (OSError, HTTPException) as error:
            failure = error
        else:
            try:
                return fingerprint.unpack(bytes(received))
            except DatasetError as error:
                received.clear()
                # What was joined from two mirrors may be wrong although each of them is right.
                if not resumed:
                    raise
                failure = error
    raise failure
