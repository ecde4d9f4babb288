"""Names for what no type checker can yet describe: arrays of any library."""

from __future__ import annotations

from typing import Any, TypeAlias

__all__ = ["Array", "DType", "Device", "Namespace", "Number"]

Array: TypeAlias = Any
"""An array of any library that follows the Python Array API standard."""

Namespace: TypeAlias = Any
"""A module of array functions, such as ``array_api_compat.numpy``."""

Device: TypeAlias = Any
DType: TypeAlias = Any
Number: TypeAlias = int | float
