"""JAX: immutable arrays, traced functions, and float64 only on request."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet._typing import Array, Device, DType
from xpnet.backends.adapter import Adapter
from xpnet.dtypes import dtype_name

__all__ = ["Jax"]


class Jax(Adapter):
    name = "jax"
    module = "jax.numpy"
    install = 'pip install "xpnet[jax]"'

    @property
    def version(self) -> str:
        import jax

        return str(jax.__version__)

    def find_device(self, device: Device | None) -> Device:
        import jax

        if isinstance(device, str):
            platform, _, index = device.partition(":")
            device = jax.devices(platform)[int(index or 0)]
        return super().find_device(device)

    def prepare(self, dtype: DType) -> None:
        """Switch x64 on for float64: without it JAX would hand out float32 in its place."""
        if dtype_name(dtype) == "float64":
            import jax

            jax.config.update("jax_enable_x64", True)  # noqa: FBT003

    def from_numpy(self, array: np.ndarray[Any, Any], device: Device, dtype: DType) -> Array:
        import jax

        # Without x64 there is no int64 either; class indices fit into the int32 given for it.
        dtype = jax.dtypes.canonicalize_dtype(dtype)
        # jnp.asarray may share memory with NumPy, whose later writes would change a JAX array.
        return self.xp.array(array, device=device, dtype=dtype, copy=True)

    def to_numpy(self, array: Array) -> np.ndarray[Any, Any]:
        return np.asarray(array)

    def is_readable(self, array: Array) -> bool:
        # A traced array has no device and no values.
        return getattr(getattr(array, "device", None), "platform", None) == "cpu"

    def synchronize(self, *arrays: Array) -> None:
        import jax

        jax.block_until_ready(arrays)

    def _to_device(self, array: Array, device: Device) -> Array:
        import jax

        return array if array.device == device else jax.device_put(array, device)
