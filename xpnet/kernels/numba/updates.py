"""The update rules of the optimizers, in place and in one pass over memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet.kernels.numba.kept import kept
from xpnet.kernels.numba.pieces import Share, pieces

__all__ = ["adagrad", "adam", "momentum", "nesterov", "rmsprop", "sgd"]

# All take flat arrays and compute the entries of a share, under the book's short names. Settings
# are numbers of the arrays' dtype; nothing is contracted, for the bits of the generic rules.
_compiled = kept(nogil=True, error_model="numpy")


@_compiled
def sgd(share: Share, param: Any, grad: Any, lr: Any) -> None:
    for start, stop in pieces(share):
        w, dw = param[start:stop], grad[start:stop]
        for i in range(w.shape[0]):
            w[i] -= lr * dw[i]


@_compiled
def momentum(share: Share, param: Any, grad: Any, velocity: Any, lr: Any, momentum: Any) -> None:
    for start, stop in pieces(share):
        w, dw, v = param[start:stop], grad[start:stop], velocity[start:stop]
        for i in range(w.shape[0]):
            v[i] = momentum * v[i] - lr * dw[i]
            w[i] += v[i]


@_compiled
def nesterov(share: Share, param: Any, grad: Any, velocity: Any, lr: Any, momentum: Any) -> None:
    for start, stop in pieces(share):
        w, dw, v = param[start:stop], grad[start:stop], velocity[start:stop]
        for i in range(w.shape[0]):
            downhill = lr * dw[i]
            v[i] = momentum * v[i] - downhill
            w[i] += momentum * v[i] - downhill


@_compiled
def adagrad(share: Share, param: Any, grad: Any, squares: Any, lr: Any, eps: Any) -> None:
    for start, stop in pieces(share):
        w, dw, h = param[start:stop], grad[start:stop], squares[start:stop]
        for i in range(w.shape[0]):
            h[i] += dw[i] * dw[i]
            w[i] -= lr * dw[i] / (np.sqrt(h[i]) + eps)


@_compiled
def rmsprop(
    share: Share,
    param: Any,
    grad: Any,
    squares: Any,
    lr: Any,
    decay_rate: Any,
    rest: Any,
    eps: Any,
) -> None:
    for start, stop in pieces(share):
        w, dw, h = param[start:stop], grad[start:stop], squares[start:stop]
        for i in range(w.shape[0]):
            h[i] = decay_rate * h[i] + rest * dw[i] * dw[i]
            w[i] -= lr * dw[i] / (np.sqrt(h[i]) + eps)


@_compiled
def adam(
    share: Share,
    param: Any,
    grad: Any,
    mean: Any,
    square: Any,
    beta1: Any,
    rest1: Any,
    beta2: Any,
    rest2: Any,
    square_share: Any,
    eps: Any,
    rate: Any,
    kept: Any,
) -> None:
    for start, stop in pieces(share):
        w, dw = param[start:stop], grad[start:stop]
        m, v = mean[start:stop], square[start:stop]
        for i in range(w.shape[0]):
            m[i] = beta1 * m[i] + rest1 * dw[i]
            v[i] = beta2 * v[i] + rest2 * dw[i] * dw[i]
            size = np.sqrt(v[i] / square_share) + eps
            w[i] = kept * w[i] - rate * m[i] / size
