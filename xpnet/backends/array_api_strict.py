"""array-api-strict: nothing but the standard, and pretended devices, for tests."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet._typing import Array, Device
from xpnet.backends.adapter import Adapter

__all__ = ["ArrayAPIStrict"]


class ArrayAPIStrict(Adapter):
    module = "array_api_strict"
    install = "pip install array-api-strict"

    @property
    def _cpu(self) -> Device:
        return self.xp.Device("CPU_DEVICE")

    def find_device(self, device: Device | None) -> Device:
        if isinstance(device, str):
            device = self.xp.Device(device)
        return super().find_device(device)

    def device_name(self, device: Device) -> str:
        return str(device).split("'")[1]  # of "array_api_strict.Device('device1')"

    def to_numpy(self, array: Array) -> np.ndarray[Any, Any]:
        return np.asarray(self._to_device(array, self._cpu))

    def is_readable(self, array: Array) -> bool:
        return bool(array.device == self._cpu)

    def is_writable(self, array: Array) -> bool:
        return True
