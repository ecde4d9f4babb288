"""What every layer asks of its arguments, with one wording for each mistake.

The checks look at libraries, devices, dtypes and shapes, never at values: on a GPU that would
wait for the device.
"""

from __future__ import annotations

from math import inf
from numbers import Real
from operator import index
from typing import SupportsIndex

import numpy as np

from xpnet._typing import Array, Namespace
from xpnet.arrays import device_of
from xpnet.backends import Adapter, adapter_of, recognized
from xpnet.backends.adapter import same_device
from xpnet.dtypes import FLOATS, dtype_name, is_float, is_integer, is_native_float
from xpnet.errors import BackendMismatchError, DTypeError, ShapeError, UnsupportedArrayError

__all__ = [
    "check_axis",
    "check_floats",
    "check_fraction",
    "check_not_negative",
    "check_same_home",
    "check_same_shape",
    "check_sizes",
    "check_upstream",
    "describe_home",
    "generator_from",
    "namespace_of_alike",
    "upstream_shape_text",
]

_MAY_MEET = {"float32", "float64"}


def describe_home(array: Array) -> str:
    """Return in words where an array lives, such as ``numpy on cpu``."""
    adapter, device = adapter_of(array), device_of(array)
    return adapter.name if device is None else f"{adapter.name} on {adapter.device_name(device)}"


def _home_as_arguments(array: Array) -> str:
    """Return what a user writes to go where an array lives, such as ``'numpy', device='cpu'``."""
    adapter, device = adapter_of(array), device_of(array)
    name = repr(adapter.name)
    return name if device is None else f"{name}, device={adapter.device_name(device)!r}"


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
    UnsupportedArrayError
        If one looks like an array and computes otherwise; see :func:`xpnet.backends.adapter_of`.
    """
    return _same_home(layer, arrays)


def _same_home(layer: str, arrays: dict[str, Array]) -> Namespace:
    named = iter(arrays.items())
    first_name, first = next(named)
    adapter = _adapter_of_argument(layer, first_name, first)
    for name, array in named:
        other = _adapter_of_argument(layer, name, array)
        if other is not adapter or not same_device(first, array):
            msg = (
                f"{layer}: {first_name} is {describe_home(first)}, "
                f"but {name} is {describe_home(array)}; bring them together with "
                f"xpnet.asarray({first_name}, xp={_home_as_arguments(array)}) or "
                f"layer.to({_home_as_arguments(first)})"
            )
            raise BackendMismatchError(msg)
    return adapter.xp


def _adapter_of_argument(layer: str, name: str, array: Array) -> Adapter:
    try:
        return recognized(array, name)
    except UnsupportedArrayError as error:
        msg = f"{layer}: {error}"
        raise UnsupportedArrayError(msg) from None
    except BackendMismatchError:
        kind = type(array).__name__
        cure = getattr(type(array), "instead_of_an_array", f"use xpnet.asarray({name})")
        msg = f"{layer}: {name} is of type {kind}, not an array; {cure}"
        if array is None:
            msg = f"{layer}: {name} is None, not an array"
        raise BackendMismatchError(msg) from None


def check_floats(layer: str, **arrays: Array) -> Namespace:
    """Return the one namespace of floating arrays whose widths may meet.

    Those are equal ones, and float32 and float64, of which the Array API standard says what they
    make together. It knows no 16-bit floats, and libraries do not agree on them.

    Raises
    ------
    BackendMismatchError, UnsupportedArrayError
        As :func:`check_same_home`.
    DTypeError
        If one is not of floats, or 16 bits meet another width.
    """
    xp = namespace_of_alike(*arrays.values())
    return _floats_that_may_meet(layer, arrays) if xp is None else xp


def namespace_of_alike(first: Array, *others: Array) -> Namespace | None:
    """Return the namespace of arrays that pass at first sight, as nearly all do; else None.

    They are of one floating dtype and plain: ops compute on them as they are. Looking for what is
    wrong with others takes three times as long.
    """
    dtype, kind = getattr(first, "dtype", None), type(first)
    if dtype is None or not is_native_float(dtype):
        return None
    for other in others:
        if type(other) is not kind or other.dtype is not dtype:
            return None
    try:
        adapter = adapter_of(first)
    except BackendMismatchError:  # whoever asks will tell what is wrong
        return None
    return adapter.xp if adapter.are_plain(first, *others) else None


def _floats_that_may_meet(layer: str, arrays: dict[str, Array]) -> Namespace:
    xp = _same_home(layer, arrays)
    named = iter(arrays.items())
    first_name, first = next(named)
    dtype = dtype_name(first.dtype)
    if not is_float(first.dtype):
        raise DTypeError(_not_float(layer, first_name, first))
    for name, array in named:
        other = dtype_name(array.dtype)
        if other != dtype:
            if not is_float(array.dtype):
                raise DTypeError(_not_float(layer, name, array))
            if {dtype, other} != _MAY_MEET:
                msg = (
                    f"{layer}: {first_name} is {dtype}, but {name} is {other}; make them equal "
                    f"with xpnet.asarray({first_name}, dtype={other!r}) or "
                    f"layer.to(dtype={dtype!r})"
                )
                raise DTypeError(msg)
    return xp


def _not_float(layer: str, name: str, array: Array) -> str:
    dtype = dtype_name(array.dtype)
    found = f"{layer}: {name} is {dtype}, but layers compute in floats"
    if is_integer(array.dtype) or dtype == "bool":
        return f"{found}; use xpnet.asarray({name}, dtype='float32')"
    return f"{found}: {', '.join(FLOATS)}"


def check_upstream(layer: str, dout: Array, **output: Array) -> Namespace:
    """Return the namespace of ``dout`` after holding it against what belongs to the output.

    A backward that computes with both gets them from :func:`xpnet.together.upstream_together`.

    Parameters
    ----------
    layer : str
        Who asks, for the error's text.
    dout : array
        The gradient that came from above.
    **output : array
        One array of the output's shape and home, and of a dtype that ``dout`` may meet.

    Raises
    ------
    BackendMismatchError, UnsupportedArrayError, DTypeError
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


def check_same_shape(layer: str, **arrays: Array) -> None:
    """Make sure that arrays have the shape of the first one, which is called by the first name.

    Raises
    ------
    ShapeError
        If one has not.
    """
    named = iter(arrays.items())
    first_name, first = next(named)
    for name, array in named:
        if array.shape != first.shape:
            msg = (
                f"{layer}: {first_name} has shape {tuple(first.shape)}, but {name} has shape "
                f"{tuple(array.shape)}; they must be equal"
            )
            raise ShapeError(msg)


def check_axis(layer: str, axis: int, **array: Array) -> None:
    """Make sure that one array has an axis, and something along it.

    Raises
    ------
    ShapeError
        If there is no such axis, or its length is 0.
    TypeError
        If it is no integer.
    """
    ((name, x),) = array.items()
    try:
        index(axis)
    except TypeError:
        msg = f"{layer}: axis is {axis!r}; it must be an integer: -1 is the last one"
        raise TypeError(msg) from None
    if not -x.ndim <= axis < x.ndim:
        axes = f"axes {-x.ndim} to {x.ndim - 1}" if x.ndim else "none"
        msg = (
            f"{layer}: axis {axis} is out of range for {name} of shape {tuple(x.shape)}; "
            f"it has {axes}"
        )
        raise ShapeError(msg)
    if x.shape[axis] == 0:
        msg = f"{layer}: {name} of shape {tuple(x.shape)} has no classes along axis {axis}"
        raise ShapeError(msg)


def check_sizes(layer: str, **sizes: int) -> None:
    """Make sure that the sizes of a layer or net are positive integers.

    Raises
    ------
    ValueError
        If one is not.
    """
    for name, size in sizes.items():
        if not (isinstance(size, SupportsIndex) and size > 0):
            msg = f"{layer}: {name} is {size!r}; it must be a positive integer"
            raise ValueError(msg)


def check_not_negative(layer: str, **numbers: object) -> None:
    """Make sure that settings are finite numbers from 0 on.

    Raises
    ------
    ValueError
        If one is not.
    """
    for name, number in numbers.items():
        if not (isinstance(number, Real) and 0 <= float(number) < inf):
            msg = f"{layer}: {name} is {number!r}; it must be a finite number and not negative"
            raise ValueError(msg)


def check_fraction(layer: str, **numbers: object) -> None:
    """Make sure that settings are shares of something, of which not all is taken.

    Raises
    ------
    ValueError
        If one is no number from 0 on and less than 1.
    """
    for name, number in numbers.items():
        if not (isinstance(number, Real) and 0 <= float(number) < 1):
            msg = f"{layer}: {name} is {number!r}; it must be a number from 0 on and less than 1"
            raise ValueError(msg)


def generator_from(layer: str, seed: int | np.random.Generator | None) -> np.random.Generator:
    """Return NumPy's generator for a seed.

    Raises
    ------
    ValueError
        If there is none.
    """
    try:
        return np.random.default_rng(seed)
    except (TypeError, ValueError) as error:
        msg = (
            f"{layer}: seed is {seed!r}; it must be an integer from 0 on, "
            "a numpy.random.Generator or None"
        )
        raise ValueError(msg) from error
