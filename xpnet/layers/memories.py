"""What layers remember of a forward, while others go through them."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from xpnet.scoped import call_with

__all__ = ["call_keeping_memories", "memories_apart"]

# Not in the layers, so that one thread can evaluate a net between another's forward and backward.
_apart: ContextVar[dict[int, tuple[Any, ...]] | None] = ContextVar("xpnet_memories", default=None)


def call_keeping_memories(function: Callable[..., Any], *args: Any) -> Any:
    """Call a function in which layers remember in this thread or task alone, until it returns.

    So a prediction does not hold on to its data, and may come between forward and backward.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> layer = xpnet.ReLU()
    >>> layer.forward(np.asarray([1.0, -1.0]))
    array([1., 0.])
    >>> call_keeping_memories(layer.forward, np.asarray([-2.0]))
    array([0.])
    >>> layer.backward(np.ones(2))
    array([1., 0.])
    """
    return call_with(_apart, {}, function, *args)


def memories_apart() -> dict[int, tuple[Any, ...]] | None:
    """Return what layers remember in such a function, by their identity; None outside of any."""
    return _apart.get()
