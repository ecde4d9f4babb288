"""NumPy: the host itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet._typing import Array, Device
from xpnet.backends.adapter import Adapter

__all__ = ["NumPy"]


class NumPy(Adapter):
    name = "numpy"
    module = "array_api_compat.numpy"
    install = "pip install numpy"

    def to_numpy(self, array: Array) -> np.ndarray[Any, Any]:
        return np.asarray(array)

    def is_readable(self, array: Array) -> bool:
        return True

    def _to_device(self, array: Array, device: Device) -> Array:
        return array
