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
from xpnet.kernels.blas import gemm_of
from xpnet.kernels.numba import elementwise, products
from xpnet.kernels.numba.team import PASS, SMALL, Kernel, divide
from xpnet.kernels.tape import call

__all__ = ["KERNELS"]

_Host: TypeAlias = np.ndarray[Any, Any]


def _gemm_for(rows: _Host) -> int | None:
    """Return the address of a product that is worth calling from compiled code."""
    return gemm_of(rows.dtype) if 0 < rows.size <= SMALL else None


def _multiply_and(few: Kernel, follow: Kernel, x: _Host, W: _Host, b: _Host, y: _Host) -> None:
    gemm = _gemm_for(y)
    if gemm is None:
        multiply_and(partial(divide, follow, PASS), x, W, b, y)
    else:
        call(few, gemm, x, W, b, y)


def _multiply_for_params(dout: _Host, x: _Host, dW: _Host, db: _Host) -> None:
    gemm = _gemm_for(dout)
    if gemm is None:
        multiply_for_params(dout, x, dW, db)
    else:
        row_of_ones = ones(len(dout), dout.dtype)[None]
        call(products.param_gradients, gemm, row_of_ones, dout, x, dW, db[None])


def _multiply_for_all(dout: _Host, x: _Host, W: _Host, dx: _Host, dW: _Host, db: _Host) -> None:
    gemm = _gemm_for(dout)
    if gemm is None:
        multiply_for_all(dout, x, W, dx, dW, db)
    else:
        row_of_ones = ones(len(dout), dout.dtype)[None]
        call(products.gradients, gemm, row_of_ones, dout, x, W, dx, dW, db[None])


KERNELS: dict[str, Callable[..., Any]] = {
    "affine": partial(affine, partial(_multiply_and, products.affine, elementwise.bias)),
    "affine_backward": partial(gradients, _multiply_for_all),
    "affine_param_gradients": partial(param_gradients, _multiply_for_params),
    "affine_relu": partial(
        affine, partial(_multiply_and, products.affine_relu, elementwise.bias_relu)
    ),
}
