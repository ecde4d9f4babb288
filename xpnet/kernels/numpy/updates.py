"""The rules of the optimizers, in place.

Each takes a parameter, its gradient, what is remembered of earlier ones, two arrays to spare, and
its settings; all arrays are flat, and of one size. They round as the rules in ``xpnet.ops`` do.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

__all__ = ["adagrad", "adam", "momentum", "nesterov", "rmsprop", "sgd"]

_Host: TypeAlias = np.ndarray[Any, Any]


def sgd(w: _Host, dw: _Host, step: _Host, _: Any, lr: Any) -> None:
    np.multiply(dw, lr, step)
    np.subtract(w, step, w)


def momentum(w: _Host, dw: _Host, v: _Host, step: _Host, _: _Host, lr: Any, momentum: Any) -> None:
    np.multiply(dw, lr, step)
    np.multiply(v, momentum, v)
    np.subtract(v, step, v)
    np.add(w, v, w)


def nesterov(
    w: _Host, dw: _Host, v: _Host, step: _Host, ahead: _Host, lr: Any, momentum: Any
) -> None:
    np.multiply(dw, lr, step)
    np.multiply(v, momentum, v)
    np.subtract(v, step, v)
    np.multiply(v, momentum, ahead)
    np.subtract(ahead, step, ahead)
    np.add(w, ahead, w)


def adagrad(w: _Host, dw: _Host, h: _Host, size: _Host, step: _Host, lr: Any, eps: Any) -> None:
    np.multiply(dw, dw, size)
    np.add(h, size, h)
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
    np.multiply(dw, rest, spare)
    np.multiply(spare, dw, spare)
    np.multiply(h, decay_rate, h)
    np.add(h, spare, h)


def _go(w: _Host, dw: _Host, h: _Host, size: _Host, step: _Host, lr: Any, eps: Any) -> None:
    """Turn ``w`` into ``w - lr * dw / (sqrt(h) + eps)``."""
    np.sqrt(h, size)
    np.add(size, eps, size)
    np.multiply(dw, lr, step)
    np.divide(step, size, step)
    np.subtract(w, step, w)


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
    np.multiply(dw, rest1, step)
    np.multiply(m, beta1, m)
    np.add(m, step, m)
    _average_squares(dw, v, size, beta2, rest2)
    np.divide(v, square_share, size)
    np.sqrt(size, size)
    np.add(size, eps, size)
    np.multiply(m, rate, step)
    np.divide(step, size, step)
    np.multiply(w, kept, w)
    np.subtract(w, step, w)
