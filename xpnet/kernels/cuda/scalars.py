"""Settings that are numbers, or arrays of one element that the device reads itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet._typing import Array, Number
from xpnet.dtypes import dtype_name
from xpnet.errors import DTypeError

__all__ = ["NULL", "array_or_number"]

NULL = np.uintp(0)


def array_or_number(
    name: str, setting: Array | Number, dtype: type[np.generic]
) -> tuple[Any, np.generic]:
    """Return the two arguments that a kernel takes for a setting: an array or null, and a number.

    Raises
    ------
    DTypeError
        If it is an array of another dtype, whose bytes the kernel would take for another number.

    Examples
    --------
    >>> array_or_number("lr", 0.5, np.float64)
    (np.uint64(0), np.float64(0.5))
    """
    if isinstance(setting, int | float):
        return NULL, dtype(setting)
    if setting.dtype != dtype:
        msg = f"{name} is an array of {dtype_name(setting.dtype)}; it must be of {dtype.__name__}"
        raise DTypeError(msg)
    return setting, dtype(0)
