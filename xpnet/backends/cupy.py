"""CuPy: NumPy's functions on a CUDA GPU."""

from __future__ import annotations

from importlib.metadata import packages_distributions
from typing import Any

import numpy as np

from xpnet._typing import Array, Device
from xpnet.backends.adapter import Adapter
from xpnet.errors import BackendUnavailableError

__all__ = ["CuPy"]


class CuPy(Adapter):
    module = "array_api_compat.cupy"
    kernels = ("xpnet.kernels.cuda",)
    install = 'pip install "xpnet[cuda13]" (or "xpnet[cuda12]" for a CUDA 12 driver)'

    def find_device(self, device: Device | None) -> Device:
        import cupy

        self._require_gpu()
        if isinstance(device, str):
            device = int(device.removeprefix("cuda").removeprefix(":") or 0)
        return cupy.cuda.Device(device)

    def device_name(self, device: Device) -> str:
        return f"cuda:{device.id}"

    def _require_gpu(self) -> None:
        """Tell why there is no GPU; ``cupy.is_available()`` would hide the reason."""
        import cupy

        installed = sorted(set(packages_distributions().get("cupy", ())))
        if len(installed) > 1:
            msg = (
                f"backend 'cupy': {' and '.join(installed)} are installed over each other; "
                f"uninstall all of them, then: {self.install}"
            )
            raise BackendUnavailableError(msg)
        try:
            cupy.cuda.runtime.getDeviceCount()
        except cupy.cuda.runtime.CUDARuntimeError as error:
            driver = cupy.cuda.runtime.driverGetVersion()
            runtime = cupy.cuda.runtime.runtimeGetVersion()
            msg = (
                f"backend 'cupy': CuPy {cupy.__version__} is installed, but no usable CUDA driver "
                f"or GPU was found: {error} (driver {driver}, runtime {runtime}); "
                "run on a machine with an NVIDIA GPU, or use set_backend('numpy')"
            )
            raise BackendUnavailableError(msg) from error

    def probe(self, device: Device) -> None:
        """Compile and run a kernel and open cuBLAS: CuPy imports without either library."""
        import cupy

        try:
            cupy.cuda.nvrtc.getVersion()
            with device:
                cupy.cuda.device.get_cublas_handle()
        except Exception as error:
            msg = (
                f"backend 'cupy': CuPy {cupy.__version__} cannot use {self.device_name(device)} "
                f"or lacks a CUDA library ({type(error).__name__}: {error}); "
                f"install the libraries with: {self.install}"
            )
            raise BackendUnavailableError(msg) from error
        super().probe(device)

    def to_numpy(self, array: Array) -> np.ndarray[Any, Any]:
        host: np.ndarray[Any, Any] = array.get()
        return host

    def is_writable(self, array: Array) -> bool:
        return True

    def synchronize(self, *arrays: Array) -> None:
        import cupy

        for array in arrays:
            with array.device:
                cupy.cuda.get_current_stream().synchronize()

    def _to_device(self, array: Array, device: Device) -> Array:
        import cupy

        if array.device == device:
            return array
        with device:
            return cupy.asarray(array)
