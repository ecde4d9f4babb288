"""Layers whose arrays are arguments of a function while it is traced, and their changes results."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from xpnet._typing import Array
from xpnet.compiled.not_compiled import NotCompiledError
from xpnet.compiled.random_states import are_equal, put_back, random_states
from xpnet.compiled.snapshot import Snapshot
from xpnet.layers.state import Parts, attributes_of, counters_of, taken_apart

__all__ = ["Changes", "TracedLayers"]


class Changes(NamedTuple):
    """What a traced forward and backward have left in the layers.

    Attributes
    ----------
    arrays : list of lists of arrays
        Of each attribute that has others now.
    attributes : list of (layer, str, Parts)
        Those attributes, and how they are put together.
    values : list of (layer, str, value)
        Attributes that have another value now, and hold no array.
    rises : list of arrays
        What was added to the counters.
    """

    arrays: list[list[Array]]
    attributes: list[tuple[Any, str, Parts]]
    values: list[tuple[Any, str, Any]]
    rises: list[Array]


class TracedLayers:
    """The layers of a net, and what a function gets of them.

    Parameters
    ----------
    layers : list of layers
    """

    def __init__(self, layers: list[Any]) -> None:
        for layer in layers:
            if names := _names_in_slots(layer):
                kind = type(layer).__name__
                msg = f"a {kind} has slots, and nobody sees what changes there: {', '.join(names)}"
                raise NotCompiledError(msg)
        self._layers = [layer for layer in layers if hasattr(layer, "__dict__")]

    def arrays(self) -> list[list[Array]]:
        """Return the arrays in each attribute that has some."""
        return [parts.arrays for _, _, parts in self._held()]

    def counters(self) -> list[tuple[Any, str]]:
        """Return the layers and names of all counters that a trace can count."""
        return [
            (layer, name)
            for layer in self._layers
            for name, number in counters_of(layer).items()
            if isinstance(number, int) and 0 <= number < 2**32
        ]

    @contextmanager
    def given(self, arrays: list[list[Array]], numbers: list[Array]) -> Iterator[list[Changes]]:
        """Let the layers have other arrays and numbers in this block, and be as before after it.

        Yields
        ------
        list of Changes
            One, once the block has ended; it may be read in the block that is around.

        Raises
        ------
        NotCompiledError
            If something was changed that is no argument, and so no result.
        """
        before = Snapshot(self._layers, arrays=False)
        drawn = random_states()
        found: list[Changes] = []
        try:
            try:
                held, counters = self._held(), self.counters()
                for (layer, name, parts), own in zip(held, arrays, strict=True):
                    vars(layer)[name] = parts.rebuilt(own)
                for (layer, name), number in zip(counters, numbers, strict=True):
                    vars(layer)[name] = number
                given = [attributes_of(layer) for layer in self._layers]
                keys = [{n: taken_apart(v) for n, v in each.items()} for each in given]
                yield found
                if not are_equal(drawn, random_states()):
                    msg = "random numbers are drawn in Python, which a compiled step would not do"
                    raise NotCompiledError(msg)
                found.append(self._changes(given, keys, counters, numbers))
            finally:
                before.restore()
        except BaseException:
            before.restore()
            put_back(drawn)
            raise

    def _held(self) -> list[tuple[Any, str, Parts]]:
        return [
            (layer, name, parts)
            for layer in self._layers
            for name, value in attributes_of(layer).items()
            if (parts := taken_apart(value)).arrays
        ]

    def _changes(
        self,
        given: list[dict[str, Any]],
        keys: list[dict[str, Parts]],
        counters: list[tuple[Any, str]],
        numbers: list[Array],
    ) -> Changes:
        changes = Changes([], [], [], [])
        for (layer, name), number in zip(counters, numbers, strict=True):
            changes.rises.append(getattr(layer, name) - number)
        counted = {(id(layer), name) for layer, name in counters}
        for layer, before, apart in zip(self._layers, given, keys, strict=True):
            after = attributes_of(layer)
            for name in [*after, *(name for name in before if name not in after)]:
                if (id(layer), name) in counted:
                    continue
                parts, old = taken_apart(after.get(name)), apart.get(name)
                same = old is not None and parts.key == old.key
                if old is not None and same and _are_same(parts.arrays, old.arrays):
                    continue
                if not same and (name not in after or after[name] is before.get(name, after)):
                    raise NotCompiledError(_changed(layer, name))
                if parts.arrays:
                    changes.arrays.append(parts.arrays)
                    changes.attributes.append((layer, name, parts))
                else:
                    changes.values.append((layer, name, after[name]))
        return changes


def _names_in_slots(layer: Any) -> list[str]:
    slots = [vars(kind).get("__slots__", ()) for kind in type(layer).__mro__]
    names = [n for each in slots for n in ([each] if isinstance(each, str) else each)]
    return [n for n in names if n not in ("params", "grads", "__dict__", "__weakref__")]


def _are_same(arrays: list[Array], others: list[Array]) -> bool:
    return len(arrays) == len(others) and all(a is b for a, b in zip(arrays, others, strict=True))


def _changed(layer: Any, name: str) -> str:
    return (
        f"a {type(layer).__name__} changes its attribute {name!r} in each step, which is neither "
        "an array nor one of its counters"
    )
