"""All parameters of a net under one mapping, each still at home in its layer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping
from functools import reduce
from operator import add
from typing import Any, NamedTuple

from xpnet._typing import Array
from xpnet.layers.changes import is_watched, latest_change
from xpnet.layers.tree import joined, walk

__all__ = ["Parameters", "by_path", "parameters_of"]

Place = tuple[Any, str]
"""A layer, and a name among its parameters."""


class _Entry(NamedTuple):
    """One parameter: where it lies, first where it has its name from, and who has gradients."""

    places: list[Place]
    graded: list[Place]


def by_path(paths: list[tuple[str, str]]) -> list[str]:
    """Return the names of parameters, given the paths of their layers and their names there.

    Examples
    --------
    >>> by_path([("conv1", "W"), ("blocks.0.norm", "gamma")])
    ['conv1.W', 'blocks.0.norm.gamma']
    """
    return [joined(path, name) for path, name in paths]


class Parameters(MutableMapping[str, Array]):
    """The parameters of all layers in a tree, by their paths: ``conv1.W``, ``blocks.0.norm.gamma``.

    It is a view: reading a name reads the layer's own entry, and binding a new array to a name
    binds it in the layer. Names can neither be added nor deleted. An array that several layers
    have, as tied weights are, is one parameter, with the name that comes first: binding it anew
    binds it in all of them, and its gradient is the sum of theirs. Where a layer itself has the
    parameters of those that stand in it, its word counts.

    Parameters
    ----------
    root : layer
        Whose tree it is.
    names : callable, optional
        Another way to name parameters, besides their paths: takes a list of pairs, each the path of
        a layer and the parameter's name there, and returns as many names.

    Raises
    ------
    ValueError
        If two parameters would have one name.
    """

    def __init__(
        self, root: Any, names: Callable[[list[tuple[str, str]]], list[str]] = by_path
    ) -> None:
        self.root, self._names = root, names
        self._seen: object = None  # the layers are looked for at the first use
        self._mappings: list[tuple[Any, int]] = []

    def __getitem__(self, name: str) -> Array:
        layer, own_name = self._place(name)
        return layer.params[own_name]

    def __setitem__(self, name: str, array: Array) -> None:
        for layer, own_name in self.places(name):
            layer.params[own_name] = array

    def __delitem__(self, name: str) -> None:
        msg = f"cannot delete {name!r}: a layer needs all its parameters"
        raise TypeError(msg)

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries())

    def __len__(self) -> int:
        return len(self._entries())

    def __contains__(self, name: object) -> bool:
        self._renew()
        return name in self._places

    def __repr__(self) -> str:
        shapes = ", ".join(f"{name}: {tuple(array.shape)}" for name, array in self.items())
        return f"{type(self).__name__}({shapes})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.root, self._names)

    def places(self, name: str) -> list[Place]:
        """Return the layers that have a parameter, and its name in each."""
        place = self._place(name)
        for entry in self._entries().values():
            if any(layer is place[0] and own == place[1] for layer, own in entry.places):
                return entry.places
        return [place]

    def all_names(self) -> dict[str, tuple[str, ...]]:
        """Return all names of each parameter: the one that is shown, and the paths of its places.

        Examples
        --------
        >>> import xpnet
        >>> xpnet.TwoLayerNet(4, 3, 2).params.all_names()["W1"]
        ('W1', 'Affine1.W')
        """
        entries = self._entries()
        found = {name: [name] for name in entries}
        whose = {(id(p[0]), p[1]): found[n] for n, entry in entries.items() for p in entry.places}
        for name, (layer, own_name) in self._places.items():
            whose[id(layer), own_name].append(name)
        return {name: tuple(dict.fromkeys(names)) for name, names in found.items()}

    def frozen(self) -> frozenset[str]:
        """Return the names of those that are not trained; see :meth:`xpnet.Layer.freeze`."""
        return frozenset(self._entries().keys() - self.graded_places().keys())

    def graded_places(self) -> dict[str, list[Place]]:
        """Return, for each parameter that is trained, the layers whose gradients add up."""
        entries = self._entries()
        if self._any_frozen:
            entries = {n: e for n, e in entries.items() if not any(map(_is_frozen, e.places))}
        return {name: entry.graded for name, entry in entries.items()}

    def grads(self) -> dict[str, Array]:
        """Return the layers' gradients by the same names, but for those that are frozen.

        Empty before a backward. That of an array which several layers have is the sum.
        """
        found = {}
        for name, places in self.graded_places().items():
            grads = [layer.grads[own] for layer, own in places if own in layer.grads]
            if len(grads) > 1:
                grads = list({id(grad): grad for grad in grads}.values())
            if grads:
                found[name] = grads[0] if len(grads) == 1 else reduce(add, grads)
        return found

    def _place(self, name: str) -> Place:
        self._renew()
        place = self._places.get(name)
        if place is None:
            msg = f"no parameter {name!r}; there are {', '.join(self)}"
            raise KeyError(msg)
        return place

    def _entries(self) -> dict[str, _Entry]:
        """Return all parameters by name; which arrays are one and the same, is looked up anew."""
        self._renew()
        arrays = [layer.params[own_name] for layer, own_name in self._slots.values()]
        return self._plain if len({*map(id, arrays)}) == len(arrays) else self._shared(arrays)

    def _shared(self, arrays: list[Array]) -> dict[str, _Entry]:
        entries: dict[str, _Entry] = {}
        first: dict[int, tuple[_Entry, set[str]]] = {}
        slots = zip(self._slots.items(), self._paths, arrays, strict=True)
        for (name, place), path, array in slots:
            if id(array) not in first or not hasattr(array, "shape"):
                entries[name] = _Entry([place], [place])
                first[id(array)] = entries[name], {path}
                continue
            entry, paths = first[id(array)]
            entry.places.append(place)
            if not any(_is_inside(path, above) for above in paths):
                entry.graded.append(place)
                paths.add(path)
        return entries

    def _renew(self) -> None:
        """Find the layers again if any layer was changed, or has parameters more or less."""
        change = latest_change()
        if change is self._seen:
            for params, length in self._mappings:
                if len(params) != length:
                    break
            else:
                return
        found: list[tuple[str, Place]] = []
        self._mappings = []
        unchanged = True
        for path, layer in walk(self.root):
            unchanged &= is_watched(layer)
            params = layer.params
            if isinstance(params, Parameters) and params.root is layer:
                continue  # a view of what the walk will find
            own: Any = getattr(layer, "__dict__", {})
            if own.get("params") is params:
                self._mappings.append((params, len(params)))
            else:
                unchanged = False
            found += [(path, (layer, own_name)) for own_name in params]
        whose = [(path, own_name) for path, (_, own_name) in found]
        names = self._names(whose)
        _check_apart(self.root, names)
        places = [place for _, place in found]
        self._paths = [path for path, _ in found]
        self._slots: dict[str, Place] = dict(zip(names, places, strict=True))
        self._places = dict(zip(by_path(whose), places, strict=True)) | self._slots
        self._any_frozen = any(map(_is_frozen, places))
        self._plain = {name: _Entry([place], [place]) for name, place in self._slots.items()}
        self._seen = change if unchanged else None


def parameters_of(root: Any) -> Parameters:
    """Return all parameters in the tree of a layer, as it shows them, or by their paths."""
    params = root.params
    return params if isinstance(params, Parameters) else Parameters(root)


def _is_inside(path: str, above: str) -> bool:
    return path.startswith(f"{above}.") if above else path != ""


def _is_frozen(place: Place) -> bool:
    layer, own_name = place
    return own_name in getattr(layer, "frozen", ())


def _check_apart(root: Any, names: list[str]) -> None:
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        msg = f"{type(root).__name__}: two parameters have the name {twice!r}; rename one"
        raise ValueError(msg)
