"""Where a data file is: the user's folders, then the system's, then the cache, then a mirror.

Every file is checked against the SHA-256 of its uncompressed content, so that a file may be
stored raw or compressed by any gzip.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from xpnet.datasets.download import download
from xpnet.errors import DatasetError

__all__ = ["Collection", "load_file"]

_GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True)
class Collection:
    """Files that belong together, and where they may be found.

    Attributes
    ----------
    name : str
        Its folder below ``XPNET_DATA``, ``XPNET_MIRROR`` and the cache.
    sha256 : mapping of str to str
        The SHA-256 of each file's uncompressed content, by the file's name without ``.gz``.
    mirrors : tuple of str
        URLs of folders that hold ``<file>.gz``, in the order in which they are tried.
    system_folders : tuple of Path
        Where an operating system's own package puts the files.
    """

    name: str
    sha256: Mapping[str, str]
    mirrors: tuple[str, ...]
    system_folders: tuple[Path, ...] = ()


def load_file(
    collection: Collection, name: str, folder: str | os.PathLike[str] | None = None
) -> tuple[Path, bytes]:
    """Find a file, or download it, and read what it holds.

    Parameters
    ----------
    collection : Collection
        What the file belongs to.
    name : str
        A key of ``collection.sha256``.
    folder : path, optional
        The only folder to look in. Without it: ``XPNET_DATA``, the system's folders, the cache,
        and then the mirrors.

    Returns
    -------
    (Path, bytes)
        The file and its uncompressed content.

    Raises
    ------
    DatasetError
        If the file is not in ``folder``, is damaged in a folder other than the cache, or no
        mirror has it.
    """
    sha256 = collection.sha256[name]
    folders = _folders_of_others(collection) if folder is None else (Path(folder).expanduser(),)
    for place in folders:
        if path := next(_present(place, name), None):
            return path, _load_verified(path, sha256)
    if folder is not None:
        msg = (
            f"{folders[0] / name} is missing, and so is {name}.gz; "
            f"put {', '.join(collection.sha256)} there, or leave folder out, "
            "to search XPNET_DATA and the cache and then to download"
        )
        raise DatasetError(msg)
    return _from_cache(collection, name, sha256)


def _folders_of_others(collection: Collection) -> tuple[Path, ...]:
    if data := os.environ.get("XPNET_DATA"):
        root = Path(data).expanduser()
        return root / collection.name, root, *collection.system_folders
    return collection.system_folders


def _present(folder: Path, name: str) -> Iterator[Path]:
    return (path for path in (folder / name, folder / f"{name}.gz") if path.is_file())


def _from_cache(collection: Collection, name: str, sha256: str) -> tuple[Path, bytes]:
    folder = _cache_folder() / collection.name
    for path in _present(folder, name):
        # The cache is ours: what is damaged there is fetched again, not complained about.
        with suppress(DatasetError):
            return path, _load_verified(path, sha256)
    path = folder / f"{name}.gz"
    mirrors = collection.mirrors
    if own := os.environ.get("XPNET_MIRROR"):
        mirrors = (f"{own.rstrip('/')}/{collection.name}/", *mirrors)
    return path, download(path, mirrors, lambda stored: _verified(stored, sha256))


def _cache_folder() -> Path:
    if own := os.environ.get("XPNET_CACHE"):
        return Path(own).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "xpnet"


def _load_verified(path: Path, sha256: str) -> bytes:
    try:
        return _verified(path.read_bytes(), sha256)
    except OSError as error:
        msg = f"{path} cannot be used: {error}; delete it and load again"
        raise DatasetError(msg) from error


def _verified(stored: bytes, sha256: str) -> bytes:
    content = stored
    # Judged by content, because some servers and browsers unpack a file but keep its name.
    if stored.startswith(_GZIP_MAGIC):
        try:
            content = gzip.decompress(stored)
        except (OSError, EOFError, zlib.error) as error:
            msg = f"expected a whole gzip file, found {len(stored)} bytes ({error})"
            raise DatasetError(msg) from error
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        msg = (
            f"expected uncompressed content with SHA-256 {sha256}, "
            f"found {len(content)} bytes with {found}"
        )
        raise DatasetError(msg)
    return content
