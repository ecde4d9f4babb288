"""Checks of what a layer holds: it is declared, moves along, and goes through compiled steps."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import numpy as np

from xpnet._typing import Array
from xpnet.arrays import array_namespace, asarray, to_numpy
from xpnet.backend import Backend, resolve_backend, use_backend
from xpnet.compiled import compile as compiled
from xpnet.compiled.eager import EagerStep
from xpnet.dtypes import dtype_name
from xpnet.layers.moving import move
from xpnet.layers.parameters import Parameters
from xpnet.layers.state import attributes_of, buffers_of, counters_of, taken_apart
from xpnet.layers.tree import walk
from xpnet.nets.sequential import Sequential
from xpnet.optimizers import SGD
from xpnet.testing.subject import Subject
from xpnet.testing.tolerance import tolerance

__all__ = ["buffers_move", "compiled_equals_eager", "no_undeclared_state"]

_STEPS = 3


def no_undeclared_state(subject: Subject, backend: Backend) -> Iterator[str]:
    """Buffers and counters put back, forward gives the same again."""
    layer, inputs = subject.layer(backend), subject.arrays(backend)
    layer.forward(*inputs)  # what is made lazily is there
    state = _State(layer)
    expected = to_numpy(layer.forward(*inputs))
    state.put_back()
    if not np.array_equal(expected, to_numpy(layer.forward(*inputs)), equal_nan=True):
        yield (
            "forward gives something else for the same input, though all buffers and counters "
            "were put back; what it changes must be an array among its attributes, or an integer "
            "that its class names in counters"
        )


def buffers_move(subject: Subject, backend: Backend) -> Iterator[str]:
    """A layer that has run goes on in the same way as a copy, and moved to NumPy and back."""
    there, inputs = _numpy_for(backend), subject.arrays(backend)
    twin, moved, gone = (subject.layer(backend) for _ in range(3))
    for layer in (twin, moved, gone):
        layer.forward(*inputs)
    others = {"one moved to NumPy and back": moved}
    with suppress(TypeError):  # which another check tells
        others["a copy"] = copy.deepcopy(twin)
    for layer in (moved, gone):
        move(layer, there, device=None, dtype=None)
    gone.forward(*(asarray(x, xp=there) for x in inputs))
    move(moved, backend, device=None, dtype=None)
    expected = to_numpy(twin.forward(*inputs))
    for name, other in others.items():
        if not np.array_equal(expected, to_numpy(other.forward(*inputs)), equal_nan=True):
            yield f"{name} gives another output than the layer itself; {_HELD}"
        yield from (f"{name} has another {n}" for n in _unlike(_held(twin), _held(other)))


def _numpy_for(backend: Backend) -> Backend:
    """Return NumPy in the dtype of a backend; the backend itself if NumPy has no such dtype."""
    name = dtype_name(backend.dtype)
    return backend if name == "bfloat16" else resolve_backend("numpy", dtype=name)


_HELD = "what forward needs must be parameters, buffers, counters, or values among its attributes"


def compiled_equals_eager(subject: Subject, backend: Backend) -> Iterator[str]:
    """In a net, compiled steps do what eager ones do: on NumPy with the same bits."""
    inputs = subject.arrays(backend)
    nets = [_net(subject, backend, inputs[1:]) for _ in range(2)]
    with use_backend(backend):
        t = subject.upstream(subject.layer(backend).forward(*inputs), backend)
    step, eager = compiled(nets[0], SGD(0.125)), EagerStep(nets[1], SGD(0.125))
    # XLA leaves out roundings between ops.
    allowed = max(1e-3, tolerance(backend.dtype, 1)) if backend.name == "jax" else 0.0
    for number in range(_STEPS):
        x = inputs[0] if number == 0 or "int" in str(inputs[0].dtype) else inputs[0] / (number + 1)
        expected = {"loss": eager(x, t)}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # where it says that it is eager
            found = {"loss": step(x, t)}
        expected, found = (
            {**each, **_held(net)} for each, net in zip((expected, found), nets[::-1], strict=True)
        )
        # A layer that keeps its batch as an attribute may keep a number or an array.
        common = expected.keys() & found.keys()
        expected, found = ({name: each[name] for name in common} for each in (expected, found))
        unlike = _unlike(expected, found, allowed)
        if unlike:
            yield (
                f"{unlike[0]} is another after {number + 1} compiled steps than after eager ones; "
                "what is marked as of one op, or of layers, must do nothing else"
            )
            return


class _State:
    """Copies of the buffers and counters in a tree of layers."""

    def __init__(self, root: Any) -> None:
        self._counters = [(layer, counters_of(layer)) for _, layer in walk(root)]
        self._held = [
            (layer, name, parts.rebuilt([_copied(array) for array in parts.arrays]))
            for _, layer in walk(root)
            for name, value in attributes_of(layer).items()
            if (parts := taken_apart(value)).arrays
        ]

    def put_back(self) -> None:
        for layer, name, value in self._held:
            vars(layer)[name] = value
        for layer, counters in self._counters:
            vars(layer).update(counters)


class _Shift:
    """Adds a parameter, so that the gradient of the input counts."""

    def __init__(self, backend: Backend) -> None:
        self.params = {"shift": asarray(np.zeros(()), xp=backend)}
        self.grads: dict[str, Array] = {}

    def forward(self, x: Array) -> Array:
        return x + self.params["shift"]

    def backward(self, dout: Array) -> Array:
        xp = array_namespace(dout)
        self.grads["shift"] = xp.asarray(xp.sum(dout))
        return dout


class _Given:
    """A layer with all its inputs given but the first."""

    def __init__(self, layer: Any, others: tuple[Array, ...]) -> None:
        self.layer, self.others = layer, list(others)
        self.params: dict[str, Array] = {}
        self.grads: dict[str, Array] = {}

    def forward(self, x: Array) -> Array:
        return self.layer.forward(x, *self.others)

    def backward(self, dout: Array) -> Any:
        dx = self.layer.backward(dout)
        return dx[0] if isinstance(dx, tuple | list) else dx


class _Product:
    """A loss: the sum of the products of outputs and labels."""

    def __init__(self) -> None:
        self.params: dict[str, Array] = {}
        self.grads: dict[str, Array] = {}
        self._memory: Any = None

    def forward(self, y: Array, t: Array) -> Array:
        self._memory = t
        xp = array_namespace(y)
        return xp.asarray(xp.sum(y * t))

    def backward(self, dout: Any = 1) -> Array:
        return self._memory * dout


def _net(subject: Subject, backend: Backend, others: tuple[Array, ...]) -> Sequential:
    layer = subject.layer(backend)
    params = Parameters(layer)
    for name, array in dict(params).items():  # a factory may give all its layers the same ones
        params[name] = _copied(array)
    first = [] if "int" in str(subject.inputs[0].dtype) else [_Shift(backend)]
    middle = _Given(layer, others) if others else layer
    return Sequential(*first, middle, last_layer=_Product())


def _held(root: Any) -> dict[str, Any]:
    """Return all parameters, buffers and counters of a tree, by name."""
    held = dict(Parameters(root))
    for path, layer in walk(root):
        held |= {f"{path}.{name}".lstrip("."): v for name, v in buffers_of(layer).items()}
    return held


def _unlike(expected: dict[str, Any], found: dict[str, Any], allowed: float = 0.0) -> list[str]:
    if expected.keys() != found.keys():
        return sorted(expected.keys() ^ found.keys())
    pairs = {name: (_on_host(value), _on_host(found[name])) for name, value in expected.items()}
    return [
        name
        for name, (a, b) in pairs.items()
        if a.shape != b.shape or not np.allclose(a, b, rtol=allowed, atol=allowed, equal_nan=True)
    ]


def _on_host(value: Any) -> np.ndarray[Any, Any]:
    return to_numpy(value) if hasattr(value, "shape") else np.asarray(value)


def _copied(array: Array) -> Array:
    return array_namespace(array).asarray(array, copy=True)
