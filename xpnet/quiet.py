"""Silence where NumPy alone would warn that inf or NaN came out as documented."""

from __future__ import annotations

import numpy as np

__all__ = ["quiet"]

quiet = np.errstate(divide="ignore", invalid="ignore", over="ignore")
"""A decorator: the other libraries never warn, and warnings that are errors would stop NumPy."""
