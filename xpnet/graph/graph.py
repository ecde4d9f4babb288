"""What records calls: the graph of one forward of a net, and the one that is free of nets."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet.arrays import array_namespace, to_numpy
from xpnet.backends import adapter_of
from xpnet.checks import check_floats, upstream_shape_text
from xpnet.dtypes import dtype_name, is_float
from xpnet.errors import GraphError, ShapeError
from xpnet.graph.calls import LayerNode
from xpnet.graph.member import Member, member
from xpnet.graph.node import Node, Several, next_number
from xpnet.graph.ops import OpNode, call_op
from xpnet.graph.variable import Variable
from xpnet.graph.way_back import go_back
from xpnet.layers.calls import RECORDED
from xpnet.layers.state import is_array
from xpnet.ops.op import RECORDERS

__all__ = ["FreeGraph", "Graph"]

_new = object.__new__
_NUMBERS = (int, float, type(None), bool, str, slice)


class Graph:
    """Records calls of ops and layers as nodes.

    Attributes
    ----------
    is_open : bool
        Whether values of it may be used.
    is_listening : bool
        Whether calls of layers are to be recorded: not while one runs, for what it calls is its
        own business.
    who : recorder or None
        Who calls ops and methods of layers, in a compiled step.
    was_read : bool
        Whether somebody has looked at a value.
    """

    def __init__(self, who: Any = None) -> None:
        self.is_open = self.is_listening = True
        self.who, self.was_read = who, False

    def value(self, data: Any, number: int | None = None, node: Node | None = None) -> Variable:
        """Return a recorded value."""
        value = _new(Variable)
        value._data, value._graph, value._node = data, self, node
        value._number = next_number() if number is None else number
        return value

    def op(self, op: Any, arguments: tuple[Any, ...]) -> Any:
        """Compute an op on plain arguments, given in order, and record the call."""
        plain = self._plain(arguments, op)
        y = call_op(self.who, op, plain)
        inputs = arguments if op.arrays == op.names else _of_arrays(op, arguments)
        node = OpNode(inputs, y, op, plain)
        self.keep(node)
        if node.several is None:
            return self.value(y, node.number, node)
        return self._values(node, node.several)

    def call(self, layer: Any, inputs: tuple[Any, ...]) -> Any:
        """Run a layer forward on plain arrays, and record the call."""
        called = self.member(layer)
        arrays = self._plain(inputs, layer)
        is_alone = self.set_aside(called)
        self.is_listening = False
        try:
            if self.who is not None:
                y = self.who.forward(layer, *arrays)
            elif called.keeps_inputs or not self.is_suspect(layer):
                y = layer.forward(*arrays)
            else:
                y = _watched_forward(layer, arrays)
        finally:
            self.is_listening = True
        node = LayerNode(inputs, y, called, is_alone)
        self.keep_call(node)
        if node.several is None:
            return self.value(y, node.number, node)
        return self._values(node, node.several)

    def note_read(self) -> None:
        """Note that somebody has read a value."""
        self.was_read = True

    def keep(self, node: Node) -> None:
        """Keep a node."""

    def keep_call(self, node: LayerNode) -> None:
        """Keep a node, and which layers were called."""

    def member(self, layer: Any) -> Member:
        """Return what is to be known of a layer."""
        return member("", layer)

    def set_aside(self, called: Member) -> bool:
        """Keep what earlier calls of these layers remember; return whether there are none."""
        return True

    def is_suspect(self, layer: Any) -> bool:
        """Whether nobody has seen yet that a layer leaves its inputs as they are."""
        return True

    def note_constant(self, array: Any) -> None:
        """Note an array that is no recorded value, with which something is computed."""

    def closed_text(self) -> str:
        """Say whose values those of this graph are, once its forward has ended."""
        return "a value"

    def backward(self, end: Variable, dout: Any) -> None:
        """Go back from a value; see :meth:`xpnet.Variable.backward`."""
        raise NotImplementedError

    def _plain(self, values: tuple[Any, ...], called: Any) -> tuple[Any, ...]:
        """Return the arrays of recorded values, and all else as it is."""
        found = []
        for value in values:
            if type(value) is Variable:
                if value._graph is not self or not self.is_open:
                    raise GraphError(_of_another_graph(called, value))
                found.append(value._data)
            elif type(value) in (list, tuple):
                found.append(type(value)(self._plain(tuple(value), called)))
            else:
                if type(value) not in _NUMBERS and is_array(value):
                    self.note_constant(value)
                found.append(value)
        return tuple(found)

    def _values(self, node: Node, several: Several) -> Any:
        pairs = zip(several.arrays, several.numbers, strict=True)
        return tuple([self.value(array, number, node) for array, number in pairs])


def _of_arrays(op: Any, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the arguments that gradients belong to, those in a list one by one."""
    found: list[Any] = []
    for name in op.arrays:
        value = arguments[op.names.index(name)]
        found += value if isinstance(value, list | tuple) else (value,)
    return tuple(found)


def _watched_forward(layer: Any, arrays: tuple[Any, ...]) -> Any:
    """Run a layer forward, and make sure that its inputs stay as they are."""
    before = [np.array(to_numpy(a)) if is_array(a) else None for a in arrays]
    y = layer.forward(*arrays)
    for number, (then, now) in enumerate(zip(before, arrays, strict=True)):
        if then is not None and not np.array_equal(then, to_numpy(now), equal_nan=True):
            raise GraphError(_changes_its_input(layer, number))
    return y


class FreeGraph(Graph):
    """What is computed from Variables that a user has made, outside of nets.

    It keeps nothing: each value leads back to the call that it came from.
    """

    def set_aside(self, called: Member) -> bool:
        return False  # who else calls the layers later, is not known

    def keep_call(self, node: LayerNode) -> None:
        node.set_aside()

    def backward(self, end: Variable, dout: Any) -> None:
        dout = _upstream(end, dout)
        nodes: dict[int, Node] = {}
        values: dict[int, Variable] = {}
        waiting = [end]
        while waiting:  # no recursion: a deep graph would reach Python's limit
            value = waiting.pop()
            if value._number in values:
                continue
            values[value._number] = value
            node = value._node
            if node is not None and node.number not in nodes:
                nodes[node.number] = node
                waiting += [source for source in node.inputs if type(source) is Variable]
        gradients = {end._number: dout}
        newest_first = [nodes[number] for number in sorted(nodes, reverse=True)]
        go_back(newest_first, gradients)
        for number, value in values.items():
            value.grad = gradients.get(number)


def _upstream(end: Variable, dout: Any) -> Any:
    """Return the gradient to begin with, having made sure that it fits."""
    data = end._data
    if not hasattr(data, "shape"):
        if dout is not None and type(dout) not in (int, float):
            msg = f"backward: dout is a {type(dout).__name__}, but the value is a number"
            raise ShapeError(msg)
        return 1.0 if dout is None else dout
    if not is_float(data.dtype):
        msg = f"backward: the value is of dtype {dtype_name(data.dtype)}, which has no gradient"
        raise GraphError(msg)
    if dout is None:
        if end.shape != ():
            msg = (
                f"backward: the value has shape {end.shape} and is no scalar; give dout, the "
                "gradient of what follows, in this shape, or call backward of a sum or mean"
            )
            raise ShapeError(msg)
        return array_namespace(data).ones_like(data)
    if type(dout) in (int, float) and end.shape == ():
        return array_namespace(data).full_like(data, dout)
    check_floats("backward", dout=dout, y=data)
    if tuple(dout.shape) != end.shape:
        raise ShapeError(upstream_shape_text("backward", tuple(dout.shape), end.shape))
    return adapter_of(dout).plain(dout)


def _of_another_graph(called: Any, value: Variable) -> str:
    name = getattr(called, "__name__", type(called).__name__)
    if not value._graph.is_open:
        return f"{name}: {value!r} is {value._graph.closed_text()}"
    return (
        f"{name}: {value!r} belongs to another graph: it was made outside of the forward that runs "
        "now; take its plain value, data, as a constant, or make it an input of forward"
    )


def _changes_its_input(layer: Any, number: int) -> str:
    return (
        f"{type(layer).__name__}: forward changes its input {number} in place, which others in the "
        "net may need; compute a new array, as y = 2 * x and not x *= 2"
    )


FREE = FreeGraph()
Variable._free = FREE


def _record_op(op: Any, arguments: dict[str, Any]) -> Any:
    values = tuple(arguments.values())
    return _graph_of(values).op(op, values)


def _record_call(layer: Any, inputs: tuple[Any, ...]) -> Any:
    return _graph_of(inputs).call(layer, inputs)


def _graph_of(values: Any) -> Graph:
    for value in values:
        if type(value) is Variable:
            return value._graph  # type: ignore[no-any-return]
        if type(value) in (list, tuple):
            for each in value:
                if type(each) is Variable:
                    return each._graph  # type: ignore[no-any-return]
    msg = "no argument is a Variable"
    raise GraphError(msg)


RECORDERS[Variable] = _record_op
RECORDED[Variable] = _record_call
