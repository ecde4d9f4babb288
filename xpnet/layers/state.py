"""What a layer holds besides parameters: arrays that forward changes, and the mode it is in.

Both follow from its attributes. Arrays, also those in lists, tuples and dicts, are *buffers*,
such as running means; so are the integers that a class names in ``counters``. All other values
make up the *mode*: a rate, a stride, whether the layer trains. What ``Layer._save`` remembers for
backward is neither.
"""

from __future__ import annotations

import itertools
import random
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from enum import Enum
from functools import partial
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from xpnet._typing import Array
from xpnet.backend import Backend
from xpnet.backends import adapter_of
from xpnet.errors import BackendMismatchError
from xpnet.layers.tree import is_layer

__all__ = [
    "Parts",
    "attributes_of",
    "buffers_of",
    "counters_of",
    "is_array",
    "key_of",
    "mode_of",
    "taken_apart",
]

# Attributes that are neither: parameters are looked at by name, and the last is forgotten.
_APART = ("params", "grads", "_params", "_memory", "_noted")

_PLAIN = (type(None), bool, int, float, complex, str, bytes, Enum, np.generic, np.dtype)


def is_array(value: Any) -> bool:
    """Whether a value is an array of some library, and no scalar."""
    if isinstance(value, np.generic) or not hasattr(value, "shape"):
        return False
    try:
        adapter_of(value)
    except BackendMismatchError:
        return False
    return True


def attributes_of(layer: Any) -> dict[str, Any]:
    """Return the attributes of a layer that are its state or its mode, by name."""
    attributes = getattr(layer, "__dict__", {})
    return {name: value for name, value in attributes.items() if name not in _APART}


def counters_of(layer: Any) -> dict[str, int]:
    """Return the numbers that a layer counts up in forward, by name."""
    names = getattr(layer, "counters", ())
    return {name: getattr(layer, name) for name in names}


def buffers_of(layer: Any) -> Mapping[str, Any]:
    """Return what forward may change that is no parameter: arrays by name, and counters.

    Examples
    --------
    >>> import xpnet
    >>> buffers_of(xpnet.Dropout(0.5, seed=0))
    {'step': 0}
    """
    buffers: dict[str, Any] = {}
    for name, value in attributes_of(layer).items():
        arrays = taken_apart(value).arrays
        if is_array(value):
            buffers[name] = value
        else:
            buffers |= {f"{name}.{number}": array for number, array in enumerate(arrays)}
    return buffers | counters_of(layer)


class Parts(NamedTuple):
    """A value taken apart: its arrays, a key to all the rest, and how to put it together again."""

    arrays: list[Array]
    key: Any
    rebuilt: Callable[[list[Array]], Any]


def taken_apart(value: Any) -> Parts:
    """Return the arrays in a value, in lists, tuples and dicts too, and a key to all the rest.

    Keys are equal if the values are, but for the arrays. Layers in the value are left out.
    """
    if is_array(value):
        return Parts([value], "array", lambda arrays: arrays[0])
    kind = type(value)
    if kind in (list, tuple, deque) or _has_named_fields(value):
        return _joined(value, range(len(value)), [taken_apart(item) for item in value])
    if kind in (dict, OrderedDict):
        parts = [taken_apart(item) for item in value.values()]
        return _joined(value, list(value), parts)
    return Parts([], key_of(value), lambda _arrays: value)


def _has_named_fields(value: Any) -> bool:
    return isinstance(value, tuple) and hasattr(value, "_make")


def _joined(value: Any, names: Any, items: list[Parts]) -> Parts:
    kind, counts = type(value), [len(item.arrays) for item in items]

    def rebuilt(arrays: list[Array]) -> Any:
        values, start = [], 0
        for item, count in zip(items, counts, strict=True):
            values.append(item.rebuilt(arrays[start : start + count]))
            start += count
        if isinstance(value, dict):
            return kind(zip(names, values, strict=True))
        if isinstance(value, deque):
            return kind(values, value.maxlen)
        return kind._make(values) if _has_named_fields(value) else kind(values)

    key = kind, tuple(map(repr, names)), tuple(item.key for item in items)
    return Parts([array for item in items for array in item.arrays], key, rebuilt)


def mode_of(layer: Any) -> tuple[Any, ...]:
    """Return a key to the Python values on which a layer's forward may depend."""
    counters = getattr(layer, "counters", ())
    return tuple(
        (name, taken_apart(value).key)
        for name, value in attributes_of(layer).items()
        if name not in counters
    )


class _Same:
    """Equal to another for the same object alone, which it keeps alive."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.value is self.value

    def __hash__(self) -> int:
        return id(self.value)


# How far values inside of values are looked into: a layer's own settings lie no deeper.
_DEPTH = 4


def key_of(value: Any, depth: int = _DEPTH) -> Any:
    """Return what is equal for equal values, and for objects that are the same and unchanged."""
    kind = type(value)
    if isinstance(value, _PLAIN):
        return kind, repr(value)  # NaN is itself, and 0.0 is not -0.0
    if isinstance(value, np.random.Generator):
        return _Same(value), repr(value.bit_generator.state)
    if isinstance(value, np.random.RandomState):
        return _Same(value), repr(value.get_state(legacy=False))
    if isinstance(value, random.Random):
        return _Same(value), value.getstate()
    if isinstance(value, itertools.count):
        return _Same(value), repr(value)
    if isinstance(value, np.ndarray):
        return kind, value.dtype.str, value.shape, value.tobytes()
    if depth == 0 or isinstance(value, ModuleType | Backend) or callable(value):
        return _Same(value)
    if is_layer(value):
        return _Same(value)
    inner = partial(key_of, depth=depth - 1)
    if isinstance(value, list | tuple | set | frozenset | deque):
        return kind, tuple(map(inner, value))
    if isinstance(value, dict):
        return kind, tuple((repr(name), inner(item)) for name, item in value.items())
    attributes = getattr(value, "__dict__", {})
    return _Same(value), tuple((name, inner(item)) for name, item in list(attributes.items()))
