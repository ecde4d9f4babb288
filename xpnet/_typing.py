"""Names for what no type checker can yet describe: arrays of any library."""

from __future__ import annotations

from typing import Any, TypeAlias

__all__ = ["Array", "DType", "Device", "Labels", "Namespace", "Number"]

Array: TypeAlias = Any
"""An array of any library that follows the Python Array API standard."""

Namespace: TypeAlias = Any
"""A module of array functions, such as ``array_api_compat.numpy``."""

Labels: TypeAlias = Any
"""An array of class indices, of rows of probabilities, or of whatever else a loss aims at."""

Device: TypeAlias = Any
DType: TypeAlias = Any
Number: TypeAlias = int | float
