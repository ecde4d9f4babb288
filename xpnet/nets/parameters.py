"""All arrays of a net under one mapping, each still at home in its layer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, MutableMapping
from typing import Any

from xpnet._typing import Array

__all__ = ["Parameters"]


class Parameters(MutableMapping[str, Array]):
    """The parameters of several layers, numbered as in the book: ``W1``, ``b1``, ``W2``, ...

    It is a view: reading a name reads the layer's own entry, and binding a new array to a name
    binds it in the layer. Names can neither be added nor deleted.

    Parameters
    ----------
    layers : iterable of layers
        In order; those without parameters get no number.

    Attributes
    ----------
    owners : dict of str to (layer, str)
        The layer of each parameter, and its name there.
    """

    def __init__(self, layers: Iterable[Any]) -> None:
        with_params = [layer for layer in layers if layer.params]
        self.owners = {
            f"{name}{number}": (layer, name)
            for number, layer in enumerate(with_params, start=1)
            for name in layer.params
        }

    def __getitem__(self, name: str) -> Array:
        layer, own_name = self._owner(name)
        return layer.params[own_name]

    def __setitem__(self, name: str, array: Array) -> None:
        layer, own_name = self._owner(name)
        layer.params[own_name] = array

    def __delitem__(self, name: str) -> None:
        msg = f"cannot delete {name!r}: a layer needs all its parameters"
        raise TypeError(msg)

    def __iter__(self) -> Iterator[str]:
        return iter(self.owners)

    def __len__(self) -> int:
        return len(self.owners)

    def __repr__(self) -> str:
        shapes = ", ".join(f"{name}: {tuple(array.shape)}" for name, array in self.items())
        return f"{type(self).__name__}({shapes})"

    def grads(self) -> dict[str, Array]:
        """Return the layers' gradients by the same names; empty before a backward."""
        return {
            name: layer.grads[own_name]
            for name, (layer, own_name) in self.owners.items()
            if own_name in layer.grads
        }

    def _owner(self, name: str) -> tuple[Any, str]:
        try:
            return self.owners[name]
        except KeyError:
            msg = f"no parameter {name!r}; there are {', '.join(self.owners)}"
            raise KeyError(msg) from None
