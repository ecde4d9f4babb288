"""Kernels that numba compiles: each op in one pass over memory, by vectors, on all processors.

They take contiguous NumPy arrays of 32- and 64-bit floats. Compiled code is kept on disk.
"""

from __future__ import annotations

try:
    import numba
except ModuleNotFoundError as error:
    if error.name != "numba":
        raise
    msg = 'numba is not installed; install it with: pip install "xpnet[numba]"'
    raise ImportError(msg) from error

if numba.config.DISABLE_JIT:
    msg = "numba compiles nothing, for NUMBA_DISABLE_JIT is set"
    raise ImportError(msg)

from xpnet.kernels.numba import activations, affine, cross_entropy, dropout, optimizers, softmax
from xpnet.kernels.numba.kept import problems

__all__ = ["activations", "affine", "cross_entropy", "dropout", "optimizers", "problems", "softmax"]
