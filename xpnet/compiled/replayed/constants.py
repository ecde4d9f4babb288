"""Arrays that a net computes with besides its inputs: they must be the same in each step."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from xpnet.compiled.not_compiled import NotCompiledError
from xpnet.layers.parameters import Parameters
from xpnet.layers.state import attributes_of, taken_apart
from xpnet.layers.tree import layers_in

__all__ = ["Constants"]

_Host: TypeAlias = np.ndarray[Any, Any]


class Constants:
    """Arrays among the attributes of layers, or views of such, with which a net computes.

    Parameters
    ----------
    root : net
        In whose layers they are.
    """

    def __init__(self, root: Any) -> None:
        self._root = root
        self._found: list[tuple[Any, str, int, _Host]] = []

    def add(self, array: Any) -> None:
        """Note an array.

        Raises
        ------
        NotCompiledError
            If it is found nowhere, and so may be another one in each step.
        """
        if isinstance(array, np.generic):
            return  # like a number of Python's
        for layer in layers_in(self._root):
            for name, place, held in _held(layer):
                if array is held or getattr(array, "base", None) is held:
                    self._found.append((layer, name, place, held))
                    return
        msg = (
            f"a net computes with an array of shape {array.shape} that may be another one in each "
            "step; keep it in an attribute, which __init__ assigns"
        )
        raise NotCompiledError(msg)

    def are_current(self) -> bool:
        """Whether they are still where they were."""
        return all(
            any(each[:2] == (name, place) and each[2] is array for each in _held(layer))
            for layer, name, place, array in self._found
        )


def _held(layer: Any) -> list[tuple[str, int, _Host]]:
    """Return the arrays of a layer, with the names of attributes or parameters."""
    found = [
        (name, place, array)
        for name, value in attributes_of(layer).items()
        for place, array in enumerate(taken_apart(value).arrays)
    ]
    if not isinstance(layer.params, Parameters):
        found += [(f"params.{name}", 0, array) for name, array in layer.params.items()]
    return found
