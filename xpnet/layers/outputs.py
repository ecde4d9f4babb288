"""What layers put out, by their paths."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xpnet._typing import Array
from xpnet.layers.calls import Graph
from xpnet.layers.tree import walk

__all__ = ["Activations"]


class Activations:
    """Calls the layers in a net, and notes their outputs.

    Parameters
    ----------
    net : net

    Attributes
    ----------
    found : dict of str to array
        By the paths of the layers; a second one is at ``path#2``.
    """

    def __init__(self, net: Any) -> None:
        self._paths = {id(layer): path for path, layer in walk(net)}
        self._counts: dict[str, int] = {}
        self.found: dict[str, Array] = {}

    def forward(self, layer: Any, *inputs: Array) -> Any:
        """Run a layer forward."""
        y = layer.forward(*inputs)
        path = self._paths.get(id(layer), type(layer).__name__)
        count = self._counts[path] = self._counts.get(path, 0) + 1
        self.found[path if count == 1 else f"{path}#{count}"] = y
        return y

    def backward(self, layer: Any, *dout: Array, need_dx: bool = True) -> Any:
        """Run a layer backward."""
        return layer.backward(*dout)

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call an op."""
        return function(*arguments)

    def constant(self, array: Array) -> None:
        """Let a net compute with any array."""

    def forward_of_net(self, net: Any, graph: Graph, run: Callable[[], Any]) -> Any:
        """Run the forward of a net."""
        return run()

    def refuse(self, reason: str) -> None:
        """Let a net do what it likes."""
