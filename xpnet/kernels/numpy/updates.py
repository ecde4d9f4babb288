"""The rules of the optimizers, in place.

Each takes a parameter, its gradient, what is remembered of earlier ones, two arrays to spare, and
its settings; all arrays are flat, and of one size. They round as the rules in ``xpnet.ops`` do.
Each call is noted by itself, so that a plan of them is carried out within one instruction.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from xpnet.kernels.tape import call

__all__ = ["adagrad", "adam", "momentum", "nesterov", "rmsprop", "sgd"]

_Host: TypeAlias = np.ndarray[Any, Any]


def sgd(w: _Host, dw: _Host, step: _Host, _: Any, lr: Any) -> None:
    call(np.multiply, dw, lr, step)
    call(np.subtract, w, step, w)


def momentum(w: _Host, dw: _Host, v: _Host, step: _Host, _: _Host, lr: Any, momentum: Any) -> None:
    call(np.multiply, dw, lr, step)
    call(np.multiply, v, momentum, v)
    call(np.subtract, v, step, v)
    call(np.add, w, v, w)


def nesterov(
    w: _Host, dw: _Host, v: _Host, step: _Host, ahead: _Host, lr: Any, momentum: Any
) -> None:
    call(np.multiply, dw, lr, step)
    call(np.multiply, v, momentum, v)
    call(np.subtract, v, step, v)
    call(np.multiply, v, momentum, ahead)
    call(np.subtract, ahead, step, ahead)
    call(np.add, w, ahead, w)


def adagrad(w: _Host, dw: _Host, h: _Host, size: _Host, step: _Host, lr: Any, eps: Any) -> None:
    call(np.multiply, dw, dw, size)
    call(np.add, h, size, h)
    _go(w, dw, h, size, step, lr, eps)


def rmsprop(
    w: _Host,
    dw: _Host,
    h: _Host,
    size: _Host,
    step: _Host,
    lr: Any,
    decay_rate: Any,
    rest: Any,
    eps: Any,
) -> None:
    _average_squares(dw, h, size, decay_rate, rest)
    _go(w, dw, h, size, step, lr, eps)


def _average_squares(dw: _Host, h: _Host, spare: _Host, decay_rate: Any, rest: Any) -> None:
    """Turn ``h`` into ``decay_rate * h + rest * dw * dw``."""
    call(np.multiply, dw, rest, spare)
    call(np.multiply, spare, dw, spare)
    call(np.multiply, h, decay_rate, h)
    call(np.add, h, spare, h)


def _go(w: _Host, dw: _Host, h: _Host, size: _Host, step: _Host, lr: Any, eps: Any) -> None:
    """Turn ``w`` into ``w - lr * dw / (sqrt(h) + eps)``."""
    call(np.sqrt, h, size)
    call(np.add, size, eps, size)
    call(np.multiply, dw, lr, step)
    call(np.divide, step, size, step)
    call(np.subtract, w, step, w)


def adam(
    w: _Host,
    dw: _Host,
    m: _Host,
    v: _Host,
    size: _Host,
    step: _Host,
    beta1: Any,
    rest1: Any,
    beta2: Any,
    rest2: Any,
    square_share: Any,
    eps: Any,
    rate: Any,
    kept: Any,
) -> None:
    call(np.multiply, dw, rest1, step)
    call(np.multiply, m, beta1, m)
    call(np.add, m, step, m)
    _average_squares(dw, v, size, beta2, rest2)
    call(np.divide, v, square_share, size)
    call(np.sqrt, size, size)
    call(np.add, size, eps, size)
    call(np.multiply, m, rate, step)
    call(np.divide, step, size, step)
    call(np.multiply, w, kept, w)
    call(np.subtract, w, step, w)
