"""The switch between training and evaluation, for layers that do not do the same in both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from xpnet.scoped import call_with

__all__ = ["call_evaluating", "evaluating", "is_evaluating"]

# In a ContextVar and not in the layers, so that one thread can evaluate a net while another
# trains it, and layers inside of a user's own are reached too.
_evaluating: ContextVar[bool] = ContextVar("xpnet_evaluating", default=False)


@contextmanager
def evaluating() -> Iterator[None]:
    """Let nets and layers do what they do after training, in this thread or task alone.

    ``net.predict`` and ``net.accuracy`` do so by themselves; ``net.loss`` and ``net.gradient``
    train. Most layers do the same in both; ``Dropout`` drops nothing inside the block. A layer of
    one's own asks :func:`xpnet.layers.evaluating.is_evaluating`.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> layer = xpnet.Dropout(0.5, seed=0)
    >>> with xpnet.evaluating():
    ...     layer.forward(np.ones(4))
    array([1., 1., 1., 1.])
    >>> layer.forward(np.ones(4))
    array([0., 2., 2., 2.])
    """
    token = _evaluating.set(True)
    try:
        yield
    finally:
        _evaluating.reset(token)


def call_evaluating(function: Callable[..., Any], *args: Any) -> Any:
    """Call a function as inside of :func:`evaluating`, which ends whatever interrupts it."""
    return call_with(_evaluating, True, function, *args)  # noqa: FBT003 - the variable's value


def is_evaluating() -> bool:
    """Whether this code runs inside of :func:`evaluating`."""
    return _evaluating.get()
