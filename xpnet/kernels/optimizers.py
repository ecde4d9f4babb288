"""Kernels of the optimizers with a memory, for who has their rules on flat arrays, in place."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from xpnet import ops
from xpnet.kernels.arguments import are_alike
from xpnet.ops.updates.adam import share_seen
from xpnet.quiet import quiet

__all__ = ["overlap", "register", "update"]

_Host: TypeAlias = np.ndarray[Any, Any]
_Run: TypeAlias = Callable[[Callable[..., None], list[_Host], list[Any]], None]


def register(provider: str, rules: Any, run: _Run) -> None:
    """Declare a kernel for each rule.

    Parameters
    ----------
    provider : str
        What it is made with.
    rules : module
        With the functions adagrad, adam, momentum, nesterov and rmsprop.
    run : callable
        Applies one of them to flat arrays and to numbers of their dtype.
    """

    def change(rule: Callable[..., None]) -> Callable[..., Any]:
        return partial(update, run, rule)

    for op, kernel in (
        (ops.adagrad_update, partial(_adagrad, change(rules.adagrad))),
        (ops.adam_update, partial(_adam, change(rules.adam))),
        (ops.momentum_update, partial(_with_velocity, change(rules.momentum))),
        (ops.nesterov_update, partial(_with_velocity, change(rules.nesterov))),
        (ops.rmsprop_update, partial(_rmsprop, change(rules.rmsprop))),
    ):
        op.kernel(provider, checks_itself=True)(kernel)


def overlap(param: _Host, *others: _Host) -> bool:
    """Whether other arrays lie where a parameter does: they would change while it does."""
    for array in others:  # noqa: SIM110 - any() of a generator takes as long as a small update
        if np.may_share_memory(param, array):
            return True
    return False


@quiet
def update(
    run: _Run, rule: Callable[..., None], *arrays: _Host, settings: tuple[float, ...]
) -> bool | None:
    """Change arrays of one shape in place; return whether they can be."""
    param = arrays[0]
    if not are_alike(*arrays) or not param.flags.writeable or overlap(*arrays):
        return None
    flat = [array.reshape(-1) for array in arrays]
    run(rule, flat, [param.dtype.type(number) for number in settings])
    return True


def _with_velocity(
    change: Callable[..., Any],
    param: _Host,
    grad: _Host,
    *,
    velocity: _Host,
    lr: float,
    momentum: float,
) -> Any:
    return change(param, grad, velocity, settings=(lr, momentum))


def _adagrad(
    change: Callable[..., Any], param: _Host, grad: _Host, *, squares: _Host, lr: float, eps: float
) -> Any:
    return change(param, grad, squares, settings=(lr, eps))


def _rmsprop(
    change: Callable[..., Any],
    param: _Host,
    grad: _Host,
    *,
    squares: _Host,
    lr: float,
    decay_rate: float,
    eps: float,
) -> Any:
    settings = (lr, decay_rate, 1 - decay_rate, eps)
    return change(param, grad, squares, settings=settings)


def _adam(
    change: Callable[..., Any],
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
    return change(param, grad, mean, square, settings=settings)
