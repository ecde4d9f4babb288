"""The step of stochastic gradient descent."""

from __future__ import annotations

from xpnet._typing import Array, Namespace, Number
from xpnet.ops.updates.rule import rule

__all__ = ["sgd_update"]


@rule
def sgd_update(xp: Namespace, param: Array, grad: Array, lr: Number | Array) -> Array:
    """Return a parameter after one step against its gradient: ``param - lr * grad``.

    Returns
    -------
    array
        As ``param``, also where that is float32 and ``grad`` is float64. Where the gradient is
        NaN or infinite, so is the result.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.ops import sgd_update
    >>> sgd_update(np.asarray([1.0, 2.0]), np.asarray([2.0, 2.0]), lr=0.5)
    array([0., 1.])
    """
    return param - lr * grad
