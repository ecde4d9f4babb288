"""Traps for what would stop a GPU: reading values, and shapes that depend on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import NoReturn
from unittest.mock import patch

from xpnet._typing import Array
from xpnet.errors import XpnetError

__all__ = ["HostSyncError", "no_host_sync"]

_READS = ("__bool__", "__float__", "__int__", "__index__", "__complex__")


class HostSyncError(XpnetError, RuntimeError):
    """Code asked an array for its value, for which a GPU would have to be waited for."""


@contextmanager
def no_host_sync() -> Iterator[None]:
    """Make implicit reads of array-api-strict's arrays raise, as an imagined GPU would.

    ``float(x)``, ``bool(x)``, ``if x:`` and their like raise ``HostSyncError``. So do
    ``x[mask]``, ``nonzero`` and ``unique_*``, whose result's shape depends on values. Conversion
    to NumPy needs no trap: on a device other than the CPU the library itself refuses it.

    Examples
    --------
    >>> import array_api_strict as xp
    >>> with no_host_sync():
    ...     float(xp.ones(1)[0])
    Traceback (most recent call last):
    ...
    xpnet.testing.traps.HostSyncError: __float__ reads an array's value on the host
    """
    import array_api_strict

    array_type = type(array_api_strict.empty(0))
    traps = {name: _trap(name) for name in _READS if hasattr(array_type, name)}
    flags = array_api_strict.ArrayAPIStrictFlags(
        boolean_indexing=False, data_dependent_shapes=False
    )
    with flags, ExitStack() as stack:
        for name, trap in traps.items():
            stack.enter_context(patch.object(array_type, name, trap))
        yield


def _trap(name: str) -> Callable[[Array], NoReturn]:
    def trap(_array: Array) -> NoReturn:
        msg = f"{name} reads an array's value on the host"
        raise HostSyncError(msg)

    return trap
