"""Kernels that need nothing but NumPy: results are written in place, by blocks that fit a cache.

NumPy's own overhead is what there is to save: a fresh array for every intermediate result costs
page faults, and one that is larger than the cache is written to memory and read again.
"""

from __future__ import annotations

import threading
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
from xpnet.kernels.arguments import are_alike, are_indices, are_scores, as_rows, fit
from xpnet.kernels.blas import add_scaled
from xpnet.kernels.tape import call
from xpnet.ops.labels import check_indices
from xpnet.quiet import quiet

__all__ = ["CHECKS_ITSELF", "KERNELS", "mean", "sgd_of_many"]

CHECKS_ITSELF = True

_Host: TypeAlias = np.ndarray[Any, Any]

# Bytes of one block: half of a core's second-level cache, so that two of them fit.
_BLOCK = 2**19

# Rows of so few scores are computed by columns, if there are as many of them.
_SHORT = 32

# Entries of a sum for which OpenBLAS takes no second thread.
_FEW = 10_000


_buffers = threading.local()


def _buffer(dtype: np.dtype[Any]) -> _Host:
    """Return a block of memory of this thread's."""
    of_dtype: dict[str, _Host] = _buffers.__dict__
    if dtype.char not in of_dtype:
        of_dtype[dtype.char] = np.empty(_BLOCK // dtype.itemsize, dtype)
    return of_dtype[dtype.char]


def _by_row_blocks(function: Callable[..., None]) -> Callable[..., None]:
    """Apply a function of arrays with the same rows to blocks of them that fit a cache."""

    def blockwise(*arrays: _Host) -> None:
        first = arrays[0]
        rows = max(1, _BLOCK // max(first.itemsize * first.shape[-1], 1))
        if rows >= first.shape[0]:
            function(*arrays)
            return
        for start in range(0, first.shape[0], rows):
            function(*(array[start : start + rows] for array in arrays))

    return blockwise


def _add(y: _Host, b: _Host) -> None:
    np.add(y, b, y)


def _relu(x: _Host, out: _Host | None) -> _Host | None:
    y = fit(out, x) if are_alike(x) else None
    if y is not None:
        call(_maximum_with_0, x, y)
    return y


def _maximum_with_0(x: _Host, y: _Host) -> None:
    np.maximum(x, 0, out=y)


@quiet
def _relu_backward(dout: _Host, y: _Host, out: _Host | None) -> _Host | None:
    dx = fit(out, dout, y) if are_alike(dout, y) else None
    if dx is None or dx is dout:
        return None
    call(_times_sign, as_rows(dout), as_rows(y), as_rows(dx))
    return dx


@_by_row_blocks
def _times_sign(dout: _Host, y: _Host, dx: _Host) -> None:
    np.sign(y, dx)
    np.multiply(dout, dx, dx)


@quiet
def _softmax(x: _Host, axis: int, out: _Host | None) -> _Host | None:
    if not are_scores(x, axis):
        return None
    y = fit(out, x)
    if y is not None:
        _softmax_of_rows(as_rows(x), as_rows(y))
    return y


def _softmax_of_rows(x: _Host, y: _Host) -> tuple[_Host, _Host]:
    """Return the largest score of each row, and the sum of its exponentials, of shape (N, 1)."""
    largest, sums = np.empty((2, len(x), 1), x.dtype)
    call(_by_columns if x.shape[1] <= _SHORT <= len(x) else _by_rows, x, y, largest, sums)
    return largest, sums


@_by_row_blocks
def _by_rows(x: _Host, y: _Host, largest: _Host, sums: _Host) -> None:
    np.maximum.reduce(x, axis=-1, keepdims=True, out=largest)
    np.subtract(x, largest, y)
    np.exp(y, y)
    np.dot(y, ones(y.shape[-1], y.dtype)[:, None], sums)
    np.divide(y, sums, y)


@_by_row_blocks
def _by_columns(x: _Host, y: _Host, largest: _Host, sums: _Host) -> None:
    # NumPy's inner loops are as long as the last axis: a few scores would cost a call each.
    columns = _buffer(x.dtype)[: x.size].reshape(x.shape[::-1])
    np.copyto(columns, x.T)
    np.maximum.reduce(columns, out=largest[:, 0])
    np.subtract(columns, largest[:, 0], columns)
    np.exp(columns, columns)
    np.add.reduce(columns, out=sums[:, 0])
    np.divide(columns, sums[:, 0], y.T)


@quiet
def _softmax_with_loss(x: _Host, t: _Host) -> tuple[_Host, _Host] | None:
    if not are_scores(x, -1) or not are_indices(t, x):
        return None
    loss, y = np.empty((), x.dtype), np.empty(x.shape, x.dtype)
    rows, scores = as_rows(x), np.empty((t.size, 1), x.dtype)
    call(check_indices, "SoftmaxWithLoss", t, x.shape[-1])
    call(_scores_at_labels, rows, _positions(rows, t), scores)
    largest, sums = _softmax_of_rows(rows, as_rows(y))
    call(_mean_loss, scores, largest, sums, loss)
    return loss, y


def _positions(rows: _Host, t: _Host) -> _Host:
    """Return where in the flat scores those at the labels are; the array changes with ``t``."""
    starts = np.arange(0, rows.size, rows.shape[-1])
    positions = np.empty(rows.shape[0], np.intp)
    call(_add_labels, starts, t, positions)
    return positions


def _add_labels(starts: _Host, t: _Host, positions: _Host) -> None:
    # Labels are of any integer dtype, and have been checked.
    np.add(starts, t.reshape(-1), positions, dtype=np.intp, casting="unsafe")


def _scores_at_labels(x: _Host, positions: _Host, scores: _Host) -> None:
    np.take(x, positions, None, scores[:, 0], "clip")


def _mean_loss(scores: _Host, largest: _Host, sums: _Host, loss: _Host) -> None:
    losses = np.log(sums, sums)
    np.subtract(scores, largest, scores)
    np.subtract(losses, scores, losses)
    mean(losses, loss)


def mean(losses: _Host, loss: _Host) -> None:
    loss[()] = np.add.reduce(losses, axis=None) / losses.size


@quiet
def _gradient_of_scores(y: _Host, t: _Host, dout: Any) -> _Host | None:
    if not are_scores(y, -1) or not are_indices(t, y) or not isinstance(dout, int | float):
        return None
    dx = np.empty(y.shape, y.dtype)
    at_label = np.empty(t.size, y.dtype)
    call(_scaled_difference, as_rows(y), _positions(as_rows(y), t), dout / t.size, at_label, dx)
    return dx


def _scaled_difference(
    y: _Host, positions: _Host, share: float, at_label: _Host, dx: _Host
) -> None:
    np.multiply(y, share, as_rows(dx))
    np.take(y, positions, None, at_label, "clip")
    at_label -= 1
    at_label *= share
    dx.reshape(-1)[positions] = at_label


def sgd_of_many(param: _Host, grad: _Host, *, lr: float) -> bool | None:
    """Change a parameter that is worth the threads of BLAS; return whether it is."""
    if param.size <= _FEW or not are_alike(param, grad) or not param.flags.writeable:
        return None
    add = add_scaled(-lr, grad, param)
    if add is None:
        return None
    call(add, grad, param)
    return True


@quiet
def _sgd(param: _Host, grad: _Host, *, lr: float) -> bool | None:
    if sgd_of_many(param, grad, lr=lr):
        return True
    if not are_alike(param, grad):
        return None
    if param.size <= _FEW:
        call(_subtract_scaled, param, grad, lr, np.empty_like(grad))
    else:
        call(_subtract_scaled_by_blocks, param.reshape(-1), grad.reshape(-1), lr)
    return True


def _subtract_scaled(param: _Host, grad: _Host, lr: float, step: _Host) -> None:
    np.multiply(grad, lr, step)
    np.subtract(param, step, param)


def _subtract_scaled_by_blocks(param: _Host, grad: _Host, lr: float) -> None:
    # Through a buffer that stays: a fresh large one would cost page faults.
    buffer = _buffer(param.dtype)
    size = buffer.size
    for start in range(0, param.size, size):
        part, slope = param[start : start + size], grad[start : start + size]
        _subtract_scaled(part, slope, lr, buffer[: part.size])


KERNELS: dict[str, Callable[..., Any]] = {
    "affine": partial(affine, partial(multiply_and, partial(call, _add))),
    "affine_backward": partial(gradients, multiply_for_all),
    "affine_param_gradients": partial(param_gradients, multiply_for_params),
    "relu": _relu,
    "relu_backward": _relu_backward,
    "sgd_update": _sgd,
    "softmax": _softmax,
    "softmax_with_loss": _softmax_with_loss,
    "softmax_with_loss_backward": _gradient_of_scores,
}
