"""One small module per array library, and the table that finds them by name.

A package can add its own library through the entry-point group ``xpnet.backends``, whose
entries name subclasses of :class:`Adapter`.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.metadata import entry_points

import array_api_compat

from xpnet._typing import Array, Namespace
from xpnet.backends.adapter import Adapter
from xpnet.errors import BackendMismatchError

__all__ = ["Adapter", "adapter_by_name", "adapter_of", "backend_names", "namespace_adapter"]

_BUILT_IN = {
    "numpy": "xpnet.backends.numpy:NumPy",
    "cupy": "xpnet.backends.cupy:CuPy",
    "torch": "xpnet.backends.torch:Torch",
    "jax": "xpnet.backends.jax:Jax",
    "array_api_strict": "xpnet.backends.array_api_strict:ArrayAPIStrict",
}

_ENTRY_POINT_GROUP = "xpnet.backends"


@cache
def _plugins() -> dict[str, str]:
    return {entry.name: entry.value for entry in entry_points(group=_ENTRY_POINT_GROUP)}


def backend_names() -> list[str]:
    """Return the names that ``set_backend`` knows, installed or not."""
    return sorted(_plugins() | _BUILT_IN, key=lambda name: (name not in _BUILT_IN, name))


@cache
def adapter_by_name(name: str) -> Adapter:
    """Return the one adapter of that name.

    Raises
    ------
    ValueError
        If no backend has that name; the text lists those that there are.
    """
    target = _BUILT_IN.get(name) or _plugins().get(name)
    if target is None:
        known = ", ".join(map(repr, backend_names()))
        msg = f"unknown backend {name!r}; known are {known}"
        raise ValueError(msg)
    module, _, attribute = target.partition(":")
    adapter: Adapter = getattr(import_module(module), attribute)()
    return adapter


@cache
def namespace_adapter(xp: Namespace) -> Adapter:
    """Return the adapter of a module: ``cupy``, ``array_api_compat.cupy`` or any conforming one.

    Raises
    ------
    TypeError
        If the object is no array namespace.
    """
    root = getattr(xp, "__name__", "").removeprefix("array_api_compat.").split(".")[0]
    if root in backend_names():
        return adapter_by_name(root)
    if not hasattr(xp, "__array_namespace_info__"):
        msg = (
            f"{xp!r} is no array namespace: pass a backend's name, or a module that follows "
            "the Array API standard"
        )
        raise TypeError(msg)
    return Adapter.wrap(xp)


_adapters: dict[type, Adapter] = {}


def adapter_of(array: Array) -> Adapter:
    """Return the adapter of the library that an array belongs to.

    Raises
    ------
    BackendMismatchError
        If the object is no array.
    """
    adapter = _adapters.get(type(array))  # asking array-api-compat takes 20 times as long
    if adapter is None:
        try:
            xp = array_api_compat.array_namespace(array)
        except TypeError as error:
            msg = f"a {type(array).__name__} is not an array; convert it with xpnet.asarray"
            raise BackendMismatchError(msg) from error
        adapter = _adapters[type(array)] = namespace_adapter(xp)
    return adapter
