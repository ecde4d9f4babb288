"""JAX: immutable arrays, traced functions, and float64 only on request."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet._typing import Array, Device, DType
from xpnet.backends.adapter import Adapter
from xpnet.dtypes import dtype_name
from xpnet.errors import DTypeError

__all__ = ["Jax"]


class Jax(Adapter):
    module = "jax.numpy"
    install = 'pip install "xpnet[jax]"'
    kernels = ("xpnet.kernels.jax",)
    why_not_writable = "arrays of JAX are immutable"

    @property
    def index_dtype(self) -> DType:
        import jax

        return self.xp.dtype("int64" if jax.config.jax_enable_x64 else "int32")

    def find_device(self, device: Device | None) -> Device:
        import jax

        if isinstance(device, str):
            platform, _, index = device.partition(":")
            device = jax.devices(platform)[int(index or 0)]
        with jax.ensure_compile_time_eval():  # an array that is being traced has no device
            return super().find_device(device)

    def probe(self, device: Device) -> None:
        import jax

        with jax.ensure_compile_time_eval():
            super().probe(device)

    def device_name(self, device: Device) -> str:
        return f"{device.platform}:{device.id}"

    def prepare(self, dtype: DType) -> None:
        """Switch x64 on for float64: without it JAX would hand out float32 in its place."""
        if dtype_name(dtype) == "float64":
            import jax

            jax.config.update("jax_enable_x64", True)  # noqa: FBT003

    def from_numpy(self, array: np.ndarray[Any, Any], device: Device, dtype: DType) -> Array:
        import jax

        # Without x64 there is no int64 either; class indices fit into the int32 given for it.
        given = jax.dtypes.canonicalize_dtype(dtype)
        if given != dtype and not np.array_equal(array, array.astype(given)):
            msg = (
                f"jax: these {dtype_name(dtype)} values do not fit into {dtype_name(given)}; "
                "call jax.config.update('jax_enable_x64', True) first"
            )
            raise DTypeError(msg)
        # jnp.asarray may share memory with NumPy, whose later writes would change a JAX array.
        with jax.ensure_compile_time_eval():  # host data are not traced, only what is made of them
            return self.xp.array(array, device=device, dtype=given, copy=True)

    def refusal(self, array: Array, name: str) -> str | None:
        import jax

        if jax.dtypes.issubdtype(array.dtype, jax.dtypes.prng_key):
            return f"it is a key for random numbers; use jax.random.key_data({name})"
        return None

    def is_readable(self, array: Array) -> bool:
        # A traced array has no device and no values.
        return getattr(getattr(array, "device", None), "platform", None) == "cpu"

    def synchronize(self, *arrays: Array) -> None:
        import jax

        jax.block_until_ready(arrays)

    def _to_device(self, array: Array, device: Device) -> Array:
        import jax

        # A traced array has no device, and goes where the compiled function runs.
        if getattr(array, "device", device) == device:
            return array
        return jax.device_put(array, device)
