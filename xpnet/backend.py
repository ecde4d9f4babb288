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
    adapter: Adapter = field(compare=False, repr=False)

    @property
    def xp(self) -> Namespace:
        return self.adapter.xp

    def __repr__(self) -> str:
        return (
            f"Backend({self.name!r}, device={str(self.device)!r}, dtype={dtype_name(self.dtype)!r})"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return resolve_backend, (self.name, str(self.device), dtype_name(self.dtype))


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
        If no backend has that name, or the library knows no such device.
    BackendUnavailableError
        If the library is not installed or has no usable device.
    DTypeError
        If layers cannot compute in the dtype, or the library does not have it.
    """
    if xp is None:
        xp = get_backend()
    if isinstance(xp, Backend):
        if device is None and dtype is None:
            return xp
        device = xp.device if device is None else device
        dtype = xp.dtype if dtype is None else dtype
        xp = xp.name if xp.name in backend_names() else xp.xp
    name = _DEFAULT_DTYPE if dtype is None else dtype_name(dtype)
    if name not in FLOATS:
        msg = f"dtype {name!r} is not one that layers compute in: {', '.join(FLOATS)}"
        raise DTypeError(msg)
    adapter = adapter_by_name(xp) if isinstance(xp, str) else namespace_adapter(xp)
    own_dtype = find_dtype(adapter.xp, name)
    adapter.prepare(name)
    return Backend(adapter.name, _working_device(adapter, device), own_dtype, adapter)


def _working_device(adapter: Adapter, device: Device | None) -> Device:
    try:
        found = adapter.find_device(device)
        adapter.probe(found)
    except XpnetError:
        raise
    except Exception as error:
        on = "" if device is None else f" on device {str(device)!r}"
        msg = f"backend {adapter.name!r} cannot be used{on}: {type(error).__name__}: {error}"
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
        If the library is not installed or has no usable device. The default stays what it was,
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
    token = _scope.set(resolve_backend(name, device, dtype))
    try:
        yield get_backend()
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
    return BackendStatus(name, version=backend.adapter.version, device=str(backend.device))
