"""PyTorch, on any device that it knows by name."""

from __future__ import annotations

from functools import cached_property
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
    why_not_writable = (
        "it requires gradients, is of inference mode, or has several of its entries at one place"
    )

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

    def refusal(self, array: Array, name: str) -> str | None:
        """Refuse what is not strided, and subclasses that intercept PyTorch's functions."""
        import torch

        if array.is_quantized:
            return f"it is quantized; use {name}.dequantize()"
        kind = type(array)
        if array.is_nested or (kind is not torch.Tensor and _intercepts(kind)):
            return "it has functions of its own; make a plain torch.Tensor of it"
        if array.layout is not torch.strided:
            return f"it is not strided but {array.layout}; use {name}.to_dense()"
        return None

    def are_plain(self, first: Array, *others: Array) -> bool:
        strided, on_host = self._strided, True
        for array in (first, *others):
            if array.requires_grad or array.layout is not strided or array.is_nested:
                return False
            on_host = on_host and array.is_cpu
        return on_host or super().are_plain(first, *others)  # comparing devices takes longer

    @cached_property
    def _strided(self) -> Any:
        import torch

        return torch.strided

    def detached(self, array: Array) -> Array:
        return array.detach() if array.requires_grad else array

    def is_readable(self, array: Array) -> bool:
        return bool(array.device.type == "cpu")

    def is_writable(self, array: Array) -> bool:
        import torch

        if array.requires_grad and torch.is_grad_enabled():
            return False
        if array.is_inference() and not torch.is_inference_mode_enabled():
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


def _intercepts(kind: Any) -> bool:
    """Whether PyTorch's functions call a subclass of ``torch.Tensor``; not those for parameters."""
    import torch

    plain = torch.Tensor, torch.nn.Parameter
    return any(
        all(_function(kind, hook) is not _function(other, hook) for other in plain)
        for hook in ("__torch_function__", "__torch_dispatch__")
    )


def _function(kind: Any, name: str) -> Any:
    method = getattr(kind, name)
    return getattr(method, "__func__", method)
