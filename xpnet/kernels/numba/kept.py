"""Compiled code that is kept on disk, and taken from there only as it was written.

numba's own files are trusted: one that was cut off or has a wrong bit ends the process, and a full
disk every call. Here each file has a digest, and what cannot be read or written is compiled anew.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any
from uuid import uuid4

import llvmlite
import numba
from numba.core.caching import FunctionCache
from numba.core.serialize import dumps

__all__ = ["kept", "problems"]

_DIGEST = sha256().digest_size

_folders: set[Path] = set()


def kept(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Do what ``numba.njit(cache=True, **options)`` does, with files that are checked."""

    def compiled(function: Callable[..., Any]) -> Any:
        dispatcher = numba.njit(**options)(function)
        dispatcher._cache = _Cache(function)
        return dispatcher

    return compiled


def problems() -> Iterator[str]:
    """Say where compiled code cannot be kept, and what is kept but is not whole."""
    for folder in sorted(_folders):
        try:
            with TemporaryFile(dir=folder) as file:
                file.write(bytes(2**18))  # more than any function's
        except OSError as error:
            yield (
                f"compiled code cannot be kept in {folder} ({error}), and each process compiles "
                "its own; set NUMBA_CACHE_DIR to a folder that can be written to"
            )
        damaged = sum(_content(path) is None for path in folder.glob("*.xpnet"))
        if damaged:
            yield f"{damaged} files in {folder} are damaged; their code is compiled anew"


class _Cache(FunctionCache):  # type: ignore[misc]  # numba is not typed
    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        self._cache_file = _Files(Path(self.cache_path), self._impl.filename_base)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            return super().load_overload(sig, target_context)
        except Exception:  # whatever it is, the function can be compiled
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        with suppress(Exception):
            super().save_overload(sig, data)


class _Files:
    """The files of one function, one for each signature; numba calls the methods."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name = folder, name
        _folders.add(folder)

    def flush(self) -> None:
        for path in self._folder.glob(f"{self._name}.*.xpnet"):
            path.unlink(missing_ok=True)

    def load(self, key: tuple[Any, ...]) -> Any:
        content = _content(self._path(key))
        origin = _origin(key)
        if content is None or not content.startswith(origin):
            return None
        return pickle.loads(content[len(origin) :])

    def save(self, key: tuple[Any, ...], data: Any) -> None:
        content = _origin(key) + dumps(data)
        path = self._path(key)
        unfinished = path.with_suffix(f".{uuid4().hex}")
        try:
            unfinished.write_bytes(sha256(content).digest() + content)
            unfinished.replace(path)  # in one step, for who reads it meanwhile
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise

    def _path(self, key: tuple[Any, ...]) -> Path:
        signature, processor, _ = key
        ending = sha256(repr((signature, processor)).encode()).hexdigest()[:16]
        return self._folder / f"{self._name}.{ending}.xpnet"


def _content(path: Path) -> bytes | None:
    """Return what was written to a file, or None if that cannot be said."""
    try:
        written = path.read_bytes()
    except OSError:
        return None
    digest, content = written[:_DIGEST], written[_DIGEST:]
    return content if sha256(content).digest() == digest else None


def _origin(key: tuple[Any, ...]) -> bytes:
    """Return a digest of what compiled code was made from, and with."""
    versions = numba.__version__, llvmlite.__version__
    return sha256(repr((versions, _sources(), key)).encode()).digest()


@cache
def _sources() -> str:
    """Return a digest of this folder's files: functions are compiled into those that call them."""
    folder = Path(__file__).parent
    digest = sha256()
    for path in sorted(folder.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
