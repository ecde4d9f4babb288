"""Ops that do two in turn, with one pass over memory less where a kernel has them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xpnet.ops.affine import affine, affine_relu
from xpnet.ops.activations import relu

__all__ = ["FUSED"]

FUSED: dict[tuple[Any, Any], Callable[..., Any]] = {(affine, relu): affine_relu}
"""By the two ops; each takes the arguments of the first, and returns the result of the second."""
