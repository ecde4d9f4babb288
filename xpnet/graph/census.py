"""The layers in a net, looked up anew when one may be another."""

from __future__ import annotations

from collections.abc import Iterator
from operator import is_
from typing import Any
from weakref import WeakKeyDictionary

from xpnet.graph.member import Member
from xpnet.layers.changes import latest_change
from xpnet.layers.tree import is_layer, walk

__all__ = ["Census", "census_of"]


class Census:
    """All layers in a net but itself.

    Attributes
    ----------
    members : dict of int to Member
        By the identity of the layer.
    to_fill : set of int
        The identities of those that forward may call: all but the loss.
    seen : set of int
        Those that were found to leave their inputs as they are.
    """

    def __init__(self, net: Any, before: Census | None = None) -> None:
        self._change = latest_change()
        layers = list(walk(net))
        self.members = {id(layer): Member(path, layer) for path, layer in layers[1:]}
        self.to_fill = {
            key
            for key, each in self.members.items()
            if not f"{each.path}.".startswith("last_layer.")
        }
        seen: set[int] = set() if before is None else before.seen
        self.seen: set[int] = {key for key in seen if key in self.members}
        self._contents = [each for _, layer in layers for each in _contents(layer)]

    def is_current(self) -> bool:
        """Whether the net has the same layers still."""
        if latest_change() is not self._change:
            return False
        for holder, kept in self._contents:
            values = holder.values() if isinstance(holder, dict) else holder
            if len(kept) != len(holder) or not all(map(is_, values, kept)):
                return False
        return True


def _contents(layer: Any) -> Iterator[tuple[Any, list[Any]]]:
    """Yield the lists and dicts of a layer in which others stand, and what is in them now.

    An assignment is noted, but not what is done to them.
    """
    for value in getattr(layer, "__dict__", {}).values():
        yield from _holders(value)


def _holders(value: Any) -> Iterator[tuple[Any, list[Any]]]:
    if type(value) in (list, tuple, dict):
        values = list(value.values() if isinstance(value, dict) else value)
        inner = [each for item in values for each in _holders(item)]
        if type(value) is not tuple and (inner or any(map(is_layer, values))):
            yield value, values
        yield from inner


_found: WeakKeyDictionary[Any, Census] = WeakKeyDictionary()


def census_of(net: Any) -> Census:
    """Return the census of a net, as it is now."""
    found = _found.get(net)
    if found is None or not found.is_current():
        found = _found[net] = Census(net, found)
    return found
