"""Kernels of the optimizers with a memory, for who has their rules on flat arrays, in place."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from xpnet import ops
from xpnet.kernels.arguments import are_alike
from xpnet.kernels.renewal import Renewal, numbers_in
from xpnet.kernels.tape import current_tape
from xpnet.ops.updates.adam import share_seen
from xpnet.quiet import quiet

__all__ = ["of_sgd", "overlap", "register", "update"]

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
    for op, rule, numbers_of, names in (
        (ops.adagrad_update, rules.adagrad, _of_adagrad, ("squares",)),
        (ops.adam_update, rules.adam, _of_adam, ("mean", "square")),
        (ops.momentum_update, rules.momentum, _of_momentum, ("velocity",)),
        (ops.nesterov_update, rules.nesterov, _of_momentum, ("velocity",)),
        (ops.rmsprop_update, rules.rmsprop, _of_rmsprop, ("squares",)),
    ):
        op.kernel(provider, checks_itself=True)(partial(update, run, rule, numbers_of, names))


def overlap(param: _Host, *others: _Host) -> bool:
    """Whether other arrays lie where a parameter does: they would change while it does."""
    for array in others:  # noqa: SIM110 - any() of a generator takes as long as a small update
        if np.may_share_memory(param, array):
            return True
    return False


@quiet
def update(
    run: _Run,
    rule: Callable[..., None],
    numbers_of: Callable[..., tuple[float, ...]],
    names: tuple[str, ...],
    param: _Host,
    grad: _Host,
    **settings: Any,
) -> bool | None:
    """Change arrays of one shape in place; return whether they can be.

    Parameters
    ----------
    run, rule : callable
        What applies a rule, and the rule.
    numbers_of : callable
        Takes a dtype and the settings; returns the rule's numbers.
    names : tuple of str
        What the rule remembers: arrays among the settings.
    param, grad, **settings
        As the op takes them. A tape that is kept can be given other numbers afterwards.
    """
    arrays = [param, grad, *[settings.pop(name) for name in names]]
    if not are_alike(*arrays) or not param.flags.writeable or overlap(*arrays):
        return None
    flat = [array.reshape(-1) for array in arrays]
    tape = current_tape()
    if tape is None:
        run(rule, flat, numbers_in(param.dtype, numbers_of, settings))
        return True
    # All parameters of an update have the same numbers, as a rule.
    key = param.dtype.char, numbers_of, *settings.values()
    numbers = tape.numbers.get(key)
    if numbers is None:
        numbers = tape.numbers[key] = numbers_in(param.dtype, numbers_of, settings)
    first = len(tape.calls)
    run(rule, flat, numbers)
    if tape.is_kept:
        tape.renewals.append(Renewal(numbers_of, param.dtype, tape.calls[first:], numbers))
    return True


def of_sgd(_: Any, lr: float) -> tuple[float, ...]:
    return (lr,)


def _of_momentum(_: Any, lr: float, momentum: float) -> tuple[float, ...]:
    return lr, momentum


def _of_adagrad(_: Any, lr: float, eps: float) -> tuple[float, ...]:
    return lr, eps


def _of_rmsprop(_: Any, lr: float, decay_rate: float, eps: float) -> tuple[float, ...]:
    return lr, decay_rate, 1 - decay_rate, eps


def _of_adam(
    dtype: np.dtype[Any],
    step: int,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float = 0.0,
) -> tuple[float, ...]:
    mean_share = share_seen(np, beta1, step, dtype)
    square_share = share_seen(np, beta2, step, dtype)
    rate, kept = lr / mean_share, 1 - lr * weight_decay
    return beta1, 1 - beta1, beta2, 1 - beta2, square_share, eps, rate, kept
