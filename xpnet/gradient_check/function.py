"""A function that returns its output and its backward, in the form of a layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xpnet._typing import Array

__all__ = ["as_layer"]


def as_layer(subject: Any) -> Any:
    """Return a layer as it is, and a function as a layer.

    Raises
    ------
    TypeError
        If it is neither.
    """
    if isinstance(subject, type):
        msg = f"check_gradients needs a layer, not its class: {subject.__name__}(...)"
        raise TypeError(msg)
    if callable(getattr(subject, "forward", None)) and callable(getattr(subject, "backward", None)):
        return subject
    if callable(subject):
        return _FunctionLayer(subject)
    msg = (
        "check_gradients needs a layer with forward and backward, or a function that returns "
        f"(y, backward), not a {type(subject).__name__}"
    )
    raise TypeError(msg)


class _FunctionLayer:
    """A function that returns its output and its backward, as a layer."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def forward(self, *inputs: Any) -> Any:
        result = self._function(*inputs)
        if not (isinstance(result, tuple) and len(result) == 2 and callable(result[1])):
            msg = f"a function to check must return (y, backward), not a {type(result).__name__}"
            raise TypeError(msg)
        y, self._backward = result
        return y

    def backward(self, dout: Array) -> Any:
        return self._backward(dout)
