"""Where a data file is: the user's folders, then the system's, then the cache, then a mirror."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from xpnet.datasets.fingerprint import Fingerprint
from xpnet.datasets.storage import read_file
from xpnet.errors import DatasetError

__all__ = ["Collection", "load_file"]


@dataclass(frozen=True)
class Collection:
    """Files that belong together, and where they may be found.

    Attributes
    ----------
    name : str
        Its folder below ``XPNET_DATA``, ``XPNET_MIRROR`` and the cache.
    files : mapping of str to Fingerprint
        What each file holds, by its name without ``.gz``.
    mirrors : tuple of str
        URLs of folders that hold ``<file>.gz``, in the order in which they are tried.
    system_folders : tuple of Path
        Where an operating system's own package puts the files.
    """

    name: str
    files: Mapping[str, Fingerprint]
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
        A key of ``collection.files``.
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
        If the file is not in ``folder``, cannot be read or is damaged in a folder other than the
        cache, or no mirror has it.
    """
    fingerprint = collection.files[name]
    if folder is not None:
        folders: tuple[Path, ...] = (_expanded(folder, "folder"),)
    else:
        folders = _folders_of_others(collection)
    for place in folders:
        if path := _present(place, name):
            return path, _load(path, fingerprint, follow_links=True)
    if folder is not None:
        msg = (
            f"{folders[0] / name} is missing, and so is {name}.gz; "
            f"put {', '.join(collection.files)} there, or leave folder out, "
            "to search XPNET_DATA and the cache and then to download"
        )
        raise DatasetError(msg)
    return _from_cache(collection, name, fingerprint)


def _folders_of_others(collection: Collection) -> tuple[Path, ...]:
    if data := os.environ.get("XPNET_DATA"):
        root = _expanded(data, "XPNET_DATA")
        return root / collection.name, root, *collection.system_folders
    return collection.system_folders


def _expanded(folder: str | os.PathLike[str], source: str) -> Path:
    try:
        return Path(folder).expanduser()
    except RuntimeError as error:
        msg = f"{folder} has no meaning here ({error}); set {source} to a folder without ~"
        raise DatasetError(msg) from error


def _names(name: str) -> tuple[str, str]:
    return name, f"{name}.gz"


def _present(folder: Path, name: str) -> Path | None:
    """Return the file, raw or compressed; if there is no file, whatever else has its name."""
    others = []
    for path in (folder / one for one in _names(name)):
        try:
            path.lstat()
            if path.is_file():
                return path
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (OSError, ValueError) as error:  # looking is not allowed, or no name is like that
            raise _unusable(path, error) from error
        others.append(path)
    return others[0] if others else None


def _load(path: Path, fingerprint: Fingerprint, *, follow_links: bool) -> bytes:
    try:
        return fingerprint.unpack(
            read_file(path, fingerprint.most_stored, follow_links=follow_links)
        )
    except OSError as error:
        raise _unusable(path, error) from error


def _unusable(path: Path, error: Exception) -> DatasetError:
    reason = getattr(error, "strerror", None) or error  # which would name the file once more
    return DatasetError(
        f"{path} cannot be used: {reason}; "
        "put a good copy in its place that you may read, or delete it and load again"
    )


def _from_cache(collection: Collection, name: str, fingerprint: Fingerprint) -> tuple[Path, bytes]:
    folder = _cache_folder() / collection.name
    for path in (folder / one for one in _names(name)):
        # The cache is ours: what is damaged there is fetched again, not complained about. Others
        # may write there, too: a link of theirs is not followed.
        with suppress(DatasetError):
            return path, _load(path, fingerprint, follow_links=False)
    # Whoever has the files needs nothing of the network, which takes longer to import than xpnet.
    from xpnet.datasets.download import download

    path = folder / f"{name}.gz"
    mirrors = collection.mirrors
    if own := os.environ.get("XPNET_MIRROR"):
        mirrors = (f"{own.rstrip('/')}/{collection.name}/", *mirrors)
    return path, download(path, mirrors, fingerprint)


def _cache_folder() -> Path:
    if own := os.environ.get("XPNET_CACHE"):
        return _expanded(own, "XPNET_CACHE")
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return _expanded(home, "XPNET_CACHE") / "xpnet"
