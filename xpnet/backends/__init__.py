"""One small module per array library, and the table that finds them by name.

A package can add its own library through the entry-point group ``xpnet.backends``. An entry has
the name of the library, and loads a subclass of :class:`Adapter`.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import array_api_compat

from xpnet._typing import Array, Namespace
from xpnet.backends.adapter import Adapter, library_of
from xpnet.errors import (
    BackendMismatchError,
    BackendUnavailableError,
    UnsupportedArrayError,
)

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = [
    "Adapter",
    "adapter_by_name",
    "adapter_of",
    "backend_names",
    "namespace_adapter",
    "recognized",
]

_GROUP = "xpnet.backends"

_BUILT_IN = {
    "numpy": "xpnet.backends.numpy:NumPy",
    "cupy": "xpnet.backends.cupy:CuPy",
    "torch": "xpnet.backends.torch:Torch",
    "jax": "xpnet.backends.jax:Jax",
    "array_api_strict": "xpnet.backends.array_api_strict:ArrayAPIStrict",
    "dask": "xpnet.backends.dask:Dask",
    "ndonnx": "xpnet.backends.ndonnx:Ndonnx",
}

# By name and by type of array. A library has one adapter, which is compared by
# identity; setdefault, because two threads may be first at the same time.
_adapters: dict[Any, Adapter] = {}


@cache
def _entries() -> dict[str, EntryPoint]:
    """Return what is built in, then what other packages add; they cannot replace the former."""
    from importlib.metadata import EntryPoint, entry_points  # a seventh of the time of NumPy's

    entries = {name: EntryPoint(name, value, _GROUP) for name, value in _BUILT_IN.items()}
    for entry in sorted(entry_points(group=_GROUP), key=lambda entry: entry.name):
        entries.setdefault(entry.name, entry)
    return entries


def backend_names() -> list[str]:
    """Return the names that ``set_backend`` knows, installed or not."""
    return list(_entries())


def adapter_by_name(name: str) -> Adapter:
    """Return the one adapter of that name.

    Raises
    ------
    ValueError
        If no backend has that name; the text lists those that there are.
    BackendUnavailableError
        If another package registered it and does not deliver.
    """
    if name in _adapters:
        return _adapters[name]
    entry = _entries().get(name)
    if entry is None:
        known = ", ".join(map(repr, backend_names()))
        msg = f"unknown backend {name!r}; known are {known}"
        raise ValueError(msg)
    return _adapters.setdefault(name, _load(entry))


def _load(entry: EntryPoint) -> Adapter:
    about = f"backend {entry.name!r} is registered as {entry.value!r}"
    try:
        adapter = entry.load()()
    except Exception as error:  # it is another package's code
        msg = f"{about}, which cannot be loaded ({type(error).__name__}: {error})"
        raise BackendUnavailableError(msg) from error
    if not isinstance(adapter, Adapter):
        msg = f"{about}, which is no subclass of xpnet.backends.Adapter"
        raise BackendUnavailableError(msg)
    if adapter.name != entry.name:  # or the library's own arrays would not find it
        msg = f"{about}, which is for {adapter.name!r}; an entry has the name of its library"
        raise BackendUnavailableError(msg)
    return adapter


def namespace_adapter(xp: Namespace) -> Adapter:
    """Return the adapter of a module: ``cupy``, ``array_api_compat.cupy`` or any conforming one.

    Raises
    ------
    TypeError
        If the object is no array namespace.
    """
    name = library_of(getattr(xp, "__name__", ""))
    if name in backend_names():
        return adapter_by_name(name)
    if not hasattr(xp, "__array_namespace_info__"):
        msg = (
            f"{xp!r} is no array namespace: pass a backend's name, or a module that follows "
            "the Array API standard"
        )
        raise TypeError(msg)
    # By name, for a library may give its arrays another module than a user takes: cubed.array_api.
    return _adapters.setdefault(f"{name} by module", Adapter.wrap(xp))


def adapter_of(array: Array) -> Adapter:
    """Return the adapter of the library that an array belongs to.

    What looks like an array and computes otherwise is refused, by its type: of NumPy, each
    subclass of ``ndarray`` that overrides more than how it is made, shown and kept, but for
    ``np.memmap``; so ``np.matrix``, masked arrays and records are. Of PyTorch, each subclass that
    intercepts its functions, as parameters do not; of JAX, keys for random numbers; and whatever
    is sparse. :func:`recognized` also looks at what its type does not tell.

    Raises
    ------
    UnsupportedArrayError
        If it is refused.
    BackendMismatchError
        If the object is no array.
    """
    kind = type(array)
    adapter = _adapters.get(kind)  # asking array-api-compat takes 20 times as long
    if adapter is None:
        adapter = _adapters[kind] = recognized(array)
    return adapter


def recognized(array: Array, name: str = "x") -> Adapter:
    """Return the adapter of an array, of which more is looked at than its type.

    That is for PyTorch, where sparse, nested and quantized tensors are all ``torch.Tensor``.

    Parameters
    ----------
    array : array
        It may be anything.
    name : str
        What the user calls it.

    Raises
    ------
    UnsupportedArrayError, BackendMismatchError
        As :func:`adapter_of`.
    """
    kind = type(array)
    try:
        adapter = _adapters.get(kind) or namespace_adapter(array_api_compat.array_namespace(array))
    except TypeError as error:
        if hasattr(array, "toarray"):
            raise UnsupportedArrayError(_refusal(kind, name, f"use {name}.toarray()")) from error
        cure = getattr(kind, "instead_of_an_array", "convert it with xpnet.asarray")
        msg = f"a {kind.__name__} is not an array; {cure}"
        raise BackendMismatchError(msg) from error
    reason = adapter.refusal(array, name)
    if reason is not None:
        raise UnsupportedArrayError(_refusal(kind, name, reason))
    return adapter


def _refusal(kind: type, name: str, reason: str) -> str:
    return f"{name} is a {kind.__name__}, which computes otherwise than an array: {reason}"
