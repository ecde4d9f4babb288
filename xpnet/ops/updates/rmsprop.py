"""The step of RMSprop."""

from __future__ import annotations

from xpnet._typing import Array, Number
from xpnet.ops.precision import rounded
from xpnet.ops.updates.arguments import widened_arguments, widened_settings
from xpnet.quiet import quiet

__all__ = ["rmsprop_update"]


@quiet
def rmsprop_update(
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
    param : array
        Of floats, any shape.
    grad : array
        Of the shape, library and device of ``param``.
    squares : array
        As ``param``, or float32 beside 16 bits; zeros before the first step.
    lr : float or array of shape ()
        The learning rate.
    decay_rate : float or array of shape ()
        The share of the old squares that is kept.
    eps : float or array of shape ()
        Keeps the divisor from 0.

    Returns
    -------
    param, squares : array
        Each in its own dtype. Where the gradient is NaN or infinite, the parameter is NaN.

    Raises
    ------
    ShapeError, DTypeError, BackendMismatchError
        As :func:`sgd_update`.

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
    xp, (wide_param, wide_grad, wide_squares) = widened_arguments(
        "RMSprop", param, grad, squares=squares
    )
    lr, decay_rate, eps = widened_settings(xp, lr, decay_rate, eps)
    new = decay_rate * wide_squares + (1 - decay_rate) * wide_grad * wide_grad
    step = lr * wide_grad / (xp.sqrt(new) + eps)
    return rounded(xp, wide_param - step, like=param), rounded(xp, new, like=squares)
