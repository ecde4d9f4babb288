"""The affine map and its gradients."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from xpnet.kernels.affine import (
    affine,
    gradients,
    multiply_and,
    multiply_for_all,
    multiply_for_params,
    ones,
    param_gradients,
)
from xpnet.kernels.blas import blas_thread_count, gemm_batch_of, gemm_of
from xpnet.kernels.numba import elementwise, products
from xpnet.kernels.numba.team import PASS, SMALL, Kernel, divide
from xpnet.kernels.tape import call

__all__ = ["KERNELS"]

_Host: TypeAlias = np.ndarray[Any, Any]

# Multiplications of a part. For up to a million, OpenBLAS 0.3.31 jumps to an address that is none.
_LEAST_WORK = 1_500_000
# Thinner parts take longer than what BLAS makes of the whole.
_LEAST_SAMPLES, _LEAST_INPUTS = 16, 32
# With more threads than there were to measure with, BLAS is left to itself.
_MOST_THREADS = 4


def _multiply_and(
    follow: Kernel,
    at_once: Kernel,
    in_parts: Kernel,
    x: _Host,
    W: _Host,
    b: _Host,
    y: _Host,
) -> None:
    parts = _part_count(len(x), W)
    if parts > 1 and _has_many_inputs(x):
        call(in_parts, gemm_batch_of(W.dtype), x, W, b, np.empty((parts, *y.shape), y.dtype), y)
    elif parts > 1:
        call(products.multiply_samples_in_parts, gemm_batch_of(W.dtype), parts, x, W, y)
        divide(follow, PASS, y, b)
    elif _is_for_compiled_code(y):
        call(at_once, gemm_of(W.dtype), x, W, b, y)
    else:
        multiply_and(partial(divide, follow, PASS), x, W, b, y)


def _multiply_for_params(dout: _Host, x: _Host, dW: _Host, db: _Host) -> None:
    parts, gemm = _part_count(len(x), dW), gemm_of(dW.dtype)
    if parts > 1:
        blas = gemm, gemm_batch_of(dW.dtype), parts
        call(products.param_gradients_in_parts, *blas, _row_of_ones(dout), dout, x, dW, db[None])
    elif _is_for_compiled_code(dout):
        call(products.param_gradients, gemm, _row_of_ones(dout), dout, x, dW, db[None])
    else:
        multiply_for_params(dout, x, dW, db)


def _multiply_for_all(dout: _Host, x: _Host, W: _Host, dx: _Host, dW: _Host, db: _Host) -> None:
    parts, gemm = _part_count(len(x), W), gemm_of(W.dtype)
    if parts > 1:
        blas = gemm, gemm_batch_of(W.dtype), parts, _has_many_inputs(x)
        call(products.gradients_in_parts, *blas, _row_of_ones(dout), dout, x, W, dx, dW, db[None])
    elif _is_for_compiled_code(dout):
        call(products.gradients, gemm, _row_of_ones(dout), dout, x, W, dx, dW, db[None])
    else:
        multiply_for_all(dout, x, W, dx, dW, db)


def _has_many_inputs(x: _Host) -> bool:
    """Whether rows of the weights are divided in all products; else samples, where they can be."""
    samples, inputs = x.shape
    return bool(inputs >= 4 * samples)


def _row_of_ones(dout: _Host) -> _Host:
    return ones(len(dout), dout.dtype)[None]


def _is_for_compiled_code(outputs: _Host) -> bool:
    """Whether a bias is added by one thread, and BLAS can be called there."""
    return 0 < outputs.size <= SMALL and gemm_of(outputs.dtype) is not None


def _part_count(samples: int, W: _Host) -> int:
    """Return in how many parts a product with weights should be computed; 1 leaves it to BLAS."""
    work = samples * W.size
    if work < 2 * _LEAST_WORK or samples < _LEAST_SAMPLES or len(W) < _LEAST_INPUTS:
        return 1
    threads = blas_thread_count()
    if threads > _MOST_THREADS or work < threads * _LEAST_WORK or not gemm_batch_of(W.dtype):
        return 1
    return threads


_WITH_BIAS = elementwise.bias, products.affine, products.affine_in_parts
_WITH_BIAS_AND_RELU = elementwise.bias_relu, products.affine_relu, products.affine_relu_in_parts

KERNELS: dict[str, Callable[..., Any]] = {
    "affine": partial(affine, partial(_multiply_and, *_WITH_BIAS)),
    "affine_backward": partial(gradients, _multiply_for_all),
    "affine_param_gradients": partial(param_gradients, _multiply_for_params),
    "affine_relu": partial(affine, partial(_multiply_and, *_WITH_BIAS_AND_RELU)),
}
