"""Dask: arrays in blocks, computed when somebody asks for their values."""

from __future__ import annotations

from xpnet._typing import Array, Device
from xpnet.backends.adapter import Adapter

__all__ = ["Dask"]


class Dask(Adapter):
    module = "array_api_compat.dask.array"
    install = 'pip install "dask[array]"'
    why_not_writable = "arrays of Dask are immutable"
    in_suites = False

    def find_device(self, device: Device | None) -> Device:
        # Its arrays have no device; array-api-compat calls it that.
        self.xp.empty(0, device=device)
        return "cpu"

    def _to_device(self, array: Array, device: Device) -> Array:
        return array
