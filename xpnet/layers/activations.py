"""Layers that are one op, entry by entry."""

from __future__ import annotations

from typing import ClassVar

from xpnet._typing import Array
from xpnet.arrays import detached
from xpnet.layers.calls import of_one_op
from xpnet.layers.layer import Layer
from xpnet.ops.activations import relu, sigmoid
from xpnet.ops.op import Op

__all__ = ["ACTIVATIONS", "Activation", "ReLU", "Sigmoid"]

ACTIVATIONS: list[type[Activation]] = []
"""All layers that follow from an op, in the order of their declaration."""


class Activation(Layer):
    """The layer form of an op of one array: ``class ReLU(Activation, op=relu)`` is all of it.

    Parameters
    ----------
    xp : str, module or Backend, optional
        Where inputs must come from; anywhere unless given.

    Examples
    --------
    >>> import xpnet
    >>> xpnet.ReLU.op is xpnet.relu
    True
    """

    op: ClassVar[Op]

    def __init_subclass__(cls, *, op: Op | None = None) -> None:
        super().__init_subclass__()
        if op is None:  # a class of one's own from one that has an op
            return
        derivative = op.backward
        assert derivative is not None, f"{op.__name__} has no derivative"
        _dout, needed = derivative.names
        is_of_y = needed not in op.names

        @of_one_op(op)
        def forward(self: Activation, x: Array) -> Array:
            y = op(x)
            self._check_home(x)
            self._save(y if is_of_y else detached(x))
            return y

        @of_one_op(derivative)
        def backward(self: Activation, dout: Array) -> Array:
            (kept,) = self._saved()
            return derivative(dout, kept)

        forward.__doc__ = f"Return the output; see :func:`{op.__name__}`."
        backward.__doc__ = f"Return ``dx``; see :func:`{derivative.__name__}`."
        for method in (forward, backward):
            method.__module__ = cls.__module__
            method.__qualname__ = f"{cls.__qualname__}.{method.__name__}"
            setattr(cls, method.__name__, method)
        cls.op = op
        ACTIVATIONS.append(cls)


class ReLU(Activation, op=relu):
    """``y = max(x, 0)``, entry by entry.

    Parameters
    ----------
    xp : str, module or Backend, optional
        Where inputs must come from; anywhere unless given.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> layer = xpnet.ReLU()
    >>> layer.forward(np.asarray([-1.0, 2.0]))
    array([0., 2.])
    >>> layer.backward(np.asarray([5.0, 5.0]))
    array([0., 5.])
    """


class Sigmoid(Activation, op=sigmoid):
    """``y = 1 / (1 + exp(-x))``, entry by entry.

    Parameters
    ----------
    xp : str, module or Backend, optional
        Where inputs must come from; anywhere unless given.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> layer = xpnet.Sigmoid()
    >>> layer.forward(np.asarray([0.0]))
    array([0.5])
    >>> layer.backward(np.asarray([4.0]))
    array([1.])
    """
