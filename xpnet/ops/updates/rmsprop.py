"""The step of RMSprop."""

from __future__ import annotations

from xpnet._typing import Array, Namespace, Number
from xpnet.ops.updates.rule import rule

__all__ = ["rmsprop_update"]


@rule
def rmsprop_update(
    xp: Namespace,
    param: Array,
    grad: Array,
    squares: Array,
    lr: Number | Array,
    decay_rate: Number | Array,
    eps: Number | Array,
) -> tuple[Array, Array]:
    """Return a parameter after a step in units of how large its gradient lately was.

    It is :func:`adagrad_update`, but old gradients are forgotten: the squares become
    ``decay_rate * squares + (1 - decay_rate) * grad**2``. G. Hinton, "Neural networks for machine
    learning", lecture 6e (2012),
    https://www.cs.toronto.edu/~tijmen/csc321/slides/lecture_slides_lec6.pdf.

    Parameters
    ----------
    decay_rate : float or array of shape ()
        The share of the old squares that is kept.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.ops import rmsprop_update
    >>> param, squares = rmsprop_update(
    ...     np.ones(2), np.full(2, 4.0), np.full(2, 2.0), 0.5, decay_rate=0.5, eps=1
    ... )
    >>> param, squares
    (array([0.5, 0.5]), array([9., 9.]))
    """
    new = decay_rate * squares + (1 - decay_rate) * grad * grad
    step = lr * grad / (xp.sqrt(new) + eps)
    return param - step, new
