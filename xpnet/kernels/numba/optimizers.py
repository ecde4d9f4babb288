"""The updates of the optimizers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from xpnet.kernels.arguments import are_alike
from xpnet.kernels.numba import updates
from xpnet.kernels.numba.team import PASS, Kernel, divide
from xpnet.kernels.numpy import sgd_of_many
from xpnet.ops.updates.adam import share_seen
from xpnet.quiet import quiet

__all__ = ["KERNELS"]

_Host: TypeAlias = np.ndarray[Any, Any]


@quiet
def _update(kernel: Kernel, *arrays: _Host, settings: tuple[float, ...]) -> Any:
    """Change arrays of one shape in place; return whether they can be."""
    param = arrays[0]
    if not are_alike(*arrays) or not param.flags.writeable:
        return None
    flat = [array.reshape(-1) for array in arrays]
    numbers = map(param.dtype.type, settings)
    divide(kernel, PASS * len(arrays), *flat, *numbers)
    return True


def _sgd(param: _Host, grad: _Host, *, lr: float) -> Any:
    return sgd_of_many(param, grad, lr=lr) or _update(updates.sgd, param, grad, settings=(lr,))


def _momentum(param: _Host, grad: _Host, *, velocity: _Host, lr: float, momentum: float) -> Any:
    return _update(updates.momentum, param, grad, velocity, settings=(lr, momentum))


def _nesterov(param: _Host, grad: _Host, *, velocity: _Host, lr: float, momentum: float) -> Any:
    return _update(updates.nesterov, param, grad, velocity, settings=(lr, momentum))


def _adagrad(param: _Host, grad: _Host, *, squares: _Host, lr: float, eps: float) -> Any:
    return _update(updates.adagrad, param, grad, squares, settings=(lr, eps))


def _rmsprop(
    param: _Host, grad: _Host, *, squares: _Host, lr: float, decay_rate: float, eps: float
) -> Any:
    settings = (lr, decay_rate, 1 - decay_rate, eps)
    return _update(updates.rmsprop, param, grad, squares, settings=settings)


def _adam(
    param: _Host,
    grad: _Host,
    *,
    mean: _Host,
    square: _Host,
    step: int,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float = 0.0,
) -> Any:
    mean_share = share_seen(np, beta1, step, param.dtype)
    square_share = share_seen(np, beta2, step, param.dtype)
    rate, kept = lr / mean_share, 1 - lr * weight_decay
    settings = beta1, 1 - beta1, beta2, 1 - beta2, square_share, eps, rate, kept
    return _update(updates.adam, param, grad, mean, square, settings=settings)


KERNELS: dict[str, Callable[..., Any]] = {
    "adagrad_update": _adagrad,
    "adam_update": _adam,
    "momentum_update": _momentum,
    "nesterov_update": _nesterov,
    "rmsprop_update": _rmsprop,
    "sgd_update": _sgd,
}
