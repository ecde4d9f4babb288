"""Which array library new arrays are born in.

The choice is made in this order: an explicit ``xp=``, the innermost ``use_backend`` scope, the
process's default from ``set_backend`` or the environment variable ``XPNET_BACKEND``, NumPy.
It decides only where arrays are created; layers follow the arrays that they are given.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from importlib import import_module
from types import ModuleType
from typing import Any, TypeAlias

from xpnet._typing import Device, DType, Namespace
from xpnet.backends import Adapter, adapter_by_name, backend_names, namespace_adapter
from xpnet.dtypes import FLOATS, dtype_name, find_dtype
from xpnet.errors import BackendUnavailableError, DTypeError, XpnetError

__all__ = [
    "Backend",
    "BackendSpec",
    "BackendStatus",
    "available_backends",
    "get_backend",
    "resolve_backend",
    "set_backend",
    "use_backend",
]

_DEFAULT_DTYPE = "float32"


@dataclass(frozen=True)
class Backend:
    """An array library, a device and the dtype of new arrays. Equal records compare equal.

    Attributes
    ----------
    name : str
        Such as ``"numpy"``.
    device : device
        The library's own device object.
    dtype : dtype
        The library's own floating dtype.
    xp : namespace
        The library's Array API namespace.

    Examples
    --------
    >>> import xpnet
    >>> backend = xpnet.get_backend()
    >>> backend
    Backend('numpy', device='cpu', dtype='float32')
    >>> backend == xpnet.get_backend()
    True
    """

    name: str
    device: Device = field(hash=False)  # CuPy's cannot be hashed
    dtype: DType
    adapter: Adapter

    @property
    def xp(self) -> Namespace:
        return self.adapter.xp

    @property
    def device_name(self) -> str:
        """What a user writes for the device, such as ``"cuda:0"``."""
        return self.adapter.device_name(self.device)

    def __repr__(self) -> str:
        return (
            f"Backend({self.name!r}, device={self.device_name!r}, dtype={dtype_name(self.dtype)!r})"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        spec = self.name if self.name in backend_names() else self.adapter.module
        return _unpickled, (spec, self.device_name, dtype_name(self.dtype))


def _unpickled(spec: str, device: str, dtype: str) -> Backend:
    """Find a backend again; a namespace that has no name here has a module."""
    xp = spec if spec in backend_names() else import_module(spec)
    return resolve_backend(xp, device, dtype)


BackendSpec: TypeAlias = str | ModuleType | Backend
"""What a user may write for a backend: its name, its module, or a record."""


@dataclass(frozen=True)
class BackendStatus:
    """Whether a backend can be used here, and why not.

    Attributes
    ----------
    name : str
        The backend's name.
    version, device : str or None
        Of the library, where it can be used.
    reason : str or None
        Why it cannot be used.
    """

    name: str
    version: str | None = None
    device: str | None = None
    reason: str | None = None

    @property
    def available(self) -> bool:
        return self.reason is None


_process_default: Backend | None = None
# The scope lives in a ContextVar, so that threads and asyncio tasks do not see each other's.
# The default does not: a new thread starts with an empty context and would miss it.
_scope: ContextVar[Backend | None] = ContextVar("xpnet_backend", default=None)


def resolve_backend(
    xp: BackendSpec | None = None, device: Device | None = None, dtype: DType | None = None
) -> Backend:
    """Turn what a user wrote into a record, having made sure that the backend works.

    Parameters
    ----------
    xp : str, module, Backend or None
        None is the current backend.
    device : device or str, optional
        Such as ``"cuda:0"``. The library's default unless given.
    dtype : dtype or str, optional
        Of new floating arrays; float32 unless given.

    Raises
    ------
    ValueError
        If no backend has that name.
    BackendUnavailableError
        If the library is not installed or cannot use the device.
    DTypeError
        If layers cannot compute in the dtype, or the library does not have it.
    """
    spec = get_backend() if xp is None else xp
    if isinstance(spec, Backend):
        if device is None and dtype is None:
            return spec
        device = spec.device if device is None else device
        dtype = spec.dtype if dtype is None else dtype
    name = _DEFAULT_DTYPE if dtype is None else dtype_name(dtype)
    if name not in FLOATS:
        msg = f"dtype {name!r} is not one that layers compute in: {', '.join(FLOATS)}"
        raise DTypeError(msg)
    adapter = _find_adapter(spec)
    own_dtype = find_dtype(adapter.xp, name)
    own_device = _working_device(adapter, device)
    adapter.prepare(name)
    return Backend(adapter.name, own_device, own_dtype, adapter)


def _find_adapter(spec: BackendSpec) -> Adapter:
    if isinstance(spec, Backend):
        return spec.adapter
    return adapter_by_name(spec) if isinstance(spec, str) else namespace_adapter(spec)


def _working_device(adapter: Adapter, device: Device | None) -> Device:
    try:
        found = adapter.find_device(device)
        adapter.probe(found)
    except XpnetError:
        raise
    except Exception as error:
        reason = f"({type(error).__name__}: {error})"
        msg = f"backend {adapter.name!r} cannot be used {reason}"
        if device is not None:
            here = ", ".join(adapter.devices())
            msg = f"backend {adapter.name!r} cannot use device {device!r} {reason}; here are {here}"
        raise BackendUnavailableError(msg) from error
    return found


def set_backend(
    name: BackendSpec, *, device: Device | None = None, dtype: DType | None = None
) -> Backend:
    """Choose the array library in which new parameters and data are created, for all threads.

    Parameters
    ----------
    name : str, module or Backend
        ``"numpy"``, ``"cupy"``, ``"torch"``, ``"jax"``, ``"array_api_strict"``, a registered
        name, or the library's module itself.
    device : device or str, optional
        The library's own default unless given.
    dtype : dtype or str, optional
        The floating dtype of new arrays; float32 unless given. Asking JAX for float64 switches
        its x64 mode on.

    Returns
    -------
    Backend
        The new default.

    Raises
    ------
    ValueError
        If no backend has that name.
    BackendUnavailableError
        If the library is not installed or cannot use the device. The default stays what it was,
        as after every error.
    DTypeError
        If layers cannot compute in the dtype, or the library does not have it.

    Examples
    --------
    >>> import xpnet
    >>> xpnet.set_backend("numpy", dtype="float64")
    Backend('numpy', device='cpu', dtype='float64')
    >>> xpnet.set_backend("numpy")
    Backend('numpy', device='cpu', dtype='float32')
    """
    global _process_default
    _process_default = resolve_backend(name, device, dtype)
    return _process_default


@contextmanager
def use_backend(
    name: BackendSpec, *, device: Device | None = None, dtype: DType | None = None
) -> Iterator[Backend]:
    """Choose a backend for a block of code, in this thread or task alone.

    Parameters, returns and errors are those of :func:`set_backend`. The scope ends with the
    block, by an exception too, and wins over the default as long as it lasts.

    Examples
    --------
    >>> import xpnet
    >>> with xpnet.use_backend("numpy", dtype="float64"):
    ...     xpnet.asarray([0.5]).dtype
    dtype('float64')
    >>> xpnet.asarray([0.5]).dtype
    dtype('float32')
    """
    backend = resolve_backend(name, device, dtype)
    token = _scope.set(backend)
    try:
        yield backend
    finally:
        _scope.reset(token)


def get_backend() -> Backend:
    """Return the backend in which new arrays are created here and now.

    Raises
    ------
    ValueError, BackendUnavailableError
        If it is named by the environment variable ``XPNET_BACKEND`` and cannot be used.

    Examples
    --------
    >>> import xpnet
    >>> xpnet.get_backend().name
    'numpy'
    """
    return _scope.get() or _process_default or _default_from_environment()


def _default_from_environment() -> Backend:
    name = os.environ.get("XPNET_BACKEND") or "numpy"
    try:
        return set_backend(name)
    except (ValueError, BackendUnavailableError) as error:
        if "XPNET_BACKEND" in os.environ:
            error.add_note("The environment variable XPNET_BACKEND asks for this backend.")
        raise


def available_backends() -> dict[str, BackendStatus]:
    """Try every known backend, which imports each library that is installed.

    Returns
    -------
    dict of str to BackendStatus
        By name; each with the library's version and device, or the reason why it cannot be used.

    Examples
    --------
    >>> import xpnet
    >>> xpnet.available_backends()["numpy"].available
    True
    """
    return {name: _status(name) for name in backend_names()}


def _status(name: str) -> BackendStatus:
    try:
        backend = resolve_backend(name)
    except XpnetError as error:
        return BackendStatus(name, reason=str(error))
    return BackendStatus(name, version=backend.adapter.version, device=backend.device_name)
