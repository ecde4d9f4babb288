"""The tree of layers: what stands inside a layer or net, in order and by path.

Everything that must reach all layers walks this tree: moving, naming, freezing, copying,
compiling. It knows no class: a layer is what has ``forward``, ``backward``, ``params`` and
``grads``, and its children are what it says, or else the layers among its attributes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["child_at", "children_in", "children_of", "is_layer", "joined", "layers_in", "walk"]

_PARTS = ("forward", "backward", "params", "grads")

_NO_LAYERS = {type(None), bool, int, float, str, tuple, list, dict, frozenset}

# Attributes that hold no layers of the layer's own.
_NO_CHILDREN = ("params", "grads", "_memory")


def is_layer(value: Any) -> bool:
    """Whether an object, and no class, can be called as a layer."""
    kind = type(value)
    if kind in _NO_LAYERS or isinstance(value, type):
        return False
    # A property is looked for in the class, and not computed.
    return all(hasattr(kind, part) or hasattr(value, part) for part in _PARTS)


def children_of(layer: Any) -> Mapping[str, Any]:
    """Return the layers that stand directly inside a layer, in order and by name.

    Examples
    --------
    >>> import xpnet
    >>> list(children_of(xpnet.TwoLayerNet(4, 3, 2)))
    ['Affine1', 'ReLU1', 'Affine2', 'last_layer']
    """
    own = getattr(layer, "children", None)
    return own if isinstance(own, Mapping) else children_in(layer)


def children_in(layer: Any) -> dict[str, Any]:
    """Return the layers among the attributes of an object, and in lists and dicts there."""
    attributes = getattr(layer, "__dict__", {})
    found: dict[str, Any] = {}
    for name, value in attributes.items():
        if name not in _NO_CHILDREN:
            public = name.lstrip("_") or name
            found.update(_layers_in(name if public in attributes else public, value))
    return found


def _layers_in(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, list | tuple):
        value = dict(enumerate(value))
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _layers_in(f"{name}.{key}", inner)
    elif is_layer(value):
        yield name, value


def walk(root: Any) -> Iterator[tuple[str, Any]]:
    """Yield a layer and all that stand in it, each once, with their paths; the root has ``""``."""
    return _walk("", root, set())


def _walk(path: str, layer: Any, seen: set[int]) -> Iterator[tuple[str, Any]]:
    if id(layer) in seen:
        return
    seen.add(id(layer))
    yield path, layer
    for name, child in children_of(layer).items():
        yield from _walk(joined(path, name), child, seen)


def layers_in(root: Any) -> list[Any]:
    """Return a layer and all that stand in it, each once."""
    return [layer for _, layer in walk(root)]


def joined(path: str, name: str) -> str:
    """Return the path of what has a name in a layer.

    Examples
    --------
    >>> joined("blocks.0", "W"), joined("", "W")
    ('blocks.0.W', 'W')
    """
    return f"{path}.{name}" if path else name


def child_at(root: Any, path: str) -> Any:
    """Return the layer at a path.

    Raises
    ------
    KeyError
        If there is none; the text lists those that there are.
    """
    paths = {}
    for known, layer in walk(root):
        if known == path:
            return layer
        paths[known] = layer
    msg = f"there is no layer {path!r}; there are {', '.join(filter(None, paths)) or 'none'}"
    raise KeyError(msg)
