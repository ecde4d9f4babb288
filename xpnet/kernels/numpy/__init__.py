"""Kernels that need nothing but NumPy: results are written in place, by blocks that fit a cache.

NumPy's own overhead is what there is to save: a fresh array for every intermediate result costs
page faults, and one that is larger than the cache is written to memory and read again.
"""

from xpnet.kernels.numpy import (
    activations,
    affine,
    arithmetic,
    cross_entropy,
    dropout,
    optimizers,
    softmax,
)

__all__ = [
    "activations",
    "affine",
    "arithmetic",
    "cross_entropy",
    "dropout",
    "optimizers",
    "softmax",
]
