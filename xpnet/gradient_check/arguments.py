"""Which arrays are differentiated, what they are called, and where they live."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self, TypeAlias

import numpy as np

from xpnet._typing import Array
from xpnet.arrays import asarray, to_numpy
from xpnet.backend import Backend, get_backend
from xpnet.backends import adapter_of
from xpnet.dtypes import dtype_name, find_dtype
from xpnet.errors import BackendMismatchError, DTypeError

__all__ = ["Slot", "input_slots", "is_array", "on_host", "param_slots"]

_Host: TypeAlias = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Slot:
    """A place for an array of floats.

    Attributes
    ----------
    key : int or str
        The position of an input, or the name of a parameter.
    name : str
        For people.
    home : Backend
        Where its array lives, with the widest dtype that there is.
    """

    key: Any
    name: str = field(compare=False)
    home: Backend = field(compare=False)

    @classmethod
    def of(cls, key: int | str, name: str, array: Array) -> Self:
        """Return the slot for an array that is at home already."""
        return cls(key, name, _home_of(array))

    @property
    def is_input(self) -> bool:
        return isinstance(self.key, int)

    def place(self, values: _Host) -> Array:
        """Return a new array, which a layer may write to."""
        return asarray(values.copy(), xp=self.home, dtype=self.home.dtype)


def on_host(array: Array) -> _Host:
    """Return a copy on the host, in float64."""
    return to_numpy(array).astype("float64")


def is_array(value: Any) -> bool:
    """Whether a value is an array of any library."""
    try:
        adapter_of(value)
    except BackendMismatchError:
        return False
    return True


def input_slots(
    function: Callable[..., Any], inputs: Sequence[Any], params: Sequence[Array]
) -> tuple[list[tuple[str, Any]], dict[Slot, _Host]]:
    """Return all arguments by name, with slots for the floating ones, and what these hold.

    Other arrays are brought to where they belong, and all else is passed on as it is.
    """
    homes = [_home_of(array) for array in (*params, *inputs) if is_array(array)]
    homes = homes[: len(params)] or [home for home in homes if home.name != "numpy"]
    default = homes[0] if homes else _in_widest_dtype(get_backend())
    arguments: list[tuple[str, Any]] = []
    point: dict[Slot, _Host] = {}
    for i, (name, value) in enumerate(zip(_names(function), inputs, strict=False)):
        is_foreign = is_array(value) and adapter_of(value).name != "numpy"
        home = _home_of(value) if is_foreign else default
        if _is_floating(value):
            slot = Slot(i, name, home)
            point[slot] = on_host(value)
            arguments.append((name, slot))
        elif is_array(value):
            arguments.append((name, asarray(to_numpy(value).copy(), xp=home)))
        else:
            arguments.append((name, value))
    return arguments, point


def param_slots(params: Mapping[str, Array], taken: set[str]) -> list[Slot]:
    """Return a slot for every floating parameter."""
    return [
        Slot.of(key, f"params[{key!r}]" if key in taken else key, array)
        for key, array in params.items()
        if _is_floating(array)
    ]


def _is_floating(value: Any) -> bool:
    if is_array(value):
        return "float" in dtype_name(value.dtype)
    try:
        return isinstance(value, float | list) and to_numpy(value).dtype.kind == "f"
    except DTypeError:
        return False


def _names(function: Callable[..., Any]) -> Iterator[str]:
    """Yield what a function calls its arguments, without an end."""
    name = "input"
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # what is compiled has no signature
        parameters = []
    for parameter in parameters:
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            name = parameter.name
            break
        yield parameter.name
    count = 0
    while True:
        yield f"{name}[{count}]"
        count += 1


def _home_of(array: Array) -> Backend:
    adapter = adapter_of(array)
    return _in_widest_dtype(Backend(adapter.name, array.device, array.dtype, adapter))


def _in_widest_dtype(home: Backend) -> Backend:
    """Return the place with float64, or with float32 where the device has no float64."""
    try:
        return replace(home, dtype=asarray(np.zeros(1), xp=home, dtype="float64").dtype)
    except Exception:  # every library says so in its own way
        return replace(home, dtype=find_dtype(home.xp, "float32"))
