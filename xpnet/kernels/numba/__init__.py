"""Kernels that numba compiles: each op in one pass over memory, by vectors, on all processors.

They take contiguous NumPy arrays of 32- and 64-bit floats. Compiled code is kept on disk.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

try:
    import numba  # noqa: F401
except ImportError as error:
    msg = 'numba is not installed; install it with: pip install "xpnet[numba]"'
    raise ImportError(msg) from error

from xpnet.kernels.numba import (
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
