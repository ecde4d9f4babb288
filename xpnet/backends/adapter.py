"""What xpnet must know of an array library beyond the Array API standard."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from xpnet._typing import Array, Device, DType, Namespace
from xpnet.dtypes import dtype_name, find_dtype
from xpnet.errors import BackendUnavailableError

__all__ = ["Adapter"]


class Adapter:
    """An array library, as far as the standard describes it.

    Subclass it for a library that needs more, and register the subclass under the entry-point
    group ``xpnet.backends``.

    Attributes
    ----------
    name : str
        The backend's name in ``set_backend``.
    module : str
        The module to import.
    install : str
        What a user types to get the library.
    """

    name: str
    module: str
    install: str

    _xp: Namespace | None = None

    @classmethod
    def wrap(cls, xp: Namespace) -> Adapter:
        """Return an adapter for a conforming namespace that xpnet does not know by name."""
        adapter = cls()
        adapter.name = adapter.module = xp.__name__
        adapter._xp = xp
        return adapter

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"

    @property
    def xp(self) -> Namespace:
        """The namespace; imports the library at the first use."""
        if self._xp is None:
            self._xp = self._import()
        return self._xp

    def _import(self) -> Namespace:
        """Import the library and return a namespace that conforms to the standard."""
        root = self.module.rsplit("array_api_compat.", 1)[-1].split(".")[0]
        try:
            importlib.import_module(root)
            return importlib.import_module(self.module)
        except ImportError as error:
            missing = isinstance(error, ModuleNotFoundError) and error.name == root
            state = "is not installed" if missing else "is installed but cannot be imported"
            msg = f"backend {self.name!r} {state} ({error}); install it with: {self.install}"
            raise BackendUnavailableError(msg) from error

    @property
    def version(self) -> str:
        """The library's own version."""
        root = importlib.import_module(self.xp.__name__.removeprefix("array_api_compat."))
        return str(getattr(root, "__version__", "unknown"))

    def find_device(self, device: Device | None) -> Device:
        """Turn what a user wrote for a device into the library's own device object."""
        return self.xp.empty(0, device=device).device

    def probe(self, device: Device) -> None:
        """Use the device in earnest, because an import proves nothing.

        Raises
        ------
        Exception
            Whatever the library says when it cannot allocate or compute.
        """
        xp = self.xp
        total = xp.sum(xp.arange(3, device=device) + 1)
        if int(total) != 6:
            msg = f"1 + 2 + 3 came out as {total}"
            raise RuntimeError(msg)

    def prepare(self, dtype: DType) -> None:
        """Make the library ready to hold this dtype."""

    def from_numpy(self, array: np.ndarray[Any, Any], device: Device, dtype: DType) -> Array:
        """Copy a host array to a device."""
        return self.xp.asarray(array, device=device, dtype=dtype)

    def to_numpy(self, array: Array) -> np.ndarray[Any, Any]:
        """Copy an array to the host."""
        return np.asarray(array)

    def is_readable(self, array: Array) -> bool:
        """Whether the host can look at the values without waiting for a device or a trace."""
        return False

    def synchronize(self, *arrays: Array) -> None:
        """Wait until the arrays are computed."""

    def move(self, array: Array, device: Device, dtype: DType) -> Array:
        """Copy an array of this library to another device or dtype; as it is if nothing changes."""
        self.prepare(dtype)
        dtype = find_dtype(self.xp, dtype)
        if dtype_name(array.dtype) != dtype_name(dtype):
            array = self.xp.astype(array, dtype)
        return self._to_device(array, device)

    def _to_device(self, array: Array, device: Device) -> Array:
        return array if array.device == device else array.to_device(device)
