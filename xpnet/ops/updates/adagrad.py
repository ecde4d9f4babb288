"""The step of AdaGrad."""

from __future__ import annotations

from xpnet._typing import Array, Namespace, Number
from xpnet.ops.updates.rule import rule

__all__ = ["adagrad_update"]


@rule
def adagrad_update(
    xp: Namespace,
    param: Array,
    grad: Array,
    squares: Array,
    lr: Number | Array,
    eps: Number | Array,
) -> tuple[Array, Array]:
    """Return a parameter each of whose entries goes slower the more it has moved.

    The squares of all gradients are added up, and the parameter goes by
    ``-lr * grad / (sqrt(squares) + eps)``: the book, section 6.1.5; Duchi, Hazan and Singer,
    "Adaptive subgradient methods for online learning and stochastic optimization", JMLR 12
    (2011), https://jmlr.org/papers/v12/duchi11a.html.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.ops import adagrad_update
    >>> param, squares = adagrad_update(np.ones(2), np.full(2, 3.0), np.full(2, 16.0), 0.5, eps=1)
    >>> param, squares
    (array([0.75, 0.75]), array([25., 25.]))
    """
    new = squares + grad * grad
    step = lr * grad / (xp.sqrt(new) + eps)
    return param - step, new
