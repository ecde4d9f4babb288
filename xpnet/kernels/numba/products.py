"""The affine map and its gradients: products by BLAS, and what is around them, in one call."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet.kernels.blas import AS_IT_IS, BY_ROWS, TRANSPOSED
from xpnet.kernels.numba.elementwise import bias, bias_relu
from xpnet.kernels.numba.intrinsics import call_address
from xpnet.kernels.numba.kept import kept
from xpnet.kernels.numba.pieces import alone

__all__ = [
    "affine",
    "affine_in_parts",
    "affine_relu",
    "affine_relu_in_parts",
    "gradients",
    "gradients_in_parts",
    "param_gradients",
    "param_gradients_in_parts",
]

# All take addresses of gemm or gemm_batch, with integers of 64 bits, plans of xpnet.kernels.parts
# for the latter (of backward two, for dx and dW), and contiguous matrices with entries. A gradient
# of b has shape (1, M); the ones that it is a product with have (1, N).
_compiled = kept(nogil=True, error_model="numpy")


@_compiled
def _multiply(gemm: int, a: Any, b: Any, product: Any, a_is: int, b_is: int) -> None:
    """Write ``a @ b`` to ``product``, of which each factor is taken as it is or transposed."""
    zero, one = a.dtype.type(0), a.dtype.type(1)
    terms = a.shape[0] if a_is == TRANSPOSED else a.shape[1]
    layout = np.int32(BY_ROWS), np.int32(a_is), np.int32(b_is)
    sizes = product.shape[0], product.shape[1], terms
    left, right = (a.ctypes.data, a.shape[1]), (b.ctypes.data, b.shape[1])
    result = product.ctypes.data, product.shape[1]
    call_address(gemm, (*layout, *sizes, one, *left, *right, zero, *result))


@_compiled
def _multiply_in_parts(gemm_batch: int, plan: Any, a: Any, b: Any, product: Any) -> None:
    """Write the product to ``product``, or to each of its matrices a sum of some terms."""
    arguments, offsets = plan
    addresses = np.empty(offsets.shape, np.int64)
    for part in range(offsets.shape[1]):
        addresses[0, part] = a.ctypes.data + offsets[0, part]
        addresses[1, part] = b.ctypes.data + offsets[1, part]
        addresses[2, part] = product.ctypes.data + offsets[2, part]
    _call_gemm_batch(gemm_batch, arguments, addresses)


@_compiled
def _call_gemm_batch(gemm_batch: int, arguments: Any, addresses: Any) -> None:
    # A function of its own, for the addresses must live until it returns. They go to POINTERS.
    call_address(
        gemm_batch,
        (
            np.int32(arguments[0]),
            *(arguments[1], arguments[2], arguments[3], arguments[4], arguments[5], arguments[6]),
            *(addresses[0].ctypes.data, arguments[8]),
            *(addresses[1].ctypes.data, arguments[10], arguments[11]),
            *(addresses[2].ctypes.data, arguments[13], arguments[14], arguments[15]),
        ),
    )


@_compiled
def affine(gemm: int, x: Any, W: Any, b: Any, y: Any) -> None:
    _multiply(gemm, x, W, y, AS_IT_IS, AS_IT_IS)
    bias(alone(y.shape[0]), y, b)


@_compiled
def affine_relu(gemm: int, x: Any, W: Any, b: Any, y: Any) -> None:
    _multiply(gemm, x, W, y, AS_IT_IS, AS_IT_IS)
    bias_relu(alone(y.shape[0]), y, b)


@_compiled
def _add_up(sums: Any, y: Any) -> None:
    total, first = y.reshape(-1), sums[0].reshape(-1)
    for i in range(total.shape[0]):
        total[i] = first[i]
    for part in range(1, sums.shape[0]):
        addend = sums[part].reshape(-1)
        for i in range(total.shape[0]):
            total[i] += addend[i]


@_compiled
def affine_in_parts(gemm_batch: int, plan: Any, x: Any, W: Any, b: Any, sums: Any, y: Any) -> None:
    """Do what :func:`affine` does, with one matrix of sums for each part, like ``y``."""
    _multiply_in_parts(gemm_batch, plan, x, W, sums)
    _add_up(sums, y)
    bias(alone(y.shape[0]), y, b)


@_compiled
def affine_relu_in_parts(
    gemm_batch: int, plan: Any, x: Any, W: Any, b: Any, sums: Any, y: Any
) -> None:
    _multiply_in_parts(gemm_batch, plan, x, W, sums)
    _add_up(sums, y)
    bias_relu(alone(y.shape[0]), y, b)


@_compiled
def param_gradients(gemm: int, ones: Any, dout: Any, x: Any, dW: Any, db: Any) -> None:
    _multiply(gemm, x, dout, dW, TRANSPOSED, AS_IT_IS)
    _multiply(gemm, ones, dout, db, AS_IT_IS, AS_IT_IS)


@_compiled
def gradients(gemm: int, ones: Any, dout: Any, x: Any, W: Any, dx: Any, dW: Any, db: Any) -> None:
    _multiply(gemm, dout, W, dx, AS_IT_IS, TRANSPOSED)
    param_gradients(gemm, ones, dout, x, dW, db)


@_compiled
def param_gradients_in_parts(
    gemm: int, gemm_batch: int, plans: Any, ones: Any, dout: Any, x: Any, dW: Any, db: Any
) -> None:
    _multiply_in_parts(gemm_batch, plans[1], x, dout, dW)
    _multiply(gemm, ones, dout, db, AS_IT_IS, AS_IT_IS)


@_compiled
def gradients_in_parts(
    gemm: int,
    gemm_batch: int,
    plans: Any,
    ones: Any,
    dout: Any,
    x: Any,
    W: Any,
    dx: Any,
    dW: Any,
    db: Any,
) -> None:
    _multiply_in_parts(gemm_batch, plans[0], dout, W, dx)
    param_gradients_in_parts(gemm, gemm_batch, plans, ones, dout, x, dW, db)
