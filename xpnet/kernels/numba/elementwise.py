"""Biases, activations and their derivatives, in one pass over memory."""

from __future__ import annotations

from typing import Any

from numba import njit

from xpnet.kernels.numba.intrinsics import exp

__all__ = ["bias", "bias_relu", "relu_backward", "sigmoid", "sigmoid_backward", "sum_of_rows"]

# All take contiguous arrays: with a bias of shape (N, M), else flat, and compute the entries or
# rows from start to stop. They round as the generic ops do. Loops run from 0, for an index that
# might be negative keeps them from becoming vectors, as would an error for a division by 0.
_compiled = njit(cache=True, nogil=True, error_model="numpy")


@_compiled
def bias(start: int, stop: int, y: Any, b: Any) -> None:
    """Turn ``y`` into ``y + b``."""
    for i in range(start, stop):
        row = y[i]
        for j in range(row.shape[0]):
            row[j] += b[j]


@_compiled
def bias_relu(start: int, stop: int, y: Any, b: Any) -> None:
    """Turn ``y`` into ``max(y + b, 0)``; NaN stays NaN."""
    zero = y.dtype.type(0)
    for i in range(start, stop):
        row = y[i]
        for j in range(row.shape[0]):
            value = row[j] + b[j]
            row[j] = zero if value < zero else value


@_compiled
def sum_of_rows(start: int, stop: int, dout: Any, db: Any) -> None:
    """Write the sum of all rows to ``db``, in the columns from start to stop."""
    db = db[start:stop]
    db[:] = 0
    for i in range(dout.shape[0]):
        row = dout[i, start:stop]
        for j in range(row.shape[0]):
            db[j] += row[j]


@_compiled
def relu_backward(start: int, stop: int, dout: Any, y: Any, dx: Any) -> None:
    zero, one = y.dtype.type(0), y.dtype.type(1)
    dout, y, dx = dout[start:stop], y[start:stop], dx[start:stop]
    for i in range(y.shape[0]):
        dx[i] = dout[i] * (one if y[i] > zero else y[i])


@_compiled
def sigmoid(start: int, stop: int, x: Any, y: Any) -> None:
    zero, one = x.dtype.type(0), x.dtype.type(1)
    x, y = x[start:stop], y[start:stop]
    for i in range(x.shape[0]):
        small = exp(-abs(x[i]))
        y[i] = (small if x[i] < zero else one) / (one + small)


@_compiled
def sigmoid_backward(start: int, stop: int, dout: Any, y: Any, dx: Any) -> None:
    one = y.dtype.type(1)
    dout, y, dx = dout[start:stop], y[start:stop], dx[start:stop]
    for i in range(y.shape[0]):
        dx[i] = dout[i] * y[i] * (one - y[i])
