"""Arrays in and out: from host data to the current backend and back, always on request."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet._typing import Array, Device, DType, Namespace
from xpnet.backend import BackendSpec, get_backend, resolve_backend
from xpnet.backends import Adapter, adapter_of
from xpnet.dtypes import dtype_name, find_dtype
from xpnet.errors import BackendMismatchError, DTypeError

__all__ = ["array_namespace", "asarray", "device_of", "synchronize", "to_numpy"]


def array_namespace(array: Array) -> Namespace:
    """Return the Array API namespace of an array, as array-api-compat does, but faster."""
    return adapter_of(array).xp


def device_of(array: Array) -> Device | None:
    """Return where an array lives, or None for an array that is being traced."""
    return getattr(array, "device", None)


def asarray(
    obj: Any,
    *,
    xp: BackendSpec | None = None,
    device: Device | None = None,
    dtype: DType | None = None,
) -> Array:
    """Return data as an array of the current backend, copied there if it lives elsewhere.

    Parameters
    ----------
    obj : array or sequence
        Numbers, nested lists of numbers, or an array of any library.
    xp : str, module or Backend, optional
        The backend to go to; the current one unless given.
    device : device or str, optional
        The device to go to; the backend's own unless given.
    dtype : dtype or str, optional
        Unless given, floating data get the backend's dtype, and integers and booleans keep
        theirs.

    Returns
    -------
    array
        Of the backend; it may share memory with ``obj``.

    Raises
    ------
    DTypeError
        If ``obj`` does not hold real numbers, or the library has no such dtype.
    BackendUnavailableError, ValueError
        As :func:`set_backend`, if ``xp`` cannot be used.

    Examples
    --------
    >>> import xpnet
    >>> xpnet.asarray([[1.0, 2.0]])
    array([[1., 2.]], dtype=float32)
    >>> xpnet.asarray([7, 2]).dtype
    dtype('int64')
    """
    backend = resolve_backend(xp, device)
    adapter = backend.adapter
    is_at_home = _is_array_of(adapter, obj)
    source = obj if is_at_home else to_numpy(obj)
    if dtype is None:
        dtype = backend.dtype if "float" in dtype_name(source.dtype) else source.dtype
    if is_at_home:
        return adapter.move(source, backend.device, dtype)
    name = dtype_name(dtype)
    if name != "bfloat16":  # rounding on the host gives the same bits on every backend
        source = source.astype(name, copy=False)
    adapter.prepare(name)
    return adapter.from_numpy(source, backend.device, find_dtype(adapter.xp, name))


def _is_array_of(adapter: Adapter, obj: object) -> bool:
    try:
        return adapter_of(obj) is adapter
    except BackendMismatchError:
        return False


def to_numpy(obj: object) -> np.ndarray[Any, Any]:
    """Return data as a NumPy array, copied to the host if it lives elsewhere.

    Parameters
    ----------
    obj : array or sequence
        Numbers, nested lists of numbers, or an array of any library.

    Returns
    -------
    numpy.ndarray
        Of the same shape and dtype (bfloat16 as float32); it may share memory with ``obj``.

    Raises
    ------
    DTypeError
        If ``obj`` does not hold real numbers.

    Examples
    --------
    >>> import xpnet
    >>> xpnet.to_numpy([[1, 2], [3, 4]])
    array([[1, 2],
           [3, 4]])
    """
    try:
        host = adapter_of(obj).to_numpy(obj)
    except BackendMismatchError:
        host = _from_sequence(obj)
    if host.dtype.kind not in "biuf" and host.dtype.name != "bfloat16":
        msg = f"an array of dtype {host.dtype} holds no real numbers"
        raise DTypeError(msg)
    return host


def _from_sequence(obj: object) -> np.ndarray[Any, Any]:
    if isinstance(obj, list | tuple) and any(hasattr(item, "shape") for item in obj):
        obj = [to_numpy(item) for item in obj]
    try:
        return np.asarray(obj)
    except (ValueError, TypeError) as error:
        msg = f"a {type(obj).__name__} cannot be made an array: {error}"
        raise DTypeError(msg) from error


def synchronize(*arrays: Array) -> None:
    """Wait until arrays are computed; a clock read before that measures nothing.

    Parameters
    ----------
    *arrays : array
        All of one library; without any, the current backend is waited for.

    Examples
    --------
    >>> import xpnet
    >>> xpnet.synchronize(xpnet.asarray([1.0]))
    """
    adapter = adapter_of(arrays[0]) if arrays else get_backend().adapter
    adapter.synchronize(*arrays)
