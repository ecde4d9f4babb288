"""Biases, activations and their derivatives, in one pass over memory."""

from __future__ import annotations

from typing import Any

from xpnet.kernels.numba.intrinsics import exp
from xpnet.kernels.numba.kept import kept
from xpnet.kernels.numba.pieces import Share, pieces

__all__ = ["bias", "bias_relu", "relu_backward", "sigmoid", "sigmoid_backward"]

# All take contiguous arrays: with a bias of shape (N, M), else flat, and compute the entries or
# rows of a share. They round as the generic ops do. Loops run from 0, for an index that
# might be negative keeps them from becoming vectors, as would an error for a division by 0.
_compiled = kept(nogil=True, error_model="numpy")


@_compiled
def bias(share: Share, y: Any, b: Any) -> None:
    """Turn ``y`` into ``y + b``."""
    for start, stop in pieces(share):
        for i in range(start, stop):
            row = y[i]
            for j in range(row.shape[0]):
                row[j] += b[j]


@_compiled
def bias_relu(share: Share, y: Any, b: Any) -> None:
    """Turn ``y`` into ``max(y + b, 0)``; NaN stays NaN."""
    zero = y.dtype.type(0)
    for start, stop in pieces(share):
        for i in range(start, stop):
            row = y[i]
            for j in range(row.shape[0]):
                value = row[j] + b[j]
                row[j] = zero if value < zero else value


@_compiled
def relu_backward(share: Share, dout: Any, y: Any, dx: Any) -> None:
    zero, one = y.dtype.type(0), y.dtype.type(1)
    for start, stop in pieces(share):
        upstream, outputs, results = dout[start:stop], y[start:stop], dx[start:stop]
        for i in range(outputs.shape[0]):
            results[i] = upstream[i] * (one if outputs[i] > zero else outputs[i])


@_compiled
def sigmoid(share: Share, x: Any, y: Any) -> None:
    zero, one = x.dtype.type(0), x.dtype.type(1)
    for start, stop in pieces(share):
        inputs, results = x[start:stop], y[start:stop]
        for i in range(inputs.shape[0]):
            small = exp(-abs(inputs[i]))
            results[i] = (small if inputs[i] < zero else one) / (one + small)


@_compiled
def sigmoid_backward(share: Share, dout: Any, y: Any, dx: Any) -> None:
    one = y.dtype.type(1)
    for start, stop in pieces(share):
        upstream, outputs, results = dout[start:stop], y[start:stop], dx[start:stop]
        for i in range(outputs.shape[0]):
            results[i] = upstream[i] * outputs[i] * (one - outputs[i])
