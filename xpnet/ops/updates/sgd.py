"""The step of stochastic gradient descent."""

from __future__ import annotations

from xpnet._typing import Array, Number
from xpnet.ops.precision import rounded
from xpnet.ops.updates.arguments import widened_arguments, widened_settings
from xpnet.quiet import quiet

__all__ = ["sgd_update"]


@quiet
def sgd_update(param: Array, grad: Array, lr: Number | Array) -> Array:
    """Return a parameter after one step against its gradient: ``param - lr * grad``.

    Parameters
    ----------
    param : array
        Of floats, any shape.
    grad : array
        Of the shape, library and device of ``param``.
    lr : float or array of shape ()
        The learning rate.

    Returns
    -------
    array
        As ``param``, also where that is float32 and ``grad`` is float64. Where the gradient is
        NaN or infinite, so is the result.

    Raises
    ------
    ShapeError
        If the shapes differ.
    DTypeError
        If an array is not of floats, or 16 bits meet another width.
    BackendMismatchError
        If the arrays do not live together.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.ops import sgd_update
    >>> sgd_update(np.asarray([1.0, 2.0]), np.asarray([2.0, 2.0]), lr=0.5)
    array([0., 1.])
    """
    xp, (wide_param, wide_grad) = widened_arguments("SGD", param, grad)
    (lr,) = widened_settings(xp, lr)
    return rounded(xp, wide_param - lr * wide_grad, like=param)
