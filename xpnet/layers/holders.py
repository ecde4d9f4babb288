"""Who else has an array for a parameter, where arrays cannot be written to.

On most libraries a parameter is changed in place, and whoever has the array sees it: the net from
which a user has taken it, too. Arrays of JAX are replaced; to mean the same, all layers that have
the old one must get the new one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xpnet._typing import Array
from xpnet.layers.changes import all_watched

__all__ = ["holders_of"]


def holders_of(params: Mapping[str, Array], name: str, param: Array) -> list[tuple[Any, str]]:
    """Return the layers that have a parameter, and its name in each.

    Those are known to the parameters of a net; an array in any other mapping is looked for in all
    layers that there are.
    """
    places = getattr(params, "places", None)
    if places is not None:
        found: list[tuple[Any, str]] = places(name)
        return found
    return [
        (layer, own_name)
        for layer in all_watched()
        for own_name, array in dict(getattr(layer, "params", {})).items()
        if array is param
    ]
