"""What every layer asks of its arguments, with one wording for each mistake.

The checks look at libraries, devices, dtypes and shapes, never at values: on a GPU that would
wait for the device.
"""

from __future__ import annotations

from xpnet._typing import Array, Namespace
from xpnet.arrays import device_of
from xpnet.backends import Adapter, adapter_of
from xpnet.dtypes import dtype_name, is_float
from xpnet.errors import BackendMismatchError, DTypeError, ShapeError

__all__ = ["check_axis", "check_floats", "check_same_home", "check_upstream", "describe_home"]


def describe_home(array: Array) -> str:
    """Return in words where an array lives, such as ``numpy on cpu``."""
    name = adapter_of(array).name
    device = device_of(array)
    return name if device is None else f"{name} on {device}"


def check_same_home(layer: str, **arrays: Array) -> Namespace:
    """Return the one namespace of the arrays.

    Parameters
    ----------
    layer : str
        Who asks, for the error's text.
    **arrays : array
        By the names that the caller knows them by.

    Raises
    ------
    BackendMismatchError
        If one is no array, or they belong to different libraries or devices.
    """
    named = iter(arrays.items())
    first_name, first = next(named)
    adapter = _adapter_of_argument(layer, first_name, first)
    for name, array in named:
        other = _adapter_of_argument(layer, name, array)
        if other is not adapter or not _same_device(first, array):
            msg = (
                f"{layer}: {first_name} is {describe_home(first)}, "
                f"but {name} is {describe_home(array)}; bring them together with "
                f"layer.to({adapter.name!r}) or xpnet.asarray({first_name}, xp={other.name!r}), "
                "and device= where the devices differ"
            )
            raise BackendMismatchError(msg)
    return adapter.xp


def _adapter_of_argument(layer: str, name: str, array: Array) -> Adapter:
    try:
        return adapter_of(array)
    except BackendMismatchError:
        kind = type(array).__name__
        msg = f"{layer}: {name} is a {kind}, not an array; use xpnet.asarray({name})"
        raise BackendMismatchError(msg) from None


def _same_device(a: Array, b: Array) -> bool:
    here, there = device_of(a), device_of(b)
    return here is there or here is None or there is None or bool(here == there)


def check_floats(layer: str, **arrays: Array) -> Namespace:
    """Return the one namespace of floating arrays of one dtype.

    Raises
    ------
    BackendMismatchError
        As :func:`check_same_home`.
    DTypeError
        If one is not of floats, or the dtypes differ.
    """
    xp = check_same_home(layer, **arrays)
    named = iter(arrays.items())
    first_name, first = next(named)
    dtype = first.dtype
    if not is_float(dtype):
        raise DTypeError(_not_float(layer, first_name, first))
    for name, array in named:
        if array.dtype != dtype:
            if not is_float(array.dtype):
                raise DTypeError(_not_float(layer, name, array))
            msg = (
                f"{layer}: {first_name} is {dtype_name(dtype)}, but {name} is "
                f"{dtype_name(array.dtype)}; make them equal with "
                f"layer.to(dtype={dtype_name(dtype)!r}) or "
                f"xpnet.asarray({first_name}, dtype={dtype_name(array.dtype)!r})"
            )
            raise DTypeError(msg)
    return xp


def _not_float(layer: str, name: str, array: Array) -> str:
    return (
        f"{layer}: {name} is {dtype_name(array.dtype)}, but layers compute in floats; "
        f"use xpnet.asarray({name}, dtype='float32')"
    )


def check_upstream(layer: str, dout: Array, **output: Array) -> Namespace:
    """Return the namespace of ``dout`` after holding it against what belongs to the output.

    Parameters
    ----------
    layer : str
        Who asks, for the error's text.
    dout : array
        The gradient that came from above.
    **output : array
        One array of the output's shape, dtype and home.

    Raises
    ------
    BackendMismatchError, DTypeError
        As :func:`check_floats`.
    ShapeError
        If the shape of ``dout`` is not that of the output.
    """
    xp = check_floats(layer, dout=dout, **output)
    (y,) = output.values()
    if dout.shape != y.shape:
        raise ShapeError(upstream_shape_text(layer, dout.shape, y.shape))
    return xp


def upstream_shape_text(layer: str, found: tuple[int, ...], expected: tuple[int, ...]) -> str:
    return (
        f"{layer}: dout has shape {tuple(found)}, but the output of forward had shape "
        f"{tuple(expected)}; they must be equal"
    )


def check_axis(layer: str, axis: int, **array: Array) -> None:
    """Make sure that one array has an axis, and something along it.

    Raises
    ------
    ShapeError
        If there is no such axis, or its length is 0.
    """
    ((name, x),) = array.items()
    if not -x.ndim <= axis < x.ndim:
        msg = f"{layer}: axis {axis} is out of range for {name} of shape {tuple(x.shape)}"
        raise ShapeError(msg)
    if x.shape[axis] == 0:
        msg = f"{layer}: {name} of shape {tuple(x.shape)} has no classes along axis {axis}"
        raise ShapeError(msg)
