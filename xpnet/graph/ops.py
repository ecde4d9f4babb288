"""Calls of ops in a graph: what their derivatives need is kept for the way back."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Any

from xpnet.errors import GraphError
from xpnet.graph.node import Node, Several, next_number

__all__ = ["OpNode", "call_op"]


class OpNode(Node):
    """A call of an op.

    Its inputs are the arguments that gradients belong to.

    Attributes
    ----------
    op : op
    arguments : tuple
        Plain ones, in the order of ``op.names``.
    y : array or tuple of arrays
        What it returned.
    """

    __slots__ = ("arguments", "op", "y")

    def __init__(
        self, inputs: tuple[Any, ...], y: Any, op: Any, arguments: tuple[Any, ...]
    ) -> None:
        self.inputs, self.number = inputs, next_number()
        self.several = Several.of(self.number, y) if type(y) in (tuple, list) else None
        self.op, self.arguments, self.y = op, arguments, y

    def back(self, douts: Sequence[Any], needed: Sequence[bool], who: Any) -> Any:
        """Return the gradients of the inputs, given those of the outputs."""
        op = self.op
        derivative, of = op.backward, None
        if derivative is None:
            raise GraphError(_no_derivative(op.__name__))
        if self.several is not None and any(dout is not None for dout in douts[1:]):
            msg = f"{op.__name__}: only the first of its outputs, {op.results[0]}, has a derivative"
            raise GraphError(msg)
        if op.partial and not all(needed):
            of = tuple([name for name, need in zip(op.arrays, needed, strict=True) if need])
            derivative = op.partial.get(of, derivative)
        arguments = self.arguments
        values = [
            arguments[place] if type(place) is int else self._other(place, needed)
            for place in _places(op, derivative)
        ]
        found = call_op(who, derivative, (douts[0], *values))
        if of is None or derivative is op.backward:
            return found
        by_name = dict(zip(of, found if isinstance(found, tuple) else (found,), strict=True))
        return tuple([by_name.get(name) for name in op.arrays])

    def _other(self, name: Any, needed: Sequence[bool]) -> Any:
        if name == "needed":
            return needed
        results = self.op.results
        return self.y if len(results) == 1 else self.y[results.index(name)]


def call_op(who: Any, op: Any, arguments: tuple[Any, ...]) -> Any:
    """Call an op, or a derivative, with all its arguments in order."""
    keywords = _keywords(op)
    if keywords:
        places = len(arguments) - len(keywords)
        op = partial(op, **dict(zip(keywords, arguments[places:], strict=True)))
        arguments = arguments[:places]
    return op(*arguments) if who is None else who.call(op, *arguments)


@lru_cache(maxsize=1024)
def _keywords(op: Any) -> tuple[str, ...]:
    """Return the arguments that an op takes by name alone, which come last."""
    parameters = inspect.signature(op).parameters.values()
    return tuple([p.name for p in parameters if p.kind is p.KEYWORD_ONLY and p.name != "out"])


def _no_derivative(name: str) -> str:
    if name.endswith(("_backward", "_gradients")):
        return f"{name} is a derivative, and derivatives of derivatives are not offered"
    return f"{name} has no derivative"


@lru_cache(maxsize=1024)
def _places(op: Any, derivative: Any) -> tuple[int | str, ...]:
    """Return where a derivative finds what it takes: among the arguments, or by which name."""
    names = getattr(derivative, "names", None) or tuple(inspect.signature(derivative).parameters)
    return tuple([op.names.index(n) if n in op.names else n for n in names[1:]])
