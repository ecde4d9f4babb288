"""Calls of layers in a graph: each has the memory of its own, and their gradients add up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xpnet._typing import Array
from xpnet.arrays import array_namespace
from xpnet.graph.member import Member
from xpnet.graph.memory import Memory
from xpnet.graph.node import Node, Several, next_number
from xpnet.layers.calls import recorder, takes_need_dx
from xpnet.layers.parameters import Parameters
from xpnet.quiet import quiet

__all__ = ["LayerNode", "Sweep", "sum_of"]


class Sweep:
    """One way back through a graph.

    Attributes
    ----------
    who : recorder or None
        Who calls the methods of layers.
    reached : set of int
        The layers that have gone back already, by identity.
    """

    def __init__(self) -> None:
        self.who = recorder()
        self.reached: set[int] = set()


class LayerNode(Node):
    """A call of a layer.

    Attributes
    ----------
    called : Member
        The layer, and all that stand in it.
    is_alone : bool
        Whether no other call in the graph is of one of these layers.
    memory : Memory or None
        What they remember of this call; None while they still do so themselves.
    """

    __slots__ = ("called", "is_alone", "memory")

    def __init__(self, inputs: tuple[Any, ...], y: Any, called: Member, is_alone: bool) -> None:
        self.inputs, self.number = inputs, next_number()
        self.several = Several.of(self.number, y) if type(y) in (tuple, list) else None
        self.called, self.is_alone = called, is_alone
        self.memory: Memory | None = None

    def set_aside(self) -> None:
        """Keep what the layers remember of this call, for another one comes."""
        self.is_alone = False
        if self.memory is None:
            self.memory = Memory(self.called.parts)

    def back(self, douts: Sequence[Any], need_dx: bool, sweep: Sweep) -> Any:
        """Run the layer backward, and add its gradients to those of its other calls."""
        called = self.called
        if self.several is not None:
            douts = [
                array_namespace(y).zeros_like(y) if dout is None else dout
                for y, dout in zip(self.several.arrays, douts, strict=True)
            ]
        if self.is_alone:
            sweep.reached.update(called.keys)
            if sweep.who is None and need_dx:
                return called.layer.backward(*douts)
            return self._back(douts, need_dx, sweep.who)
        others = self._grads_of_others(sweep)
        sweep.reached.update(called.keys)
        now = None if self.memory is None else self.memory.put_back()
        try:
            return self._back(douts, need_dx, sweep.who)
        finally:
            if self.memory is not None and now is not None:
                self.memory.take_away(now)
            self._add(others, sweep)

    def _back(self, douts: Sequence[Any], need_dx: bool, who: Any) -> Any:
        layer = self.called.layer
        if who is not None:
            return who.backward(layer, *douts, need_dx=need_dx)
        backward = layer.backward
        if need_dx or not takes_need_dx(backward):
            return backward(*douts)
        return backward(*douts, need_dx=False)

    def _grads_of_others(self, sweep: Sweep) -> list[tuple[Any, dict[str, Array]]]:
        """Return what other calls have found, having made room for what this one finds."""
        found = []
        for part in self.called.parts:
            if id(part) in sweep.reached and not isinstance(part.params, Parameters):
                found.append((part, dict(part.grads)))
                # Backward may write to the arrays that it finds, and is not to write to those.
                zeros = {n: array_namespace(g).zeros_like(g) for n, g in part.grads.items()}
                part.grads.update(zeros)
        return found

    def _add(self, others: list[tuple[Any, dict[str, Array]]], sweep: Sweep) -> None:
        for part, grads in others:
            for name, grad in grads.items():
                own = part.grads.get(name)
                part.grads[name] = grad if own is None else sum_of(grad, own, sweep.who)


def sum_of(a: Any, b: Any, who: Any = None) -> Any:
    """Return a new array ``a + b`` of two gradients for one value."""
    return _sum(a, b) if who is None else who.call(_sum, a, b)


@quiet
def _sum(a: Any, b: Any) -> Any:
    return a + b
