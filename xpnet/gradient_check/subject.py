"""What is checked: a layer or a function, called on copies and at any point."""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from xpnet._typing import Array
from xpnet.arrays import asarray, to_numpy
from xpnet.dtypes import is_float
from xpnet.gradient_check.arguments import Slot, input_slots, is_array, on_host, param_slots
from xpnet.gradient_check.function import as_layer

__all__ = ["Pass", "Point", "Subject"]

_Host: TypeAlias = np.ndarray[Any, Any]

Point: TypeAlias = dict[Slot, _Host]
"""Values for all slots, on the host in float64."""


@dataclass(frozen=True)
class Pass:
    """What one forward and one backward gave.

    Attributes
    ----------
    y : numpy.ndarray
        The output.
    gradients : dict of Slot to numpy.ndarray
        Those that there are.
    returned : int
        How many gradients backward returned.
    changed : dict of str to str
        Arguments that were written to, and by which method.
    eps : float
        The relative spacing of the least exact dtype among output and gradients.
    """

    y: _Host
    gradients: Point
    returned: int
    changed: dict[str, str]
    eps: float


class Subject:
    """A layer or function with its arguments.

    Every call is made on a copy of the layer, in which each parameter is replaced wherever the
    layer refers to it. So what a layer does to itself is seen neither by its owner nor by the
    next call: running statistics stay, and a generator of its own draws the same mask each time.

    Parameters
    ----------
    layer_or_function : object
        As in ``check_gradients``.
    inputs : tuple
        As in ``check_gradients``.

    Attributes
    ----------
    title : str
        For people.
    point : Point
        The given values.
    """

    def __init__(self, layer_or_function: Any, inputs: tuple[Any, ...]) -> None:
        self._layer = as_layer(layer_or_function)
        is_layer = self._layer is layer_or_function
        function = layer_or_function.forward if is_layer else layer_or_function
        self.title = str(getattr(layer_or_function, "__name__", type(layer_or_function).__name__))
        self._params: Mapping[str, Array] = getattr(self._layer, "params", None) or {}
        self._arguments, self.point = input_slots(function, inputs, list(self._params.values()))
        self._slots = param_slots(self._params, taken={slot.name for slot in self.point})
        self.point |= {slot: on_host(self._params[slot.key]) for slot in self._slots}
        if not self.point:
            msg = f"check_gradients: {self.title} has no input and no parameter of floats"
            raise ValueError(msg)
        # Modules cannot be copied, but layers like to keep their array library in an attribute.
        self._shared = {id(module): module for module in list(sys.modules.values())}

    @property
    def input_count(self) -> int:
        return len(self._arguments)

    def forward(self, point: Point) -> _Host:
        """Return the output at a point."""
        arrays = _placed(point)
        with self._explained(point):
            return _output(self._copy(arrays).forward(*self._inputs(arrays)))

    def run(self, point: Point, dout: _Host, *, after: Point | None = None) -> Pass:
        """Go forward and back at a point.

        Parameters
        ----------
        point : Point
            Where.
        dout : numpy.ndarray
            What backward gets.
        after : Point, optional
            What is passed before on the same copy, if the layer can take it.
        """
        arrays = _placed(point)
        layer = self._copy(arrays)
        if after is not None:
            with suppress(Exception):  # a layer may refuse inputs that make no sense
                before = _placed(after)
                self._bind(layer, before)
                y = layer.forward(*self._inputs(before))
                layer.backward(_like(y, dout))
        self._bind(layer, arrays)
        with self._explained(point):
            return self._run(layer, self._inputs(arrays), dout)

    def forward_twice(self, point: Point) -> tuple[_Host, _Host]:
        """Return the outputs of two forwards of one copy."""
        arrays = _placed(point)
        layer = self._copy(arrays)
        first = _output(layer.forward(*self._inputs(arrays)))
        return first, _output(layer.forward(*self._inputs(_placed(point))))

    def _run(self, layer: Any, inputs: list[Any], host_dout: _Host) -> Pass:
        read = partial(self._read, layer, inputs)
        given = read()
        y = layer.forward(*inputs)
        host_y = _output(y)
        dout = _like(y, host_dout)
        changed = _differences("forward", given, read())
        given = {**read(), "dout": _copied(dout)}
        returned = layer.backward(dout)
        changed |= _differences("backward", given, {**read(), "dout": _copied(dout)})

        dx = list(returned) if isinstance(returned, tuple | list) else [returned]
        grads = getattr(layer, "grads", None) or {}
        found = {
            slot: (dx[slot.key] if slot.key < len(dx) else None)
            if isinstance(slot.key, int)
            else grads.get(slot.key)
            for slot in self.point
        }
        gradients = {slot: _copied(g) for slot, g in found.items() if g is not None}
        eps = max(map(_eps, [host_y, *gradients.values()]))
        wide = {slot: g.astype("float64") for slot, g in gradients.items()}
        return Pass(host_y.astype("float64"), wide, len(dx), changed, eps)

    @contextmanager
    def _explained(self, point: Point) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            if point is not self.point:
                error.add_note(f"check_gradients had moved the arguments of {self.title} a little.")
            raise

    def _copy(self, arrays: Mapping[Slot, Array]) -> Any:
        replaced = {id(self._params[slot.key]): arrays[slot] for slot in self._slots}
        try:
            layer = copy.deepcopy(self._layer, self._shared | replaced)
        except Exception as error:
            msg = (
                f"check_gradients works on copies, and {self.title} cannot be copied "
                f"({type(error).__name__}: {error}); give it a method __deepcopy__"
            )
            raise TypeError(msg) from error
        self._bind(layer, arrays)
        return layer

    def _bind(self, layer: Any, arrays: Mapping[Slot, Array]) -> None:
        for slot in self._slots:
            if layer.params[slot.key] is not arrays[slot]:
                layer.params[slot.key] = arrays[slot]
            if layer.params[slot.key] is not arrays[slot]:
                msg = (
                    f"check_gradients cannot replace parameter {slot.key!r} of {self.title}: "
                    f"after params[{slot.key!r}] = new it must be the new array"
                )
                raise TypeError(msg)

    def _inputs(self, arrays: Mapping[Slot, Array]) -> list[Any]:
        return [arrays[value] if isinstance(value, Slot) else value for _, value in self._arguments]

    def _read(self, layer: Any, inputs: list[Any]) -> dict[str, _Host]:
        """Return what all arguments and parameters hold at present."""
        named = zip((name for name, _ in self._arguments), inputs, strict=True)
        values = {name: _copied(value) for name, value in named if is_array(value)}
        return values | {slot.name: _copied(layer.params[slot.key]) for slot in self._slots}


def _placed(point: Point) -> dict[Slot, Array]:
    return {slot: slot.place(values) for slot, values in point.items()}


def _copied(value: Any) -> _Host:
    return np.array(to_numpy(value))


def _output(y: Any) -> _Host:
    if y is None or isinstance(y, tuple | list | dict):
        msg = f"forward returned a {type(y).__name__}, but check_gradients needs one array"
        raise TypeError(msg)
    return _copied(y)


def _like(y: Any, dout: _Host) -> Array:
    """Return a new ``dout`` that lives where the output does, in its dtype."""
    if not is_array(y):
        return float(dout)
    home = Slot.of("dout", "dout", y).home
    return asarray(dout.copy(), xp=home, dtype=y.dtype if is_float(y.dtype) else home.dtype)


def _differences(
    method: str, before: Mapping[str, _Host], after: Mapping[str, _Host]
) -> dict[str, str]:
    return {
        name: method
        for name, values in after.items()
        if not np.array_equal(values, before[name], equal_nan=True)
    }


def _eps(array: _Host) -> float:
    return float(np.finfo(array.dtype if array.dtype.kind == "f" else "float64").eps)
