"""A function of recorded values as a layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xpnet.graph.variable import Variable
from xpnet.nets.net import Net

__all__ = ["Apply"]


class Apply(Net):
    """A function without parameters as a layer: an op, or what is written with Variables.

    Parameters
    ----------
    function : callable
        Gets the input as an :class:`xpnet.Variable`, and returns another.
    **settings
        What it is called with besides.

    Raises
    ------
    TypeError
        If the function is none.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> net = xpnet.Sequential(
    ...     xpnet.Apply(lambda x: x.reshape(x.shape[0], -1)),
    ...     xpnet.Affine.random(6, 2, seed=0),
    ... )
    >>> net.predict(xpnet.asarray(np.ones((5, 2, 3)))).shape
    (5, 2)
    """

    def __init__(self, function: Callable[..., Any], **settings: Any) -> None:
        super().__init__()
        if not callable(function) or isinstance(function, type):
            msg = f"Apply: {function!r} is no function of a Variable"
            raise TypeError(msg)
        self.function, self.settings = function, settings

    def __repr__(self) -> str:
        return f"{type(self).__name__}({getattr(self.function, '__name__', self.function)})"

    def forward(self, x: Variable) -> Any:
        """Return what the function does."""
        return self.function(x, **self.settings)
