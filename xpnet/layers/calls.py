"""How layers are called by what they stand in: as they are, or by somebody who takes notes.

A compiled step on NumPy runs a net once with a *recorder*, and containers let it call their layers.
What a layer does then is known from its methods: those marked :func:`of_one_op` or
:func:`of_layers` do no other work on arrays, all others are called as they are, time and again.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, Protocol, TypeVar

from xpnet._typing import Array
from xpnet.scoped import call_with

__all__ = [
    "RECORDED",
    "Recorder",
    "backward_of",
    "call",
    "is_of_layers",
    "is_of_one_op",
    "of_layers",
    "of_one_op",
    "op_of",
    "recorded_by",
    "recorder",
    "recording_graph",
    "recording_in",
    "takes_need_dx",
]

Method = TypeVar("Method", bound=Callable[..., Any])


class Recorder(Protocol):
    """Calls the methods of layers, and remembers what they did."""

    def forward(self, layer: Any, *inputs: Array) -> Any:
        """Run a layer forward."""

    def backward(self, layer: Any, *dout: Array, need_dx: bool = True) -> Any:
        """Run a layer backward."""

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call an op, or its derivative, or another function of arrays that is as pure."""

    def constant(self, array: Array) -> None:
        """Note that a net computes with an array that is none of its inputs."""

    def forward_of_net(self, net: Any, graph: Graph, run: Callable[[], Any]) -> Any:
        """Run the forward of a net, which calls its layers as it likes."""

    def refuse(self, reason: str) -> None:
        """Say what cannot be done again in the same way."""


class Graph(Protocol):
    """Records the calls of layers in the forward of a net."""

    is_listening: bool
    was_read: bool

    def call(self, layer: Any, inputs: tuple[Any, ...]) -> Any:
        """Run a layer forward on plain arrays, and return its output as a recorded value."""


RECORDED: dict[type, Callable[[Any, tuple[Any, ...]], Any]] = {}
"""What calls a layer with inputs among which there is a recorded value, by its type."""

_graph: ContextVar[Graph | None] = ContextVar("xpnet_graph", default=None)

_recorder: ContextVar[Recorder | None] = ContextVar("xpnet_recorder", default=None)


def recorder() -> Recorder | None:
    """Return who calls the layers in a container, here and now; None if it does so itself."""
    return _recorder.get()


def recorded_by(who: Recorder | None, function: Callable[..., Any], *args: Any) -> Any:
    """Call a function in which somebody calls the layers in containers; or nobody does."""
    return call_with(_recorder, who, function, *args)


def recording_graph() -> Graph | None:
    """Return what records the calls of layers here and now; None if nobody does."""
    graph = _graph.get()
    return graph if graph is not None and graph.is_listening else None


def recording_in(
    graph: Graph | None, function: Callable[..., Any], *args: Any, **named: Any
) -> Any:
    """Call a function in which calls of layers are recorded in a graph."""
    return call_with(_graph, graph, function, *args, **named)


def call(layer: Any, *inputs: Any) -> Any:
    """Run a layer forward; where a value is recorded, or a net's forward runs, record the call.

    A layer with a base class is called as it is, ``layer(x)``; this is for those without one, too.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> call(xpnet.ReLU(), np.asarray([-1.0, 2.0]))
    array([0., 2.])
    """
    for x in inputs:
        record = RECORDED.get(type(x))
        if record is not None:
            return record(layer, inputs)
    graph = recording_graph()
    return layer.forward(*inputs) if graph is None else graph.call(layer, inputs)


def backward_of(layer: Any, dout: Array, *, need_dx: bool = True) -> Any:
    """Run a layer backward, and tell it whether the gradient of its input is needed.

    A layer that does not take ``need_dx`` is not told, and computes all.
    """
    who = _recorder.get()
    if who is not None:
        return who.backward(layer, dout, need_dx=need_dx)
    if need_dx or not takes_need_dx(layer.backward):
        return layer.backward(dout)
    return layer.backward(dout, need_dx=False)


def takes_need_dx(backward: Callable[..., Any]) -> bool:
    """Whether a layer's backward can be told that the gradient of its input is not needed."""
    return _takes_need_dx(getattr(backward, "__func__", backward))


@lru_cache(maxsize=256)
def _takes_need_dx(function: Callable[..., Any]) -> bool:
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):  # it is no Python function
        return False
    kinds = {parameter.kind for parameter in parameters.values()}
    return "need_dx" in parameters or inspect.Parameter.VAR_KEYWORD in kinds


def of_one_op(op: Callable[..., Any]) -> Callable[[Method], Method]:
    """Mark a method of a layer: all its work on arrays is one op of xpnet.

    What the op's kernel does may then be done again in its place, as long as the layer's mode
    stays the same. The op of a forward takes the inputs and then the parameters in order.
    """

    def marked(method: Method) -> Method:
        method.marked_as = "of one op"  # type: ignore[attr-defined]
        method.op = op  # type: ignore[attr-defined]
        return method

    return marked


def of_layers(method: Method) -> Method:
    """Mark a method of a container: it does nothing to arrays but call its layers.

    It must let :func:`recorder` call them, if there is one.
    """
    method.marked_as = "of layers"  # type: ignore[attr-defined]
    return method


def op_of(method: Callable[..., Any]) -> Callable[..., Any] | None:
    """Return the op that a method is marked with."""
    return getattr(method, "op", None)


def is_of_layers(layer: Any, *names: str) -> bool:
    """Whether methods and properties of a layer are all marked with :func:`of_layers`."""
    return all(getattr(_function(layer, name), "marked_as", None) == "of layers" for name in names)


def is_of_one_op(layer: Any, name: str) -> bool:
    """Whether a method is marked with :func:`of_one_op`, and means what it meant there.

    A subclass may depend on more: it is called as it is if it has anything of its own by a name
    that the class with the mark has, too.
    """
    function = _function(layer, name)
    marked = getattr(function, "marked_as", None) == "of one op"
    kind: Any = type(layer)
    return marked and _adds_alone(kind, name)


def _function(layer: Any, name: str) -> Any:
    if name in getattr(layer, "__dict__", {}):
        return None
    function = getattr(type(layer), name, None)
    return function.fget if isinstance(function, property) else function


@lru_cache(maxsize=256)
def _adds_alone(kind: type, name: str) -> bool:
    for index, owner in enumerate(kind.__mro__):
        if name in vars(owner):
            own = {n for n in dir(owner) if not _is_special(n)}
            own |= {n for base in owner.__mro__ for n in inspect.get_annotations(base)}
            added = {n for between in kind.__mro__[:index] for n in vars(between)}
            return not added & own
    return False


def _is_special(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")
