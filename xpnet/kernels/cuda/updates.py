"""One step of each optimizer, in place.

The arrays of a call are contiguous and of one shape and dtype. ``lr`` is a number, or an array of
shape () and dtype float64 that the device reads, so that a CUDA graph can be replayed with another
learning rate; ``step`` likewise, of dtype int64.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from xpnet._typing import Array, Number
from xpnet.kernels.cuda.launch import Launcher, on_gpu
from xpnet.kernels.cuda.plan import elementwise
from xpnet.kernels.cuda.scalars import array_or_number

__all__ = [
    "adagrad_update",
    "adam_update",
    "momentum_update",
    "nesterov_update",
    "rmsprop_update",
    "sgd_update",
]


def sgd_update(param: Array, grad: Array, lr: Array | Number, *, launch: Launcher = on_gpu) -> None:
    """Do ``param -= lr * grad``."""
    _update("sgd", launch, (param, grad), *array_or_number("lr", lr, np.float64))


def momentum_update(
    param: Array,
    grad: Array,
    velocity: Array,
    lr: Array | Number,
    momentum: float,
    *,
    launch: Launcher = on_gpu,
) -> None:
    """Do ``velocity = momentum * velocity - lr * grad`` and ``param += velocity``."""
    rate = array_or_number("lr", lr, np.float64)
    _update("momentum", launch, (param, grad, velocity), *rate, np.float64(momentum))


def nesterov_update(
    param: Array,
    grad: Array,
    velocity: Array,
    lr: Array | Number,
    momentum: float,
    *,
    launch: Launcher = on_gpu,
) -> None:
    """Move ``velocity`` as Momentum does, and do ``param += momentum * velocity - lr * grad``."""
    rate = array_or_number("lr", lr, np.float64)
    _update("nesterov", launch, (param, grad, velocity), *rate, np.float64(momentum))


def adagrad_update(
    param: Array,
    grad: Array,
    squares: Array,
    lr: Array | Number,
    eps: float,
    *,
    launch: Launcher = on_gpu,
) -> None:
    """Do ``squares += grad**2`` and ``param -= lr * grad / (sqrt(squares) + eps)``."""
    rate = array_or_number("lr", lr, np.float64)
    _update("adagrad", launch, (param, grad, squares), *rate, np.float64(eps))


def rmsprop_update(
    param: Array,
    grad: Array,
    squares: Array,
    lr: Array | Number,
    decay_rate: float,
    eps: float,
    *,
    launch: Launcher = on_gpu,
) -> None:
    """Let ``squares`` follow ``grad**2``, and do ``param -= lr * grad / (sqrt(squares) + eps)``.

    That is ``squares = decay_rate * squares + (1 - decay_rate) * grad**2``.
    """
    rate = array_or_number("lr", lr, np.float64)
    settings = np.float64(decay_rate), np.float64(eps)
    _update("rmsprop", launch, (param, grad, squares), *rate, *settings)


def adam_update(
    param: Array,
    grad: Array,
    mean: Array,
    square: Array,
    lr: Array | Number,
    beta1: float,
    beta2: float,
    eps: float,
    step: Array | int,
    weight_decay: float = 0.0,
    *,
    launch: Launcher = on_gpu,
) -> None:
    """Take a step of Adam, or of AdamW where there is weight decay.

    ``mean`` and ``square`` follow ``grad`` and ``grad**2`` with the rates ``beta1`` and ``beta2``;
    divided by ``1 - beta**step`` they are ``m`` and ``v``, and ``param`` becomes
    ``(1 - lr * weight_decay) * param - lr * m / (sqrt(v) + eps)``. The first step is 1.
    """
    rate = array_or_number("lr", lr, np.float64)
    steps = array_or_number("step", step, np.int64)
    settings = (np.float64(number) for number in (beta1, beta2, eps, weight_decay))
    _update("adam", launch, (param, grad, mean, square), *rate, *steps, *settings)


def _update(op: str, launch: Launcher, arrays: tuple[Array, ...], *settings: Any) -> None:
    n = prod(arrays[0].shape)
    if n > 0:
        launch(elementwise(op, arrays[0].dtype, n), *arrays, *settings, np.int64(n))
