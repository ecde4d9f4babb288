"""Notices that a layer was changed, whichever, at the price of one assignment.

What has been derived from layers, such as names of parameters or a compiled step, asks at each
use whether anything was changed since; nearly always nothing was.
"""

from __future__ import annotations

from enum import Enum
from types import FunctionType
from typing import Any, Self
from weakref import WeakValueDictionary

from xpnet.backend import Backend
from xpnet.layers.tree import is_layer

__all__ = ["Watched", "all_watched", "is_watched", "latest_change", "note_change"]

# An object and not a number: two threads that count at once might count to the same.
_latest = object()

# By identity, for two that are equal are two.
_all: WeakValueDictionary[int, Watched] = WeakValueDictionary()

# Values that nobody can change, or that are noted when they do.
_WHOLE = (type(None), bool, int, float, complex, str, bytes, Enum, type, FunctionType, Backend)

# Attributes that are looked at each time, or do not count.
_OPEN = ("params", "grads", "_params", "_memory", "_noted")


def note_change() -> None:
    """Let :func:`latest_change` return another object from now on."""
    global _latest
    _latest = object()


def latest_change() -> object:
    """Return an object that stands for the latest change of any layer."""
    return _latest


class Watched:
    """An object whose attributes cannot be assigned unnoticed.

    Examples
    --------
    >>> thing, before = Watched(), latest_change()
    >>> thing.rate = 0.5
    >>> latest_change() is before
    False
    """

    def __new__(cls, *_args: Any, **_settings: Any) -> Self:
        self = super().__new__(cls)
        _all[id(self)] = self
        return self

    def __setattr__(self, name: str, value: Any) -> None:
        before = getattr(self, "__dict__", {}).get(name)
        object.__setattr__(self, name, value)
        if not _is_of_forward(self, name, before, value):
            note_change()

    def __delattr__(self, name: str) -> None:
        object.__delattr__(self, name)
        note_change()


def _is_of_forward(thing: Any, name: str, before: Any, value: Any) -> bool:
    """Whether a forward may have counted, or brought a buffer up to date: no layer is another."""
    if hasattr(before, "shape"):
        return hasattr(value, "shape")
    return name in getattr(type(thing), "counters", ()) and type(before) is type(value) is int


def all_watched() -> list[Watched]:
    """Return all objects of this kind that there are."""
    found = (reference() for reference in _all.valuerefs())
    return [thing for thing in found if thing is not None]


def is_watched(layer: Any) -> bool:
    """Whether whatever is changed in a layer is noted: but not in a list, or another object."""
    return isinstance(layer, Watched) and all(
        _is_whole(value) for name, value in vars(layer).items() if name not in _OPEN
    )


def _is_whole(value: Any) -> bool:
    """Whether a value cannot be changed but by an assignment that is noted."""
    if isinstance(value, tuple | frozenset):
        return all(map(_is_whole, value))
    return isinstance(value, (*_WHOLE, Watched)) or hasattr(value, "shape") or is_layer(value)
