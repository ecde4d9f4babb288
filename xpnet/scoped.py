"""Context variables that have another value for one call, whatever interrupts it."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar, copy_context
from typing import Any, ParamSpec, TypeVar

__all__ = ["call_with"]

P = ParamSpec("P")
R = TypeVar("R")


def call_with(
    variable: ContextVar[Any],
    value: Any,
    function: Callable[P, R],
    *args: P.args,
    **kwargs: P.kwargs,
) -> R:
    """Call a function in a context of its own, in which a variable has a value.

    A block that sets a variable and resets it may be interrupted before it has reset it; here
    nothing is reset, for the context is left.

    Examples
    --------
    >>> variable = ContextVar("number", default=0)
    >>> call_with(variable, 5, variable.get), variable.get()
    (5, 0)
    """
    context = copy_context()
    context.run(variable.set, value)
    return context.run(function, *args, **kwargs)
