"""The graph of one forward of a net."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xpnet.arrays import array_namespace
from xpnet.dtypes import is_float
from xpnet.errors import BackwardError, GraphError, XpnetError
from xpnet.graph.calls import LayerNode, sum_of
from xpnet.graph.census import Census
from xpnet.graph.graph import Graph
from xpnet.graph.member import Member, member
from xpnet.graph.node import Node
from xpnet.graph.variable import Variable
from xpnet.graph.way_back import go_back
from xpnet.layers.calls import recorder
from xpnet.layers.parameters import Parameters
from xpnet.layers.state import is_array

__all__ = ["NetGraph", "Recorded"]


class Recorded:
    """What a net remembers of one forward.

    Parameters
    ----------
    census : Census
        The layers of the net.
    nodes : list of nodes
        In the order in which they were made.
    inputs : tuple
        Those of forward: recorded values, and what is passed as it is.
    ends : tuple
        The outputs of forward, recorded or not.
    """

    __slots__ = ("census", "ends", "inputs", "nodes")

    def __init__(
        self, census: Census, nodes: list[Node], inputs: tuple[Any, ...], ends: tuple[Any, ...]
    ) -> None:
        self.census, self.nodes, self.inputs, self.ends = census, nodes, inputs, ends

    def back(self, douts: tuple[Any, ...], *, need_dx: bool) -> list[Any]:
        """Go back from the outputs, and return the gradients of the inputs."""
        gradients: dict[int, Any] = {}
        for end, dout in zip(self.ends, douts, strict=True):
            if type(end) is Variable and dout is not None:
                earlier = gradients.get(end._number)
                gradients[end._number] = (
                    dout if earlier is None else sum_of(earlier, dout, recorder())
                )
        wanted = None if need_dx else self._led_to_by_parameters()
        sweep = go_back(reversed(self.nodes), gradients, wanted)
        self._fill(sweep.reached)
        if not need_dx:
            return [None for _ in self.inputs]
        return [_gradient(x, gradients) for x in self.inputs]

    def _led_to_by_parameters(self) -> set[int]:
        """Return the values that depend on a parameter which is trained."""
        wanted: set[int] = set()
        for node in self.nodes:
            is_wanted = any(type(x) is Variable and x._number in wanted for x in node.inputs)
            if not is_wanted and isinstance(node, LayerNode):
                is_wanted = node.called.is_trained()
            if is_wanted:
                wanted.update((node.number,) if node.several is None else node.several.numbers)
        return wanted

    def _fill(self, reached: set[int]) -> None:
        """Give gradients of 0 to layers that nothing led back to, not those of an earlier step."""
        for key in self.census.to_fill - reached:
            layer = self.census.members[key].layer
            if not isinstance(layer.params, Parameters):
                for name, param in layer.params.items():
                    layer.grads[name] = array_namespace(param).zeros_like(param)


class NetGraph(Graph):
    """Records the calls in the forward of a net.

    Parameters
    ----------
    net : Net
    census : Census
        Its layers.
    who : recorder or None
        As :attr:`Graph.who`.
    """

    def __init__(self, net: Any, census: Census, who: Any) -> None:
        super().__init__(who)
        self._name, self._census = type(net).__name__, census
        self._nodes: list[Node] = []
        self._called: dict[int, LayerNode] = {}
        self._others: dict[int, Member] = {}
        self._constants: list[Any] = []

    def record(self, forward: Callable[..., Any], *inputs: Any, **named: Any) -> Any:
        """Run a forward, and return its result and what is remembered of it."""
        try:
            y = forward(*inputs, **named)
            ends = tuple(y) if type(y) in (tuple, list) else (y,)
            for end in ends:
                self._check_end(end)
            self._check_constants()
            return y, Recorded(self._census, self._nodes, (*inputs[1:], *named.values()), ends)
        finally:
            # Whoever keeps a value of this forward does not keep all that was recorded.
            self.is_open = self.is_listening = False
            self._nodes, self._called, self._constants = [], {}, []

    def keep(self, node: Node) -> None:
        self._nodes.append(node)

    def keep_call(self, node: LayerNode) -> None:
        self._nodes.append(node)
        for key in node.called.keys:
            self._called[key] = node

    def call(self, layer: Any, inputs: tuple[Any, ...]) -> Any:
        try:
            return super().call(layer, inputs)
        except XpnetError as error:
            known = self._census.members.get(id(layer))
            if known is not None:
                error.add_note(f"This is layer {known.path} of {self._name}.")
            raise

    def set_aside(self, called: Member) -> bool:
        is_alone = True
        for key in called.keys:
            if key in self._called:
                self._called[key].set_aside()
                is_alone = False
        return is_alone

    def is_suspect(self, layer: Any) -> bool:
        if id(layer) in self._census.seen:
            return False
        self._census.seen.add(id(layer))
        return True

    def note_constant(self, array: Any) -> None:
        self._constants.append(array)
        if self.who is not None:
            self.who.constant(array)

    def closed_text(self) -> str:
        return f"a value of an earlier forward of {self._name}, which has ended; take its data"

    def backward(self, end: Variable, dout: Any) -> None:
        msg = (
            f"{self._name}: its forward cannot go back, for the net does so itself, in backward; "
            "return the value"
        )
        raise BackwardError(msg)

    def member(self, layer: Any) -> Member:
        known = self._census.members.get(id(layer)) or self._others.get(id(layer))
        if known is None:
            known = self._others[id(layer)] = member("", layer)
            if known.is_trained():
                msg = (
                    f"{self._name}: forward calls {type(layer).__name__}, which is none of its "
                    "layers and would not be trained; assign it to an attribute in __init__, or "
                    "into a list or dict there"
                )
                raise GraphError(msg)
            if self.who is not None:
                kind = type(layer).__name__
                self.who.refuse(
                    f"{self._name} calls {kind}, which is none of its layers; assign it to an "
                    "attribute in __init__"
                )
        return known

    def _check_constants(self) -> None:
        """Make sure that none is a parameter, or a view of one, which would have no gradient."""
        if not self._constants:
            return
        params = {
            id(param): f"{each.path}.{name}"
            for each in self._census.members.values()
            if not isinstance(each.layer.params, Parameters)
            for name, param in each.layer.params.items()
            if name not in getattr(each.layer, "frozen", ())
        }
        for array in self._constants:
            bases = (getattr(array, "base", None), getattr(array, "_base", None))
            for each in (array, *bases):
                if id(each) in params:
                    msg = (
                        f"{self._name}: forward computes with the parameter {params[id(each)]}, "
                        "which would have no gradient; call its layer, layer(x), and not "
                        "layer.forward(x)"
                    )
                    raise GraphError(msg)

    def _check_end(self, end: Any) -> None:
        if type(end) is Variable:
            if end._graph is not self:
                msg = f"{self._name}: forward returns {end!r}, which belongs to another graph"
                raise GraphError(msg)
        elif not is_array(end) and type(end) not in (int, float):
            msg = (
                f"{self._name}: forward returns a {type(end).__name__}; it must return an array, "
                "or a tuple of arrays"
            )
            raise GraphError(msg)


def _gradient(x: Any, gradients: dict[int, Any]) -> Any:
    """Return the gradient of an input; 0 where nothing led to it, None where there can be none."""
    if type(x) is not Variable:
        return None
    found = gradients.get(x._number)
    if found is not None:
        return found
    data = x._data
    if not hasattr(data, "shape"):
        return 0.0
    return array_namespace(data).zeros_like(data) if is_float(data.dtype) else None
