"""Kernels that need nothing but NumPy: results are written in place, by blocks that fit a cache.

NumPy's own overhead is what there is to save: a fresh array for every intermediate result costs
page faults, and one that is larger than the cache is written to memory and read again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xpnet.kernels.numpy import (
    activations,
    affine,
    cross_entropy,
    dropout,
    optimizers,
    softmax,
)

__all__ = ["CHECKS_ITSELF", "KERNELS"]

CHECKS_ITSELF = True

KERNELS: dict[str, Callable[..., Any]] = {
    **activations.KERNELS,
    **affine.KERNELS,
    **cross_entropy.KERNELS,
    **dropout.KERNELS,
    **optimizers.KERNELS,
    **softmax.KERNELS,
}
