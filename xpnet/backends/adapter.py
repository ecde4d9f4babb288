"""What xpnet must know of an array library beyond the Array API standard."""

from __future__ import annotations

import importlib
import sys
from functools import cached_property
from typing import Any

import numpy as np

from xpnet._typing import Array, Device, DType, Namespace
from xpnet.dtypes import dtype_name, find_dtype
from xpnet.errors import BackendUnavailableError

__all__ = ["Adapter", "library_of", "same_device"]


def library_of(module: str) -> str:
    """Return the library behind a module's name.

    Examples
    --------
    >>> library_of("jax.numpy"), library_of("array_api_compat.torch"), library_of("cupy")
    ('jax', 'torch', 'cupy')
    """
    # Libraries that ship a copy of array-api-compat have it under a longer name.
    return module.rpartition("array_api_compat.")[2].split(".")[0]


def same_device(a: Array, b: Array) -> bool:
    """Whether two arrays of a library live together; one that is being traced has no device."""
    here, there = getattr(a, "device", None), getattr(b, "device", None)
    return here is there or here is None or there is None or bool(here == there)


class Adapter:
    """An array library, as far as the standard describes it.

    Subclass it for a library that needs more, and register the subclass under the entry-point
    group ``xpnet.backends``.

    Attributes
    ----------
    module : str
        The namespace to import. The backend's name is that of the library it belongs to.
    install : str
        What a user types to get the library.
    in_suites : bool
        Whether suites take it unnamed; not if something is missing, or everything is slow.
    why_not_writable : str
        Why ``is_writable`` says no, as the end of a sentence.
    kernels : tuple of str
        Modules that declare faster copies of ops, the preferred ones first; the last part of a
        name is that of what they are made with.
    """

    module: str
    install: str
    in_suites: bool = True
    why_not_writable: str = "it is read-only"
    kernels: tuple[str, ...] = ()

    @classmethod
    def wrap(cls, xp: Namespace) -> Adapter:
        """Return an adapter for a conforming namespace that xpnet does not know by name."""
        adapter = cls()
        adapter.module = xp.__name__
        adapter.xp = xp
        return adapter

    @property
    def name(self) -> str:
        """The backend's name in ``set_backend``."""
        return library_of(self.module)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"

    @cached_property
    def xp(self) -> Namespace:
        """The namespace; imports the library at the first use."""
        try:
            importlib.import_module(self.name)
            return importlib.import_module(self.module)
        except Exception as error:  # a broken library may fail with anything
            if isinstance(error, ModuleNotFoundError) and error.name == self.name:
                msg = f"backend {self.name!r} is not installed; install it with: {self.install}"
            else:
                msg = (
                    f"backend {self.name!r} is installed but cannot be imported "
                    f"({type(error).__name__}: {error}); uninstall it, then: {self.install}"
                )
            raise BackendUnavailableError(msg) from error

    @property
    def version(self) -> str:
        """The library's own version."""
        library = sys.modules.get(library_of(self.xp.__name__))
        return str(getattr(library, "__version__", "unknown"))

    def devices(self) -> list[str]:
        """Return the names of the devices that are here."""
        found = self.xp.__array_namespace_info__().devices()
        return [self.device_name(device) for device in found if device is not None]

    def device_name(self, device: Device) -> str:
        """Return what a user writes for a device; ``find_device`` turns it back."""
        return str(device)

    @property
    def index_dtype(self) -> DType:
        """The integer dtype in which the library takes indices."""
        return self.xp.int64

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
        total = int(xp.sum(xp.arange(3, device=device) + 1))
        if total != 6:
            msg = f"1 + 2 + 3 came out as {total}"
            raise RuntimeError(msg)

    def prepare(self, dtype: DType) -> None:
        """Make the library ready to hold this dtype."""

    def from_numpy(self, array: np.ndarray[Any, Any], device: Device, dtype: DType) -> Array:
        """Bring a host array to a device; it may share memory."""
        return self.xp.asarray(array, device=device, dtype=dtype)

    def to_numpy(self, array: Array) -> np.ndarray[Any, Any]:
        """Bring an array to the host; it may share memory."""
        return np.asarray(array)

    def refusal(self, array: Array, name: str) -> str | None:
        """Say why an array is refused, and what to do; None for one that computes as such.

        It is asked once for each type, and then where :meth:`are_plain` says no.

        Parameters
        ----------
        array : array
            Of this library.
        name : str
            What the user calls it.
        """
        return None

    def are_plain(self, first: Array, *others: Array) -> bool:
        """Whether arrays of one type and one float dtype need no look before an op computes.

        So it is if they are on one device, and :meth:`refusal` and :meth:`plain` would let pass
        each of them as it is. It is asked before every small op, and is to be fast.
        """
        for other in others:  # noqa: SIM110 - all() of a generator takes longer
            if not same_device(first, other):
                return False
        return True

    def plain(self, array: Array) -> Array:
        """Return an array's values alone: without a history, and in the machine's byte order.

        It shares memory where it can, and is the array itself if that is plain.
        """
        return self.detached(array)

    def detached(self, array: Array) -> Array:
        """Return the same memory without the history of its values, if the library keeps one.

        So a parameter is read and written whether or not it takes part in somebody's graph.
        """
        return array

    def is_readable(self, array: Array) -> bool:
        """Whether the host can look at the values without waiting for a device or a trace."""
        return False

    def is_writable(self, array: Array) -> bool:
        """Whether values can be written into the array, as by ``array[...] = values``.

        Where they cannot, or nobody knows, an optimizer binds a new array to a parameter's name.
        """
        return False

    def synchronize(self, *arrays: Array) -> None:
        """Wait until the arrays are computed; there is at least one."""

    def move(self, array: Array, device: Device, dtype: DType) -> Array:
        """Copy an array of this library to another device or dtype; as it is if nothing changes."""
        self.prepare(dtype)
        dtype = find_dtype(self.xp, dtype)
        if dtype_name(array.dtype) != dtype_name(dtype):
            array = self.xp.astype(array, dtype)
        return self._to_device(array, device)

    def _to_device(self, array: Array, device: Device) -> Array:
        return array if array.device == device else array.to_device(device)
