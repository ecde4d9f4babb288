"""Sigmoid with the cross entropy of yes-or-no answers, and the derivative."""

from __future__ import annotations

from math import prod

from xpnet._typing import Array, Labels, Namespace
from xpnet.labels.targets import check_switches, switches_like
from xpnet.numerics.sums import mean, share_of_mean
from xpnet.ops.examples import probabilities
from xpnet.ops.op import op

__all__ = ["sigmoid_with_loss", "sigmoid_with_loss_backward"]


@op({"x": (5, 4), "t": probabilities(5, 4)}, results=("loss", "y"))
def sigmoid_with_loss(xp: Namespace, x: Array, t: Labels) -> tuple[Array, Array]:
    """Return the mean of ``-t * log(y) - (1 - t) * log(1 - y)`` for ``y = sigmoid(x)``, and ``y``.

    Each entry is a question of its own. Its loss is computed as
    ``t * max(-x, 0) + (1 - t) * max(x, 0) + log1p(exp(-abs(x)))``, which is exact at any score,
    where the logarithm of a rounded probability is not.

    Parameters
    ----------
    x : array
        Scores, of floats, any shape.
    t : array
        From 0 to 1, of floats, integers or booleans: of the shape of ``x``; or, for one score a
        sample and ``x`` of shape (..., 1), of shape (...).

    Returns
    -------
    loss : array, shape ()
        The mean over all entries, of the dtype of ``x``; 0 for an empty batch.
    y : array
        ``sigmoid(x)``.

    Raises
    ------
    ShapeError
        If ``t`` does not fit ``x``.
    LabelError
        If an entry of ``t`` is not from 0 to 1. Where the host cannot read them, as on a GPU, the
        loss and the entry's gradient are NaN.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.ops import sigmoid_with_loss
    >>> loss, y = sigmoid_with_loss(np.asarray([100.0, -100.0]), np.asarray([0, 0]))
    >>> float(loss)
    50.0
    """
    switches, small = switches_like(xp, t, x), xp.exp(-xp.abs(x))
    # A certain answer that is right costs nothing, where 0 * inf would be NaN.
    missed = xp.where(switches == 0, 0.0, switches * xp.maximum(-x, 0))
    invented = xp.where(switches == 1, 0.0, (1 - switches) * xp.maximum(x, 0))
    losses = missed + invented + xp.log1p(small)
    return mean(xp, losses), xp.where(x >= 0, 1.0, small) / (1 + small)


@sigmoid_with_loss.derivative
def sigmoid_with_loss_backward(xp: Namespace, dout: Array | float, y: Array, t: Labels) -> Array:
    """Return the gradient of :func:`sigmoid_with_loss`, ``dout * (y - t) / y.size``.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.ops import sigmoid_with_loss_backward
    >>> sigmoid_with_loss_backward(1.0, np.asarray([0.25, 0.5]), np.asarray([0, 1]))
    array([ 0.125, -0.25 ])
    """
    return (y - switches_like(xp, t, y)) * share_of_mean(dout, prod(y.shape))


@sigmoid_with_loss.check
def _switches_fit(who: str, x: Array, t: Labels) -> None:
    check_switches(who, t, x=x)


@sigmoid_with_loss_backward.check
def _switches_fitted(who: str, y: Array, t: Labels) -> None:
    check_switches(who, t, y=y)
