"""Notices that a layer was changed, whichever, at the price of one assignment.

What has been derived from layers, such as names of parameters or a compiled step, asks at each
use whether anything was changed since; nearly always nothing was.
"""

from __future__ import annotations

from typing import Any, Self
from weakref import WeakValueDictionary

__all__ = ["Watched", "all_watched", "is_watched", "latest_change", "note_change"]

# An object and not a number: two threads that count at once might count to the same.
_latest = object()

# By identity, for two that are equal are two.
_all: WeakValueDictionary[int, Watched] = WeakValueDictionary()

# Attributes that are looked at each time, or do not count.
_OPEN = ("params", "grads")


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
        object.__setattr__(self, name, value)
        note_change()

    def __delattr__(self, name: str) -> None:
        object.__delattr__(self, name)
        note_change()


def all_watched() -> list[Watched]:
    """Return all objects of this kind that there are."""
    return list(_all.values())


def is_watched(layer: Any) -> bool:
    """Whether whatever is changed in a layer is noted; but what lies in a list or dict is not."""
    return isinstance(layer, Watched) and not any(
        isinstance(value, list | dict | set)
        for name, value in vars(layer).items()
        if name not in _OPEN
    )
