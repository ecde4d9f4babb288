"""Sigmoid with the cross entropy of yes-or-no answers, and the derivative."""

from __future__ import annotations

from math import prod

from xpnet._typing import Array, Number
from xpnet.backends import adapter_of
from xpnet.ops.output import check_out, delivered
from xpnet.ops.precision import rounded, widened
from xpnet.ops.sums import mean
from xpnet.ops.targets import check_switches, switches_like
from xpnet.ops.upstream import with_share_of_mean
from xpnet.quiet import quiet
from xpnet.together import floats_together

__all__ = ["sigmoid_with_loss", "sigmoid_with_loss_backward"]

_NAME = "SigmoidWithLoss"


@quiet
def sigmoid_with_loss(x: Array, t: Array) -> tuple[Array, Array]:
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
    ShapeError, DTypeError, BackendMismatchError
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
    xp, plain = floats_together(_NAME, x=x)
    check_switches(_NAME, t, x=x)
    t = adapter_of(t).plain(t)
    (wide,) = widened(xp, plain)
    switches, small = switches_like(xp, t, wide), xp.exp(-xp.abs(wide))
    # A certain answer that is right costs nothing, where 0 * inf would be NaN.
    missed = xp.where(switches == 0, 0.0, switches * xp.maximum(-wide, 0))
    invented = xp.where(switches == 1, 0.0, (1 - switches) * xp.maximum(wide, 0))
    losses = missed + invented + xp.log1p(small)
    y = xp.where(wide >= 0, 1.0, small) / (1 + small)
    return rounded(xp, mean(xp, losses), like=x), rounded(xp, y, like=x)


@quiet
def sigmoid_with_loss_backward(
    dout: Array | Number, y: Array, t: Array, *, out: Array | None = None
) -> Array:
    """Return the gradient of :func:`sigmoid_with_loss`, ``dout * (y - t) / y.size``.

    Parameters
    ----------
    dout : array of shape (), or number
        The gradient of what follows with respect to the loss.
    y : array
        The probabilities from forward.
    t : array
        As in forward.
    out : array, optional
        Where to write the result, of its shape, dtype and home; it may be ``y`` itself.

    Returns
    -------
    array
        The gradient with respect to ``x``, of its shape; ``out`` if given.

    Raises
    ------
    ShapeError, DTypeError, BackendMismatchError, LabelError, NotWritableError
        As :func:`sigmoid_with_loss`, or if the result does not go into ``out``.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.ops import sigmoid_with_loss_backward
    >>> sigmoid_with_loss_backward(1.0, np.asarray([0.25, 0.5]), np.asarray([0, 1]))
    array([ 0.125, -0.25 ])
    """
    xp, plain = floats_together(_NAME, y=y)
    check_switches(_NAME, t, y=y)
    t = adapter_of(t).plain(t)
    check_out(_NAME, out, y=y)
    wide, share = with_share_of_mean(xp, _NAME, dout, plain, prod(y.shape))
    dx = (wide - switches_like(xp, t, wide)) * share
    return delivered(rounded(xp, dx, like=y), out)
