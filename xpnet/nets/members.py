"""The layers of a net by name: one may be replaced, but none added or deleted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, MutableMapping
from typing import Any

from xpnet.layers.changes import Watched
from xpnet.nets.container import Container, check_is_layer

__all__ = ["Members"]


class Members(MutableMapping[str, Any], Watched):
    """Layers in order, numbered for each class as in the book: Affine1, ReLU1, Affine2.

    Parameters
    ----------
    net : str
        Whose they are, for the text of an error.
    layers : iterable of layers

    Raises
    ------
    ValueError
        If a layer stands there twice.
    TypeError
        If something is no layer.
    """

    def __init__(self, net: str, layers: Iterable[Any]) -> None:
        self._net = net
        self._layers: dict[str, Any] = {}
        seen: Counter[str] = Counter()
        for layer in layers:
            check_is_layer(net, layer)
            kind = type(layer).__name__
            seen[kind] += 1
            self._layers[f"{kind}{seen[kind]}"] = layer
        self.check_apart()

    def __getitem__(self, name: str) -> Any:
        return self._layers[self._known(name)]

    def __setitem__(self, name: str, layer: Any) -> None:
        check_is_layer(self._net, layer)
        self.check_apart(**{self._known(name): layer})
        self._layers = {**self._layers, name: layer}

    def __delitem__(self, name: str) -> None:
        msg = f"{self._net}: cannot delete {name!r}; replace it, or make another net"
        raise TypeError(msg)

    def __iter__(self) -> Iterator[str]:
        return iter(self._layers)

    def __len__(self) -> int:
        return len(self._layers)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(self._layers)})"

    def _known(self, name: str) -> str:
        if name not in self._layers:
            msg = f"{self._net}: there is no layer {name!r}; there are {', '.join(self._layers)}"
            raise KeyError(msg)
        return name

    def check_apart(self, **others: Any) -> None:
        """Make sure that no layer is among these and some others twice, at any depth.

        Raises
        ------
        ValueError
            If one is.
        """
        names: dict[int, str] = {}
        for name, layer in _all_members({**self._layers, **others}):
            first = names.setdefault(id(layer), name)
            if first != name:
                msg = (
                    f"{self._net}: {first} and {name} are the same layer, which remembers one "
                    "forward only; make two"
                )
                raise ValueError(msg)


def _all_members(layers: dict[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for name, layer in layers.items():
        yield f"{path}{name}", layer
        if isinstance(layer, Container):
            inner = _all_members(dict(layer.children), f"{path}{name}.")
            # A net that remembers each call may have a layer at several places.
            yield from _each_once(inner) if layer.remembers_each_call else inner


def _each_once(members: Iterator[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    seen: set[int] = set()
    for name, layer in members:
        if id(layer) not in seen:
            seen.add(id(layer))
            yield name, layer
