"""Which parameters are not trained: each layer has the names of its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from xpnet.layers.parameters import Parameters, parameters_of
from xpnet.layers.tree import walk

__all__ = ["is_trained", "set_frozen"]


def set_frozen(root: Any, paths: Iterable[str], *, to: bool) -> None:
    """Freeze parameters in the tree of a layer, or train them again.

    Parameters
    ----------
    root : layer
    paths : iterable of str
        Of parameters, or of layers for all in them; everything if it is empty.
    to : bool
        Whether they are frozen afterwards.

    Raises
    ------
    KeyError
        If there is nothing at a path; nothing has changed then.
    """
    params = parameters_of(root)
    layers = dict(walk(root))
    names = [name for path in paths or [""] for name in _names_at(params, layers, path)]
    for name in names:
        for layer, own_name in params.places(name):
            frozen = {*getattr(layer, "frozen", ())}
            frozen = frozen | {own_name} if to else frozen - {own_name}
            layer.frozen = frozenset(frozen)


def is_trained(layer: Any) -> bool:
    """Whether a layer, or one inside it, has a parameter that is not frozen."""
    if layer.params and not getattr(layer, "frozen", ()):  # as nearly always
        return True
    return any(
        own_name not in getattr(each, "frozen", ())
        for _, each in walk(layer)
        if not isinstance(each.params, Parameters)
        for own_name in each.params
    )


def _names_at(params: Parameters, layers: dict[str, Any], path: str) -> list[str]:
    if path in params:
        return [path]
    if path not in layers:
        known = ", ".join([*params, *filter(None, layers)])
        msg = f"there is no parameter or layer {path!r}; there are {known}"
        raise KeyError(msg)
    inside = [id(layer) for _, layer in walk(layers[path])]
    return [name for name in params if any(id(layer) in inside for layer, _ in params.places(name))]
