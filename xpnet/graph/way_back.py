"""Backpropagation: through the nodes of a graph, the latest first."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from xpnet.arrays import array_namespace
from xpnet.graph.calls import LayerNode, Sweep, sum_of
from xpnet.graph.node import Node
from xpnet.graph.ops import OpNode
from xpnet.graph.variable import Variable

__all__ = ["go_back"]


def go_back(
    nodes: Iterable[Node], gradients: dict[int, Any], wanted: Collection[int] | None = None
) -> Sweep:
    """Go back through nodes, and add the gradient of each value to those that there are.

    Parameters
    ----------
    nodes : iterable of nodes
        Each before those that its inputs come from.
    gradients : dict of int to array
        Of values by their numbers; at first those of the outputs.
    wanted : collection of int, optional
        The values whose gradients are wanted; all unless given.
    """
    sweep = Sweep()
    who, known = sweep.who, gradients.get
    ours: set[int] = set()  # the values whose gradients a layer may write to: nobody else has them
    for node in nodes:  # each line here is run for each node, and counts
        number = node.number
        dout = known(number)
        douts: Sequence[Any] = (dout,)
        if node.several is not None:
            douts = [known(each) for each in node.several.numbers]
            dout = next((each for each in douts if each is not None), None)
        if dout is None:
            continue
        inputs = node.inputs
        needed = [type(x) is Variable and (wanted is None or x._number in wanted) for x in inputs]
        is_ours = False
        if isinstance(node, LayerNode):
            is_ours = number in ours and node.several is None
            if not is_ours and not node.called.keeps_dout:
                # A layer of one's own may write to it, as the book's Relu does.
                douts = [None if dout is None else _copied(dout, who) for dout in douts]
                is_ours = True
            found = node.back(douts, True in needed, sweep)
        else:
            assert isinstance(node, OpNode)
            found = node.back(douts, needed, who)
        dx = found if isinstance(found, tuple | list) else (found,)
        for source, gradient, is_needed in zip(inputs, dx, needed, strict=False):
            if is_needed and gradient is not None:
                number = source._number
                earlier = known(number)
                if earlier is not None:
                    gradients[number] = sum_of(earlier, gradient, who)
                    ours.add(number)
                else:
                    gradients[number] = gradient
                    if is_ours and len(dx) == 1:
                        ours.add(number)
    return sweep


def _copied(dout: Any, who: Any) -> Any:
    if not hasattr(dout, "shape"):
        return dout
    return _copy(dout) if who is None else who.call(_copy, dout)


def _copy(array: Any) -> Any:
    return array_namespace(array).asarray(array, copy=True)
