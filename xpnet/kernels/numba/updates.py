"""The update rules of the optimizers, in place and in one pass over memory."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

__all__ = ["adagrad", "adam", "momentum", "nesterov", "rmsprop", "sgd"]

# All take flat arrays and compute the entries from start to stop. Settings are numbers of the
# arrays' dtype, and nothing is contracted, so that every result has the bits of the generic rule.
_compiled = njit(cache=True, nogil=True, error_model="numpy")


@_compiled
def sgd(start: int, stop: int, param: Any, grad: Any, lr: Any) -> None:
    param, grad = param[start:stop], grad[start:stop]
    for i in range(param.shape[0]):
        param[i] -= lr * grad[i]


@_compiled
def momentum(
    start: int, stop: int, param: Any, grad: Any, velocity: Any, lr: Any, momentum: Any
) -> None:
    param, grad, velocity = param[start:stop], grad[start:stop], velocity[start:stop]
    for i in range(param.shape[0]):
        velocity[i] = momentum * velocity[i] - lr * grad[i]
        param[i] += velocity[i]


@_compiled
def nesterov(
    start: int, stop: int, param: Any, grad: Any, velocity: Any, lr: Any, momentum: Any
) -> None:
    param, grad, velocity = param[start:stop], grad[start:stop], velocity[start:stop]
    for i in range(param.shape[0]):
        downhill = lr * grad[i]
        velocity[i] = momentum * velocity[i] - downhill
        param[i] += momentum * velocity[i] - downhill


@_compiled
def adagrad(start: int, stop: int, param: Any, grad: Any, squares: Any, lr: Any, eps: Any) -> None:
    param, grad, squares = param[start:stop], grad[start:stop], squares[start:stop]
    for i in range(param.shape[0]):
        squares[i] += grad[i] * grad[i]
        param[i] -= lr * grad[i] / (np.sqrt(squares[i]) + eps)


@_compiled
def rmsprop(
    start: int,
    stop: int,
    param: Any,
    grad: Any,
    squares: Any,
    lr: Any,
    decay_rate: Any,
    rest: Any,
    eps: Any,
) -> None:
    param, grad, squares = param[start:stop], grad[start:stop], squares[start:stop]
    for i in range(param.shape[0]):
        squares[i] = decay_rate * squares[i] + rest * grad[i] * grad[i]
        param[i] -= lr * grad[i] / (np.sqrt(squares[i]) + eps)


@_compiled
def adam(
    start: int,
    stop: int,
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
    param, grad = param[start:stop], grad[start:stop]
    mean, square = mean[start:stop], square[start:stop]
    for i in range(param.shape[0]):
        mean[i] = beta1 * mean[i] + rest1 * grad[i]
        square[i] = beta2 * square[i] + rest2 * grad[i] * grad[i]
        size = np.sqrt(square[i] / square_share) + eps
        param[i] = kept * param[i] - rate * mean[i] / size
