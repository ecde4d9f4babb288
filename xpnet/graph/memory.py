"""What a layer remembers of one call, while it is called again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from xpnet._typing import Array
from xpnet.arrays import detached
from xpnet.backends import adapter_of
from xpnet.layers.memories import memories_apart
from xpnet.layers.state import is_array, taken_apart

__all__ = ["Memory"]

# They are what the layer has, not what it remembers.
_KEPT = ("params", "grads", "_params")


class Memory:
    """All attributes of layers as a call has left them, whatever they call what they remember.

    Arrays among the attributes are copied, for the next call may write to them; those that
    ``Layer._save`` has are not written to again.

    Parameters
    ----------
    layers : iterable of layers
    """

    def __init__(self, layers: Iterable[Any]) -> None:
        self._layers = list(layers)
        self._then = [_copied(_attributes(layer)) for layer in self._layers]

    def put_back(self) -> list[dict[str, Any]]:
        """Let the layers remember the call again, and return what they remember now."""
        now = [_attributes(layer) for layer in self._layers]
        for layer, then in zip(self._layers, self._then, strict=True):
            _assign(layer, then)
        return now

    def take_away(self, now: list[dict[str, Any]]) -> None:
        """Let the layers remember what they did before; what backward has changed stays."""
        for layer, then, before in zip(self._layers, self._then, now, strict=True):
            found = _attributes(layer)
            unchanged = {k: v for k, v in before.items() if found.get(k) is then.get(k)}
            _assign(layer, unchanged)


def _attributes(layer: Any) -> dict[str, Any]:
    """Return the attributes of a layer by name, in slots too, and what it has saved."""
    found = {**getattr(layer, "__dict__", {})}
    for kind in type(layer).__mro__:
        slots = vars(kind).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if hasattr(layer, name):
                found[name] = getattr(layer, name)
    memories = memories_apart()
    if memories is not None and id(layer) in memories:
        found["_memory"] = memories[id(layer)]
    return {name: value for name, value in found.items() if name not in _KEPT}


def _assign(layer: Any, attributes: dict[str, Any]) -> None:
    memories = memories_apart()
    if memories is not None and "_memory" in attributes:
        attributes = dict(attributes)
        memories[id(layer)] = attributes.pop("_memory")
    own = getattr(layer, "__dict__", None)
    for name, value in attributes.items():
        if own is not None and name in own:
            own[name] = value  # past the watch: the layer has not changed
        else:
            object.__setattr__(layer, name, value)


def _copied(attributes: dict[str, Any]) -> dict[str, Any]:
    copies: dict[int, Array] = {}
    found = {}
    for name, value in attributes.items():
        if name != "_memory":
            parts = taken_apart(value)
            for array in parts.arrays:
                copies.setdefault(id(array), _copy(array))
            found[name] = parts.rebuilt([copies[id(array)] for array in parts.arrays])
    saved = attributes.get("_memory")
    if type(saved) is tuple:
        saved = tuple(copies.get(id(v), v) if is_array(v) else v for v in saved)
    return {**found, "_memory": saved} if "_memory" in attributes else found


def _copy(array: Array) -> Array:
    adapter, plain = adapter_of(array), detached(array)
    return adapter.xp.asarray(plain, copy=True) if adapter.is_writable(plain) else array
