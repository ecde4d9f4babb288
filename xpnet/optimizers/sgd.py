"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from math import isfinite

from xpnet._typing import Array
from xpnet.checks import check_floats
from xpnet.errors import ShapeError

__all__ = ["SGD"]


class SGD:
    """Stochastic gradient descent, ``W -= lr * dW``.

    Parameters
    ----------
    lr : float
        The learning rate, finite and not negative.

    Raises
    ------
    ValueError
        If the learning rate is negative or not finite.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> params = {"W": np.asarray([1.0, 2.0])}
    >>> xpnet.SGD(lr=0.5).update(params, {"W": np.asarray([2.0, 2.0])})
    >>> params["W"]
    array([0., 1.])
    """

    def __init__(self, lr: float = 0.01) -> None:
        if not (isfinite(lr) and lr >= 0):
            msg = f"SGD: lr is {lr}; it must be finite and not negative"
            raise ValueError(msg)
        self.lr = lr

    def __repr__(self) -> str:
        return f"SGD(lr={self.lr})"

    def update(self, params: MutableMapping[str, Array], grads: Mapping[str, Array]) -> None:
        """Take one step, in place where the library can write to arrays.

        Parameters
        ----------
        params : mapping of str to array
            Parameters by name; changed.
        grads : mapping of str to array
            The gradient of each parameter, of its shape, by the same name.

        Raises
        ------
        KeyError
            If a parameter has no gradient.
        ShapeError, DTypeError, BackendMismatchError
            If a gradient does not fit its parameter. No parameter has changed then.
        """
        for name, param in params.items():
            if name not in grads:
                msg = f"SGD: there is no gradient for {name!r}; call backward or gradient first"
                raise KeyError(msg)
            check_floats("SGD", **{name: param, f"the gradient of {name}": grads[name]})
            if param.shape != grads[name].shape:
                msg = (
                    f"SGD: {name} has shape {tuple(param.shape)}, but its gradient has shape "
                    f"{tuple(grads[name].shape)}"
                )
                raise ShapeError(msg)
        for name in params:
            params[name] -= self.lr * grads[name]
