"""The step of AdaGrad."""

from __future__ import annotations

from xpnet._typing import Array, Number
from xpnet.ops.precision import rounded
from xpnet.ops.updates.arguments import widened_arguments, widened_settings
from xpnet.quiet import quiet

__all__ = ["adagrad_update"]


@quiet
def adagrad_update(
    param: Array, grad: Array, squares: Array, lr: Number | Array, eps: Number | Array
) -> tuple[Array, Array]:
    """Return a parameter each of whose entries goes slower the more it has moved.

    The squares of all gradients are added up, and the parameter goes by
    ``-lr * grad / (sqrt(squares) + eps)``: the book, section 6.1.5; Duchi, Hazan and Singer,
    "Adaptive subgradient methods for online learning and stochastic optimization", JMLR 12
    (2011), https://jmlr.org/papers/v12/duchi11a.html.

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
    >>> from xpnet.ops import adagrad_update
    >>> param, squares = adagrad_update(np.ones(2), np.full(2, 3.0), np.full(2, 16.0), 0.5, eps=1)
    >>> param, squares
    (array([0.75, 0.75]), array([25., 25.]))
    """
    xp, (wide_param, wide_grad, wide_squares) = widened_arguments(
        "AdaGrad", param, grad, squares=squares
    )
    lr, eps = widened_settings(xp, lr, eps)
    new = wide_squares + wide_grad * wide_grad
    step = lr * wide_grad / (xp.sqrt(new) + eps)
    return rounded(xp, wide_param - step, like=param), rounded(xp, new, like=squares)
