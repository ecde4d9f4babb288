"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping

from xpnet._typing import Array
from xpnet.checks import check_floats, check_not_negative
from xpnet.errors import ShapeError
from xpnet.quiet import quiet

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
        If the learning rate is no number, negative or not finite.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> params = {"W": np.asarray([1.0, 2.0])}
    >>> xpnet.SGD(lr=0.5).update(params, {"W": np.asarray([2.0, 2.0])})
    >>> params["W"]
    array([0., 1.])
    """

    def __init__(self, lr: float = 0.01) -> None:
        check_not_negative("SGD", lr=lr)
        self.lr = float(lr)  # a np.float64 would widen float32 gradients

    def __repr__(self) -> str:
        return f"SGD(lr={self.lr})"

    @quiet
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
        fitting = [(name, param, _gradient(name, param, grads)) for name, param in params.items()]
        for name, param, grad in fitting:
            param -= self.lr * grad
            params[name] = param


def _gradient(name: str, param: Array, grads: Mapping[str, Array]) -> Array:
    """Return the gradient of a parameter, having made sure that it fits."""
    if name not in grads:
        msg = f"SGD: there is no gradient for {name!r}; call backward or gradient first"
        raise KeyError(msg)
    grad = grads[name]
    here, there = f"params[{name!r}]", f"grads[{name!r}]"
    check_floats("SGD", **{here: param, there: grad})
    if param.shape != grad.shape:
        msg = (
            f"SGD: {here} has shape {tuple(param.shape)}, but {there} has shape "
            f"{tuple(grad.shape)}; they must be equal"
        )
        raise ShapeError(msg)
    return grad
