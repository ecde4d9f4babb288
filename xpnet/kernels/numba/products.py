"""The affine map and its gradients: products by BLAS, and what is around them, in one call."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from xpnet.kernels.blas import AS_IT_IS, BY_ROWS, TRANSPOSED
from xpnet.kernels.numba.elementwise import bias, bias_relu
from xpnet.kernels.numba.intrinsics import call_address
from xpnet.kernels.numba.pieces import alone

__all__ = ["affine", "affine_relu", "gradients", "param_gradients"]

# All take the address of a gemm with integers of 64 bits, and contiguous matrices with entries.
_compiled = njit(cache=True, nogil=True, error_model="numpy")


@_compiled
def _multiply(gemm: int, a: Any, b: Any, product: Any, a_is: int, b_is: int) -> None:
    """Write ``a @ b`` to ``product``, of which each factor is taken as it is or transposed."""
    rows, columns = product.shape
    inner = a.shape[0] if a_is == TRANSPOSED else a.shape[1]
    zero, one = a.dtype.type(0), a.dtype.type(1)
    layout = np.int32(BY_ROWS), np.int32(a_is), np.int32(b_is)
    sizes = rows, columns, inner
    left = a.ctypes.data, a.shape[1]
    right = b.ctypes.data, b.shape[1]
    call_address(gemm, (*layout, *sizes, one, *left, *right, zero, product.ctypes.data, columns))


@_compiled
def affine(gemm: int, x: Any, W: Any, b: Any, y: Any) -> None:
    _multiply(gemm, x, W, y, AS_IT_IS, AS_IT_IS)
    bias(alone(y.shape[0]), y, b)


@_compiled
def affine_relu(gemm: int, x: Any, W: Any, b: Any, y: Any) -> None:
    _multiply(gemm, x, W, y, AS_IT_IS, AS_IT_IS)
    bias_relu(alone(y.shape[0]), y, b)


@_compiled
def param_gradients(gemm: int, ones: Any, dout: Any, x: Any, dW: Any, db: Any) -> None:
    """Write ``dW``, and ``db`` of shape (1, M); the ones have shape (1, N)."""
    _multiply(gemm, x, dout, dW, TRANSPOSED, AS_IT_IS)
    _multiply(gemm, ones, dout, db, AS_IT_IS, AS_IT_IS)


@_compiled
def gradients(gemm: int, ones: Any, dout: Any, x: Any, W: Any, dx: Any, dW: Any, db: Any) -> None:
    """Write ``dx``, and the others as :func:`param_gradients`."""
    _multiply(gemm, dout, W, dx, AS_IT_IS, TRANSPOSED)
    param_gradients(gemm, ones, dout, x, dW, db)
