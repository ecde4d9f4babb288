"""Ops that check their arguments themselves, and that a graph can record."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, Protocol, cast

from xpnet.errors import NotWritableError
from xpnet.ops.op import RECORDERS

__all__ = ["Recordable", "recordable"]


class Recordable(Protocol):
    """What such an op has besides being a function: the same as a declared one.

    Attributes
    ----------
    names : tuple of str
        Of its arguments in order.
    arrays : tuple of str
        Of those that the gradients belong to.
    results : tuple of str
        What it returns.
    backward : callable or None
        Its derivative: takes ``dout``, and then by name what it needs. That may be ``needed``: for
        each of ``arrays``, whether somebody will read its gradient.
    """

    __name__: str
    names: tuple[str, ...]
    arrays: tuple[str, ...]
    results: tuple[str, ...]
    backward: Callable[..., Any] | None

    def __call__(self, *inputs: Any, **settings: Any) -> Any: ...


def recordable(
    *arrays: str, backward: Callable[..., Any] | None = None
) -> Callable[[Callable[..., Any]], Recordable]:
    """Declare an op.

    Parameters
    ----------
    *arrays : str
        As :attr:`Recordable.arrays`.
    backward : callable, optional
        As :attr:`Recordable.backward`.

    Examples
    --------
    >>> @recordable("x", backward=lambda dout, x: 2 * dout * x)
    ... def square(x):
    ...     return x * x
    >>> square(3.0), square.names
    (9.0, ('x',))
    """

    def declare(function: Callable[..., Any]) -> Recordable:
        signature = inspect.signature(function)

        def op(*inputs: Any, **settings: Any) -> Any:
            for value in (*inputs, *settings.values()) if settings else inputs:
                record: Any = RECORDERS.get(type(value))
                if record is None and type(value) in (list, tuple):
                    record = next((r for v in value if (r := RECORDERS.get(type(v)))), None)
                if record is not None:
                    bound = signature.bind(*inputs, **settings)
                    bound.apply_defaults()
                    arguments = dict(bound.arguments)
                    if arguments.pop("out", None) is not None:
                        msg = f"{op.__name__}: what is recorded is not written to out; leave it out"
                        raise NotWritableError(msg)
                    return record(op, arguments)
            return function(*inputs, **settings)

        declared: Any = wraps(function)(op)
        declared.names, declared.arrays = (
            tuple(n for n in signature.parameters if n != "out"),
            arrays,
        )
        declared.results, declared.backward, declared.partial = ("y",), backward, {}
        return cast("Recordable", declared)

    return declare
