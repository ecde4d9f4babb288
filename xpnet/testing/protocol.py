"""The check that goes first: what every layer has, and what forward and backward return."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import numpy as np

from xpnet.arrays import to_numpy
from xpnet.backend import Backend
from xpnet.gradient_check.arguments import is_array
from xpnet.layers.parameters import parameters_of
from xpnet.testing.subject import Subject

__all__ = ["Breach", "runs"]

_Result = TypeVar("_Result")

_PROTOCOL = ("forward", "backward", "params", "grads")


class Breach(Exception):  # noqa: N818 - the error is the layer's
    """A layer breaks a contract such that the check cannot go on; the text is the finding."""


def runs(subject: Subject, backend: Backend) -> Iterator[str]:
    """The layer can be made, goes forward and back, and returns what the protocol says."""
    bare = _tried("the factory", subject.factory)
    missing = [name for name in _PROTOCOL if not hasattr(bare, name)]
    if missing:
        yield f"{type(bare).__name__} lacks {', '.join(missing)}"
        return
    layer, twin = (_tried("the factory", lambda: subject.layer(backend)) for _ in range(2))
    params = parameters_of(layer)
    yield from _unlike(params, parameters_of(twin))
    inputs = subject.arrays(backend)
    y = _tried("forward", lambda: layer.forward(*inputs))
    if not is_array(y):
        yield f"forward returns {_described(y)}, but the checks need one array"
        return
    returned = _tried("backward", lambda: layer.backward(subject.upstream(y, backend)))
    gradients = returned if isinstance(returned, tuple | list) else (returned,)
    strange = [dx for dx in gradients if dx is not None and not is_array(dx)]
    if strange:
        yield f"backward returns {_described(strange[0])} for a gradient; it is an array or None"
        return
    if len(gradients) > len(inputs):
        yield f"backward returns {len(gradients)} gradients, but there are {len(inputs)} inputs"
        return
    for i, (x, dx) in enumerate(zip(inputs, gradients, strict=False)):
        yield from _misshapen(f"input {i}", x, dx)
    grads = params.grads()
    for name, array in params.items():
        if grads.get(name) is None:
            yield f"after backward, grads has no {name!r}, which is in params"
        yield from _misshapen(name, array, grads.get(name))


def _tried(what: str, call: Callable[[], _Result]) -> _Result:
    try:
        return call()
    except Exception as error:  # whatever a layer raises is a finding
        msg = f"{what} raises {type(error).__name__}: {error}"
        raise Breach(msg) from error


def _described(value: Any) -> str:
    if isinstance(value, tuple | list):
        return f"a {type(value).__name__} of {len(value)}"
    return "None" if value is None else f"a {type(value).__name__}"


def _unlike(params: Mapping[str, Any], others: Mapping[str, Any]) -> Iterator[str]:
    if params.keys() != others.keys():
        yield f"the factory makes layers with {', '.join(params)}, or {', '.join(others)}"
        return
    for name, array in params.items():
        if not np.array_equal(to_numpy(array), to_numpy(others[name]), equal_nan=True):
            yield f"the factory makes another {name} each time; give it a seed"


def _misshapen(name: str, array: Any, gradient: Any) -> Iterator[str]:
    if gradient is not None and tuple(gradient.shape) != tuple(array.shape):
        shapes = f"{tuple(gradient.shape)}, but {name} has shape {tuple(array.shape)}"
        yield f"the gradient of {name} has shape {shapes}"
