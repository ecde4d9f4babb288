"""PyTorch, on any device that it knows by name."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet._typing import Array, Device, DType
from xpnet.backends.adapter import Adapter
from xpnet.dtypes import dtype_name

__all__ = ["Torch"]


class Torch(Adapter):
    module = "array_api_compat.torch"
    install = 'pip install "xpnet[torch]"'
    kernels = ("xpnet.kernels.torch",)
    why_not_writable = "it requires gradients, or several of its entries are at one place"

    def devices(self) -> list[str]:
        # array-api-compat would try every kind of device that torch has ever known, and warn.
        import torch

        accelerator = torch.accelerator.current_accelerator()
        count = torch.accelerator.device_count()
        return ["cpu", *(f"{accelerator.type}:{index}" for index in range(count))]

    def from_numpy(self, array: np.ndarray[Any, Any], device: Device, dtype: DType) -> Array:
        # torch shares memory with NumPy and knows neither read-only arrays nor negative strides.
        if not array.flags.writeable or any(stride < 0 for stride in array.strides):
            array = array.copy()
        return super().from_numpy(array, device, dtype)

    def to_numpy(self, array: Array) -> np.ndarray[Any, Any]:
        array = array.detach().cpu()
        if dtype_name(array.dtype) == "bfloat16":  # torch cannot hand it to NumPy
            array = array.float()
        result: np.ndarray[Any, Any] = array.numpy()
        return result

    def is_readable(self, array: Array) -> bool:
        return bool(array.device.type == "cpu")

    def is_writable(self, array: Array) -> bool:
        import torch

        if array.is_leaf and array.requires_grad and torch.is_grad_enabled():
            return False
        # An expanded array has several entries at one place.
        pairs = zip(array.shape, array.stride(), strict=True)
        return all(size <= 1 or stride != 0 for size, stride in pairs)

    def synchronize(self, *arrays: Array) -> None:
        import torch

        for device in {array.device for array in arrays if array.device.type != "cpu"}:
            torch.accelerator.synchronize(device)

    def _to_device(self, array: Array, device: Device) -> Array:
        return array.to(device)
