"""The affine map and its gradients."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from xpnet import ops
from xpnet.kernels.blas import gemm_batch_of, gemm_of
from xpnet.kernels.numba import elementwise, products
from xpnet.kernels.numba.team import PASS, SMALL, Kernel, divide
from xpnet.kernels.numpy import affine as on_numpy
from xpnet.kernels.parts import parts_of_backward, parts_of_forward
from xpnet.kernels.tape import call
from xpnet.ops.fused import affine_relu

__all__: list[str] = []

_Host: TypeAlias = np.ndarray[Any, Any]


def _multiply_and(
    follow: Kernel,
    at_once: Kernel,
    in_parts: Kernel,
    x: _Host,
    W: _Host,
    b: _Host,
    y: _Host,
) -> None:
    parts = parts_of_forward(x, W)
    if parts is not None and parts.are_sums:
        sums = np.empty((parts.size, *y.shape), y.dtype)
        call(in_parts, gemm_batch_of(W.dtype), parts.plan, x, W, b, sums, y)
    elif parts is None and _is_for_compiled_code(x, y):
        call(at_once, gemm_of(W.dtype), x, W, b, y)
    else:
        on_numpy.multiply_and(partial(divide, follow, PASS), x, W, b, y)


def _multiply_back(
    otherwise: Callable[..., None],
    at_once: Kernel,
    in_parts: Kernel,
    dout: _Host,
    x: _Host,
    *arrays: _Host,
) -> None:
    for_dx, for_dW = parts_of_backward(dout, x)
    row_of_ones = on_numpy.ones(len(dout), dout.dtype)[None]
    matrices = row_of_ones, dout, x, *arrays[:-1], arrays[-1][None]
    if for_dx is not None and for_dW is not None:
        blas = gemm_of(x.dtype), gemm_batch_of(x.dtype)
        call(in_parts, *blas, (for_dx.plan, for_dW.plan), *matrices)
    elif _is_for_compiled_code(x, dout):
        call(at_once, gemm_of(x.dtype), *matrices)
    else:
        otherwise(dout, x, *arrays)


def _is_for_compiled_code(x: _Host, outputs: _Host) -> bool:
    """Whether a bias is added by one thread, and BLAS can be called there."""
    if not 0 < outputs.size <= SMALL or not x.flags.c_contiguous:
        return False
    return gemm_of(outputs.dtype) is not None


_with_bias = partial(_multiply_and, elementwise.bias, products.affine, products.affine_in_parts)
_with_bias_and_relu = partial(
    _multiply_and, elementwise.bias_relu, products.affine_relu, products.affine_relu_in_parts
)
_for_all = partial(
    _multiply_back, on_numpy.multiply_for_all, products.gradients, products.gradients_in_parts
)
_for_params = partial(
    _multiply_back,
    on_numpy.multiply_for_params,
    products.param_gradients,
    products.param_gradients_in_parts,
)


@ops.affine.kernel("numba", checks_itself=True)
def _affine(x: _Host, W: _Host, b: _Host) -> _Host | None:
    return on_numpy.affine(_with_bias, x, W, b)


@affine_relu.kernel("numba", checks_itself=True)
def _affine_relu(x: _Host, W: _Host, b: _Host) -> _Host | None:
    return on_numpy.affine(_with_bias_and_relu, x, W, b)


@ops.affine_backward.kernel("numba", checks_itself=True)
def _affine_backward(dout: _Host, x: _Host, W: _Host, b: _Host | None = None) -> Any:
    return on_numpy.gradients(_for_all, dout, x, W, b)


@ops.affine_param_gradients.kernel("numba", checks_itself=True)
def _affine_param_gradients(dout: _Host, x: _Host, W: _Host, b: _Host | None = None) -> Any:
    return on_numpy.param_gradients(_for_params, dout, x, W, b)
