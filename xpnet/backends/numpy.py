"""NumPy: the host itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet._typing import Array, Device, DType
from xpnet.backends.adapter import Adapter
from xpnet.dtypes import find_dtype

__all__ = ["NumPy"]

# What a subclass of ndarray may have of its own: how it is made, shown and kept.
_MAKES = {"__array_finalize__", "__array_priority__", "__init__", "__init_subclass__", "__new__"}
_SHOWS = {"__class_getitem__", "__dict__", "__dir__", "__doc__", "__format__", "__module__"}
_SHOWS |= {"__repr__", "__str__"}
_KEEPS = {"__del__", "__getstate__", "__reduce__", "__reduce_ex__", "__setstate__"}
_MAY_DIFFER = _MAKES | _SHOWS | _KEEPS


class NumPy(Adapter):
    module = "array_api_compat.numpy"
    install = "pip install numpy"
    kernels = ("xpnet.kernels.numba", "xpnet.kernels.numpy")

    def from_numpy(self, array: np.ndarray[Any, Any], device: Device, dtype: DType) -> Array:
        # A JAX array lends its memory for reading only; parameters are written to.
        array = super().from_numpy(array, device, dtype)
        return array if array.flags.writeable else array.copy()

    def refusal(self, array: Array, name: str) -> str | None:
        """Refuse subclasses of ndarray with something of their own that may change a result.

        A file that is mapped, ``np.memmap``, computes as an array does.
        """
        kind = type(array)
        if kind is np.ndarray or issubclass(kind, np.generic):
            return None
        if isinstance(array, np.ma.MaskedArray):
            return f"its mask would be lost; fill what is masked with np.ma.filled({name}, 0.0)"
        own = _own_members(kind)
        if not own:
            return None
        several = ", ..." if len(own) > 3 else ""
        return f"it has its own {', '.join(own[:3])}{several}; use np.asarray({name})"

    def are_plain(self, first: Array, *others: Array) -> bool:
        return True

    def plain(self, array: Array) -> Array:
        dtype = array.dtype
        return array if dtype.isnative else array.astype(dtype.newbyteorder("="))

    def is_readable(self, array: Array) -> bool:
        return True

    def is_writable(self, array: Array) -> bool:
        return bool(array.flags.writeable)

    def move(self, array: Array, device: Device, dtype: DType) -> Array:
        # Also turns a scalar into an array, and the byte order of a file into the machine's.
        return np.asarray(array, dtype=find_dtype(self.xp, dtype))


def _own_members(kind: type) -> list[str]:
    """Return what a subclass of ndarray overrides of that which may change a result."""
    known = {np.memmap, *np.ndarray.__mro__}
    names = {name for base in kind.__mro__ if base not in known for name in vars(base)}
    return sorted(name for name in names - _MAY_DIFFER if hasattr(np.ndarray, name))
