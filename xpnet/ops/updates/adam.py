"""The step of Adam, and with weight decay that of AdamW."""

from __future__ import annotations

import math
from typing import Any

from xpnet._typing import Array, DType, Namespace, Number
from xpnet.ops.updates.rule import rule

__all__ = ["adam_update", "share_seen"]


@rule
def adam_update(
    xp: Namespace,
    param: Array,
    grad: Array,
    mean: Array,
    square: Array,
    lr: Number | Array,
    beta1: Number | Array,
    beta2: Number | Array,
    eps: Number | Array,
    step: int | Array,
    weight_decay: Number | Array = 0.0,
) -> tuple[Array, Array, Array]:
    """Return a parameter after a step along the mean of its gradients, in units of their size.

    ``mean`` becomes ``beta1 * mean + (1 - beta1) * grad``, and ``square`` likewise with ``beta2``
    and ``grad**2``. Both began at 0; divided by ``1 - beta**step`` they are averages. Then the
    parameter goes by ``-lr * mean / (sqrt(square) + eps)``: D. Kingma and J. Ba, "Adam: a method
    for stochastic optimization", https://arxiv.org/abs/1412.6980, algorithm 1. (The book's code
    adds ``eps`` to the root of the undivided ``square``, a variant in the paper's section 2.)

    Before that, the parameter shrinks by ``lr * weight_decay`` of itself, which makes it AdamW:
    I. Loshchilov and F. Hutter, "Decoupled weight decay regularization",
    https://arxiv.org/abs/1711.05101, algorithm 2, where, as in PyTorch, the schedule multiplier
    is ``lr`` and alpha is 1.

    Parameters
    ----------
    beta1, beta2 : float or array of shape ()
        The shares of the old averages that are kept, from 0 on and less than 1. As arrays of
        float32 they are near 1 by fewer digits than as Python numbers.
    step : int or array of shape ()
        The number of this step, from 1 on.
    weight_decay : float or array of shape ()
        0 for Adam.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.ops import adam_update
    >>> param, mean, square = adam_update(
    ...     np.ones(2), np.full(2, 3.0), np.zeros(2), np.zeros(2), 0.5, 0.75, 0.75, eps=0, step=1
    ... )
    >>> param, mean, square
    (array([0.5, 0.5]), array([0.75, 0.75]), array([2.25, 2.25]))
    """
    new_mean = beta1 * mean + (1 - beta1) * grad
    new_square = beta2 * square + (1 - beta2) * grad * grad
    mean_share = share_seen(xp, beta1, step, param.dtype)
    square_share = share_seen(xp, beta2, step, param.dtype)
    size = xp.sqrt(new_square / square_share) + eps
    new = (1 - lr * weight_decay) * param - (lr / mean_share) * new_mean / size
    return (
        new,
        new_mean,
        new_square,
    )


def share_seen(xp: Namespace, beta: Any, step: Any, dtype: DType) -> Any:
    """Return ``1 - beta**step`` with all its digits, though ``beta`` is almost 1."""
    if not hasattr(beta, "dtype") and beta == 0:
        return 1.0
    log = xp.log(beta) if hasattr(beta, "dtype") else math.log(beta)
    if hasattr(step, "dtype"):
        step = xp.astype(step, dtype)
    exponent = step * log
    return -(xp if hasattr(exponent, "dtype") else math).expm1(exponent)
