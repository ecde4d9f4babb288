"""NumPy: the host itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet._typing import Array, Device, DType
from xpnet.backends.adapter import Adapter
from xpnet.dtypes import find_dtype

__all__ = ["NumPy"]


class NumPy(Adapter):
    module = "array_api_compat.numpy"
    install = "pip install numpy"

    def from_numpy(self, array: np.ndarray[Any, Any], device: Device, dtype: DType) -> Array:
        # A JAX array lends its memory for reading only; parameters are written to.
        array = super().from_numpy(array, device, dtype)
        return array if array.flags.writeable else array.copy()

    def is_readable(self, array: Array) -> bool:
        return True

    def is_writable(self, array: Array) -> bool:
        return bool(array.flags.writeable)

    def move(self, array: Array, device: Device, dtype: DType) -> Array:
        # Also turns a scalar into an array, and the byte order of a file into the machine's.
        return np.asarray(array, dtype=find_dtype(self.xp, dtype))
