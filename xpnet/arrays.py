"""Arrays in and out: from host data to the current backend and back, always on request."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet._typing import Array, Device, DType, Namespace
from xpnet.backend import BackendSpec, get_backend, resolve_backend
from xpnet.backends import Adapter, adapter_of, recognized
from xpnet.dtypes import dtype_name, find_dtype, is_real
from xpnet.errors import BackendMismatchError, DTypeError, UnsupportedArrayError
from xpnet.quiet import quiet

__all__ = ["array_namespace", "asarray", "detached", "device_of", "synchronize", "to_numpy"]


def array_namespace(array: Array) -> Namespace:
    """Return the Array API namespace of an array, as array-api-compat does, but faster."""
    return adapter_of(array).xp


def device_of(array: Array) -> Device | None:
    """Return where an array lives, or None for an array that is being traced."""
    return getattr(array, "device", None)


def detached(array: Array) -> Array:
    """Return an array without the history that PyTorch keeps of its values; the same memory."""
    return adapter_of(array).detached(array)


@quiet
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
        Of the backend, in the machine's byte order, and without PyTorch's history of its values;
        it may share memory with ``obj``.

    Raises
    ------
    DTypeError
        If ``obj`` does not hold real numbers, or the library has no such dtype.
    UnsupportedArrayError
        If ``obj`` looks like an array and computes otherwise, such as a masked one.
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
    _check_real(source)
    if dtype is None:
        dtype = backend.dtype if "float" in dtype_name(source.dtype) else source.dtype
    if is_at_home:
        return adapter.move(adapter.plain(source), backend.device, dtype)
    own_dtype, name = find_dtype(adapter.xp, dtype), dtype_name(dtype)
    # Rounding on the host gives the same bits on every backend; NumPy has no bfloat16.
    source = source.astype("float32" if name == "bfloat16" else name, copy=False)
    adapter.prepare(name)
    return adapter.from_numpy(source, backend.device, own_dtype)


def _is_array_of(adapter: Adapter, obj: object) -> bool:
    return _adapter_or_none(obj) is adapter


def _adapter_or_none(obj: object) -> Adapter | None:
    """Return the adapter of an array; None for what is none, but may hold numbers."""
    try:
        return recognized(obj)
    except UnsupportedArrayError:
        raise
    except BackendMismatchError:
        return None


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
    UnsupportedArrayError
        If ``obj`` looks like an array and computes otherwise, such as a masked one.

    Examples
    --------
    >>> import xpnet
    >>> xpnet.to_numpy([[1, 2], [3, 4]])
    array([[1, 2],
           [3, 4]])
    """
    adapter = _adapter_or_none(obj)
    host = _from_sequence(obj) if adapter is None else adapter.to_numpy(obj)
    _check_real(host)
    return host.astype("float32") if host.dtype.name == "bfloat16" else host


def _check_real(array: Array) -> None:
    if not is_real(array.dtype):
        msg = f"an array of dtype {array.dtype} holds no real numbers"
        raise DTypeError(msg)


def _from_sequence(obj: object) -> np.ndarray[Any, Any]:
    if isinstance(obj, list | tuple):
        obj = [_on_host(item) for item in obj]
    try:
        return np.asarray(obj)
    except (ValueError, TypeError) as error:
        msg = f"a {type(obj).__name__} cannot be made an array: {error}"
        raise DTypeError(msg) from error


def _on_host(item: object) -> object:
    """Bring arrays inside lists to the host, for NumPy cannot read those of every library."""
    if isinstance(item, list | tuple):
        return [_on_host(inner) for inner in item]
    return to_numpy(item) if hasattr(item, "shape") else item


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
    if not arrays:  # a device works in order: what it computes last stands for all before
        backend = get_backend()
        arrays = (backend.xp.zeros(1, device=backend.device),)
    adapter_of(arrays[0]).synchronize(*arrays)
