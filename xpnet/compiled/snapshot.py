"""What a step may change, as it was before: put back if the step does not come to its end."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterable
from operator import setitem
from types import ModuleType
from typing import Any

import numpy as np

from xpnet.arrays import detached
from xpnet.backend import Backend
from xpnet.backends import adapter_of
from xpnet.kernels.tape import Tape
from xpnet.layers.parameters import Parameters
from xpnet.layers.state import is_array
from xpnet.layers.tree import is_layer

__all__ = ["Snapshot"]

_NOT_OPENED = (ModuleType, Backend, Parameters)


class Snapshot:
    """The attributes of objects, and what lies in them: arrays, lists, generators, objects.

    Parameters
    ----------
    objects : iterable
        Layers, an optimizer.
    contents : bool
        Whether parameters may be written to, and are copied, too.
    arrays : bool
        Whether other arrays may be.

    Examples
    --------
    >>> import xpnet
    >>> layer = xpnet.Dropout(0.5)
    >>> before = Snapshot([layer])
    >>> layer.rate, layer.step = 0.25, 7
    >>> before.restore()
    >>> layer.rate, layer.step
    (0.5, 0)
    """

    def __init__(
        self, objects: Iterable[Any], *, contents: bool = False, arrays: bool = True
    ) -> None:
        self._arrays = arrays
        self._tape = Tape()
        self._seen: set[int] = set()
        for each in objects:
            attributes = getattr(each, "__dict__", None)
            if attributes is not None:
                shallow = () if contents else ("params",)
                self._save_dict(attributes, ("grads", "_memory", *shallow))
            for owned in (getattr(each, "params", None), getattr(each, "grads", None)):
                if isinstance(owned, dict):
                    self._save_dict(owned, tuple(owned))

    def restore(self) -> None:
        """Put everything back, within one instruction."""
        self._tape.replay()

    def _note(self, function: Callable[..., Any], *arguments: Any) -> None:
        self._tape.calls.append([function, *arguments])

    def _save_dict(self, values: dict[Any, Any], shallow: tuple[str, ...] = ()) -> None:
        self._note(dict.clear, values)
        self._note(dict.update, values, dict(values))
        for name, value in values.items():
            if name not in shallow:
                self._save(value)

    def _save(self, value: Any) -> None:
        if id(value) in self._seen or is_layer(value):
            return
        self._seen.add(id(value))
        if isinstance(value, dict):
            self._save_dict(value)
        elif isinstance(value, list):
            self._note(setitem, value, slice(None), list(value))
        elif isinstance(value, deque):
            self._note(value.clear)
            self._note(value.extend, list(value))
        elif isinstance(value, set):
            self._note(value.clear)
            self._note(value.update, set(value))
        elif isinstance(value, random.Random):
            self._note(value.setstate, value.getstate())
        elif isinstance(value, np.random.RandomState):
            self._note(value.set_state, value.get_state(legacy=False))
        elif isinstance(value, np.random.Generator):
            generator = value.bit_generator
            self._note(setattr, generator, "state", generator.state)
        elif self._arrays and is_array(value) and adapter_of(value).is_writable(detached(value)):
            array = detached(value)
            self._note(setitem, array, ..., adapter_of(array).xp.asarray(array, copy=True))
        elif _is_open(value):
            self._save_dict(vars(value))
        if isinstance(value, list | tuple | deque):
            for item in value:
                self._save(item)


def _is_open(value: Any) -> bool:
    """Whether a value is an object whose attributes somebody may change in forward."""
    has_some = bool(getattr(value, "__dict__", None))
    return has_some and not isinstance(value, _NOT_OPENED) and not callable(value)
