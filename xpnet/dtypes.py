"""Dtypes by name, because every array library has its own objects for the same ones."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from xpnet._typing import DType, Namespace
from xpnet.errors import DTypeError

__all__ = [
    "EPSILON",
    "FLOATS",
    "dtype_name",
    "find_dtype",
    "is_float",
    "is_half",
    "is_integer",
    "is_native_float",
    "is_real",
]

EPSILON = {"float16": 2.0**-10, "bfloat16": 2.0**-7, "float32": 2.0**-23, "float64": 2.0**-52}
"""The spacing of the numbers above 1, twice the unit roundoff."""

FLOATS = tuple(EPSILON)
_HALVES = ("float16", "bfloat16")
_INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
_REALS = ("bool", *_INTEGERS, *FLOATS)

# typed=True keeps equal hashes of two libraries' dtypes apart, which must not be compared.
_remembered = lru_cache(maxsize=256, typed=True)


@_remembered
def dtype_name(dtype: DType) -> str:
    """Return the name of a dtype without its library.

    Parameters
    ----------
    dtype : dtype or str
        A dtype of any array library.

    Returns
    -------
    str
        Such as ``"float32"``.

    Examples
    --------
    >>> import numpy as np
    >>> dtype_name(np.float32), dtype_name(np.dtype("int64")), dtype_name("bfloat16")
    ('float32', 'int64', 'bfloat16')
    """
    if isinstance(dtype, str):
        return dtype
    try:
        return np.dtype(dtype).name
    except TypeError:  # not one of NumPy's: torch.float32, array_api_strict.float32
        return str(dtype).rsplit(".", 1)[-1]


@_remembered
def is_float(dtype: DType) -> bool:
    """Whether layers compute in this dtype: a real floating one of at most 64 bits."""
    return dtype_name(dtype) in FLOATS


@_remembered
def is_native_float(dtype: DType) -> bool:
    """Whether it is one that layers compute in, in the byte order of the machine."""
    return is_float(dtype) and getattr(dtype, "isnative", True)


@_remembered
def is_half(dtype: DType) -> bool:
    """Whether sums in this dtype must be held in float32."""
    return dtype_name(dtype) in _HALVES


@_remembered
def is_integer(dtype: DType) -> bool:
    """Whether values of this dtype can be class indices."""
    return dtype_name(dtype) in _INTEGERS


@_remembered
def is_real(dtype: DType) -> bool:
    """Whether values of this dtype are real numbers: booleans, integers, floats of any width."""
    name = dtype_name(dtype)
    return name in _REALS or "float" in name


def find_dtype(xp: Namespace, dtype: DType) -> DType:
    """Return a namespace's own dtype of the same name.

    Parameters
    ----------
    xp : namespace
        Where to look.
    dtype : dtype or str
        A dtype of any array library, or its name.

    Raises
    ------
    DTypeError
        If there is no such dtype, or the library does not have it.
    """
    name = dtype_name(dtype)
    if name not in _REALS:
        msg = f"unknown dtype {name!r}; known are {', '.join(_REALS)}"
        raise DTypeError(msg)
    found = getattr(xp, name, None)
    if found is None:
        msg = f"{xp.__name__.removeprefix('array_api_compat.')} has no dtype {name!r}"
        raise DTypeError(msg)
    # NumPy-like libraries name their scalar types, not their dtypes: np.float32.
    return np.dtype(found) if isinstance(found, type) and issubclass(found, np.generic) else found
