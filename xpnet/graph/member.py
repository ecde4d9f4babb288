"""What a graph must know of a layer when it is called."""

from __future__ import annotations

from typing import Any

from xpnet.errors import GraphError
from xpnet.layers.calls import is_of_layers, is_of_one_op
from xpnet.layers.parameters import Parameters
from xpnet.layers.tree import is_layer, layers_in

__all__ = ["Member", "member"]


class Member:
    """A layer that is called.

    Attributes
    ----------
    path : str
        Where it stands in a net.
    name : str
        That of its class.
    layer : layer
    parts : list of layers
        The layer, and all that stand in it.
    keys : list of int
        Their identities.
    owners : list of layers
        Those of the parts that have parameters of their own, not only a view.
    keeps_inputs, keeps_dout : bool
        Whether forward, and backward, surely leave their arguments as they are: they do nothing
        but call ops.
    """

    def __init__(self, path: str, layer: Any) -> None:
        self.path, self.name, self.layer = path, type(layer).__name__, layer
        self.parts = layers_in(layer)
        self.keys = [id(part) for part in self.parts]
        self.owners = [part for part in self.parts if not isinstance(part.params, Parameters)]
        self.keeps_inputs = all(_only_calls_ops(part, "forward") for part in self.parts)
        self.keeps_dout = all(_only_calls_ops(part, "backward") for part in self.parts)

    def is_trained(self) -> bool:
        """Whether a parameter in it is not frozen."""
        for owner in self.owners:
            params = owner.params
            if params:
                frozen = getattr(owner, "frozen", ())
                if not frozen or any(name not in frozen for name in params):
                    return True
        return False


def _only_calls_ops(layer: Any, method: str) -> bool:
    return is_of_one_op(layer, method) or is_of_layers(layer, method)


def member(path: str, layer: Any) -> Member:
    """Return what is to be known of a layer.

    Raises
    ------
    GraphError
        If it is none.
    """
    if is_layer(layer):
        return Member(path, layer)
    kind = layer if isinstance(layer, type) else f"a {type(layer).__name__}"
    msg = (
        f"{kind} is called with a Variable, and is neither a layer nor an op: a layer has forward, "
        "backward, params and grads"
    )
    raise GraphError(msg)
