"""The affine map and its gradients.

A kernel calls one of the first three functions with another that computes; numba has others.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, TypeAlias

import numpy as np

from xpnet import ops
from xpnet.kernels.arguments import are_affine, are_backward, as_rows, compact, has_another_layout
from xpnet.kernels.parts import Multiplier, Parts, parts_of_backward, parts_of_forward
from xpnet.kernels.tape import call
from xpnet.quiet import quiet

__all__ = [
    "affine",
    "gradients",
    "multiply_and",
    "multiply_for_all",
    "multiply_for_params",
    "ones",
    "param_gradients",
]

_Host: TypeAlias = np.ndarray[Any, Any]


def affine(compute: Callable[..., None], x: Any, W: _Host, b: _Host) -> _Host | None:
    """Return what a function of x, W, b and y writes to y, all but b of two axes."""
    if not are_affine(x, W, b):
        x = _laid_out(lambda like_x: are_affine(like_x, W, b), x)
        if x is None:
            return None
    y = np.empty(x.shape[:-1] + b.shape, x.dtype)
    compute(as_rows(x), W, b, as_rows(y))
    return y


def _laid_out(suits: Callable[[_Host], bool], x: Any) -> Any:
    """Return an input in a layout that BLAS takes, or a copy of it that changes with it.

    None if its layout is not why no kernel takes it.
    """
    if not has_another_layout(x) or not suits(np.empty(x.shape, x.dtype)):
        return None
    return x if _is_for_blas(x) else compact(x)


def _is_for_blas(x: _Host) -> bool:
    """Whether BLAS takes a matrix as it is: with gaps between rows, or by columns."""
    if x.ndim != 2 or not x.flags.aligned:
        return False
    (rows, columns), size = x.shape, x.itemsize
    between_rows, between_columns = x.strides
    by_rows = between_columns == size and between_rows >= columns * size
    by_columns = between_rows == size and between_columns >= rows * size
    return (by_rows and between_rows % size == 0) or (by_columns and between_columns % size == 0)


@quiet
def multiply_and(follow: Callable[..., None], x: _Host, W: _Host, b: _Host, y: _Host) -> None:
    """Write ``x @ W`` to ``y``, and let a function add the bias to its rows, and do more."""
    parts = parts_of_forward(x, W)
    if parts is not None and parts.are_sums:
        sums = np.empty((parts.size, *y.shape), y.dtype)
        call(Multiplier(parts, y.dtype), x, W, sums)
        call(_add_up, sums, y)
    else:
        # dot takes less time around a small product, but copies rows with gaps between them.
        _multiply(parts, np.dot if x.flags.forc else np.matmul, x, W, y)
    follow(y, b)


def _multiply(
    parts: Parts | None, whole: Callable[..., Any], a: _Host, b: _Host, product: _Host
) -> None:
    call(whole if parts is None else Multiplier(parts, product.dtype), a, b, product)


def _add_up(sums: _Host, y: _Host) -> None:
    np.add(sums[0], sums[1], y)
    for matrix in sums[2:]:
        np.add(y, matrix, y)


def param_gradients(
    compute: Callable[..., None], dout: _Host, x: Any, W: _Host, b: _Host | None
) -> tuple[_Host, _Host] | None:
    """Return what a function of dout, x, dW and db writes to the last two."""
    if b is not None and b.dtype is not W.dtype:
        return None
    if not are_backward(dout, x, W):
        x = _laid_out(lambda like_x: are_backward(dout, like_x, W), x)
        if x is None:
            return None
    dW, db = np.empty(W.shape, W.dtype), np.empty(W.shape[1], W.dtype)
    compute(as_rows(dout), as_rows(x), dW, db)
    return dW, db


def gradients(
    compute: Callable[..., None], dout: _Host, x: Any, W: _Host, b: _Host | None
) -> tuple[_Host, _Host, _Host] | None:
    """Return what a function of dout, x, W, dx, dW and db writes to the last three."""
    if b is not None and b.dtype is not W.dtype:
        return None
    if not are_backward(dout, x, W):
        x = _laid_out(lambda like_x: are_backward(dout, like_x, W), x)
        if x is None:
            return None
    dx, dW, db = (np.empty(of.shape, of.dtype) for of in (x, W, W[0]))
    compute(as_rows(dout), as_rows(x), W, as_rows(dx), dW, db)
    return dx, dW, db


@quiet
def multiply_for_params(dout: _Host, x: _Host, dW: _Host, db: _Host) -> None:
    """Write the gradients of the parameters."""
    _, parts = parts_of_backward(dout, x)
    _multiply_for_params(parts, dout, x, dW, db)


@quiet
def multiply_for_all(dout: _Host, x: _Host, W: _Host, dx: _Host, dW: _Host, db: _Host) -> None:
    """Write the gradients of the input and of the parameters."""
    parts_for_dx, parts_for_dW = parts_of_backward(dout, x)
    _multiply(parts_for_dx, _dot_with_transposed, dout, W, dx)
    _multiply_for_params(parts_for_dW, dout, x, dW, db)


def _multiply_for_params(parts: Parts | None, dout: _Host, x: _Host, dW: _Host, db: _Host) -> None:
    whole = _dot_of_transposed if x.flags.forc else _matmul_of_transposed
    _multiply(parts, whole, x, dout, dW)
    call(np.dot, ones(len(dout), dout.dtype), dout, db)


def _dot_with_transposed(dout: _Host, W: _Host, dx: _Host) -> None:
    np.dot(dout, W.T, dx)


def _dot_of_transposed(x: _Host, dout: _Host, dW: _Host) -> None:
    np.dot(x.T, dout, dW)


def _matmul_of_transposed(x: _Host, dout: _Host, dW: _Host) -> None:
    np.matmul(x.T, dout, dW)


@lru_cache(maxsize=32)
def ones(length: int, dtype: np.dtype[Any]) -> _Host:
    """Return ones for a sum by matrix product, which takes a sixth of the time of ``sum``."""
    result = np.ones(length, dtype)
    result.flags.writeable = False
    return result


def _add(y: _Host, b: _Host) -> None:
    np.add(y, b, y)


_multiply_and_add = partial(multiply_and, partial(call, _add))


@ops.affine.kernel("numpy", checks_itself=True)
def _affine(x: _Host, W: _Host, b: _Host) -> _Host | None:
    return affine(_multiply_and_add, x, W, b)


@ops.affine_backward.kernel("numpy", checks_itself=True)
def _affine_backward(dout: _Host, x: _Host, W: _Host, b: _Host | None = None) -> Any:
    return gradients(multiply_for_all, dout, x, W, b)


@ops.affine_param_gradients.kernel("numpy", checks_itself=True)
def _affine_param_gradients(dout: _Host, x: _Host, W: _Host, b: _Host | None = None) -> Any:
    return param_gradients(multiply_for_params, dout, x, W, b)
