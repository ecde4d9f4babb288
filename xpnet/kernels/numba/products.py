"""The affine map and its gradients: products by BLAS, and what is around them, in one call.

BLAS divides a large product among its threads in its own way, and they wait for each other. In
parts, each has the same rows of the weights in forward, in both products of backward, and in the
update: they stay in its processor's cache, and it waits for nobody.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from xpnet.kernels.blas import AS_IT_IS, BY_ROWS, TRANSPOSED
from xpnet.kernels.numba.elementwise import bias, bias_relu
from xpnet.kernels.numba.intrinsics import call_address
from xpnet.kernels.numba.pieces import alone

__all__ = [
    "affine",
    "affine_in_parts",
    "affine_relu",
    "affine_relu_in_parts",
    "gradients",
    "gradients_in_parts",
    "multiply_samples_in_parts",
    "param_gradients",
    "param_gradients_in_parts",
]

# All take the address of a gemm or gemm_batch with integers of 64 bits, and contiguous matrices
# with entries. A gradient of b has shape (1, M); the ones that it is a product with have (1, N).
_compiled = njit(cache=True, nogil=True, error_model="numpy")

# What is divided in a product: its rows, its columns, or the terms of its sums.
_ROWS, _COLUMNS, _TERMS = 0, 1, 2


@_compiled
def _sizes(a: Any, b: Any, a_is: int, b_is: int) -> tuple[int, int, int]:
    """Return how many rows, columns and terms the product of two matrices has."""
    rows, terms = (a.shape[1], a.shape[0]) if a_is == TRANSPOSED else (a.shape[0], a.shape[1])
    return rows, b.shape[0] if b_is == TRANSPOSED else b.shape[1], terms


@_compiled
def _multiply(gemm: int, a: Any, b: Any, product: Any, a_is: int, b_is: int) -> None:
    """Write ``a @ b`` to ``product``, of which each factor is taken as it is or transposed."""
    zero, one = a.dtype.type(0), a.dtype.type(1)
    layout = np.int32(BY_ROWS), np.int32(a_is), np.int32(b_is)
    left, right = (a.ctypes.data, a.shape[1]), (b.ctypes.data, b.shape[1])
    result = product.ctypes.data, product.shape[1]
    call_address(gemm, (*layout, *_sizes(a, b, a_is, b_is), one, *left, *right, zero, *result))


@_compiled
def _multiply_in_parts(
    gemm_batch: int, parts: int, divided: int, a: Any, b: Any, product: Any, a_is: int, b_is: int
) -> None:
    """Do so in parts; those of sums go to matrices of their own, which are to be added up."""
    rows, columns, _ = lengths = _sizes(a, b, a_is, b_is)
    # How many bytes lie in each array between one row, one column, one term and the next.
    in_a = (
        (a.strides[1], 0, a.strides[0]) if a_is == TRANSPOSED else (a.strides[0], 0, a.strides[1])
    )
    in_b = (
        (0, b.strides[0], b.strides[1]) if b_is == TRANSPOSED else (0, b.strides[1], b.strides[0])
    )
    in_product = columns * a.itemsize, a.itemsize, 0
    layouts, sizes = np.empty((2, parts), np.int32), np.empty((3, parts), np.int64)
    pointers, widths = np.empty((3, parts), np.int64), np.empty((3, parts), np.int64)
    factors, groups = np.empty((2, parts), a.dtype), np.ones(parts, np.int64)
    for part in range(parts):
        start = lengths[divided] * part // parts
        stop = lengths[divided] * (part + 1) // parts
        matrix = part * rows * columns * a.itemsize if divided == _TERMS else 0
        layouts[0, part], layouts[1, part] = a_is, b_is
        sizes[0, part], sizes[1, part], sizes[2, part] = lengths
        sizes[divided, part] = stop - start
        pointers[0, part] = a.ctypes.data + start * in_a[divided]
        pointers[1, part] = b.ctypes.data + start * in_b[divided]
        pointers[2, part] = product.ctypes.data + start * in_product[divided] + matrix
        widths[0, part], widths[1, part], widths[2, part] = a.shape[1], b.shape[1], columns
        factors[0, part], factors[1, part] = 1, 0
    _call_gemm_batch(gemm_batch, layouts, sizes, pointers, widths, factors, groups)


@_compiled
def _call_gemm_batch(
    gemm_batch: int,
    layouts: Any,
    sizes: Any,
    pointers: Any,
    widths: Any,
    factors: Any,
    groups: Any,
) -> None:
    # A function of its own, for the arrays must live until it returns.
    arguments = (
        np.int32(BY_ROWS),
        *(layouts[0].ctypes.data, layouts[1].ctypes.data),
        *(sizes[0].ctypes.data, sizes[1].ctypes.data, sizes[2].ctypes.data),
        factors[0].ctypes.data,
        *(pointers[0].ctypes.data, widths[0].ctypes.data),
        *(pointers[1].ctypes.data, widths[1].ctypes.data),
        factors[1].ctypes.data,
        *(pointers[2].ctypes.data, widths[2].ctypes.data),
        *(groups.shape[0], groups.ctypes.data),
    )
    call_address(gemm_batch, arguments)


@_compiled
def affine(gemm: int, x: Any, W: Any, b: Any, y: Any) -> None:
    _multiply(gemm, x, W, y, AS_IT_IS, AS_IT_IS)
    bias(alone(y.shape[0]), y, b)


@_compiled
def affine_relu(gemm: int, x: Any, W: Any, b: Any, y: Any) -> None:
    _multiply(gemm, x, W, y, AS_IT_IS, AS_IT_IS)
    bias_relu(alone(y.shape[0]), y, b)


@_compiled
def _multiply_terms_in_parts(gemm_batch: int, x: Any, W: Any, sums: Any, y: Any) -> None:
    _multiply_in_parts(gemm_batch, sums.shape[0], _TERMS, x, W, sums, AS_IT_IS, AS_IT_IS)
    total, first = y.reshape(-1), sums[0].reshape(-1)
    for i in range(total.shape[0]):
        total[i] = first[i]
    for part in range(1, sums.shape[0]):
        addend = sums[part].reshape(-1)
        for i in range(total.shape[0]):
            total[i] += addend[i]


@_compiled
def affine_in_parts(gemm_batch: int, x: Any, W: Any, b: Any, sums: Any, y: Any) -> None:
    """Do what :func:`affine` does, with one matrix of sums for each thread, like ``y``."""
    _multiply_terms_in_parts(gemm_batch, x, W, sums, y)
    bias(alone(y.shape[0]), y, b)


@_compiled
def affine_relu_in_parts(gemm_batch: int, x: Any, W: Any, b: Any, sums: Any, y: Any) -> None:
    _multiply_terms_in_parts(gemm_batch, x, W, sums, y)
    bias_relu(alone(y.shape[0]), y, b)


@_compiled
def multiply_samples_in_parts(gemm_batch: int, parts: int, x: Any, W: Any, y: Any) -> None:
    """Write ``x @ W`` to ``y``, where the sums of many samples would be too much to add up."""
    _multiply_in_parts(gemm_batch, parts, _ROWS, x, W, y, AS_IT_IS, AS_IT_IS)


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
    gemm: int, gemm_batch: int, parts: int, ones: Any, dout: Any, x: Any, dW: Any, db: Any
) -> None:
    _multiply_in_parts(gemm_batch, parts, _ROWS, x, dout, dW, TRANSPOSED, AS_IT_IS)
    _multiply(gemm, ones, dout, db, AS_IT_IS, AS_IT_IS)


@_compiled
def gradients_in_parts(
    gemm: int,
    gemm_batch: int,
    parts: int,
    has_many_inputs: bool,
    ones: Any,
    dout: Any,
    x: Any,
    W: Any,
    dx: Any,
    dW: Any,
    db: Any,
) -> None:
    divided = _COLUMNS if has_many_inputs else _ROWS
    _multiply_in_parts(gemm_batch, parts, divided, dout, W, dx, AS_IT_IS, TRANSPOSED)
    param_gradients_in_parts(gemm, gemm_batch, parts, ones, dout, x, dW, db)
