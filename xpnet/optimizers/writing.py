"""Which parameters an update changes, and how they get their new values."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from operator import setitem
from typing import Any

import numpy as np

from xpnet._typing import Array
from xpnet.arrays import detached
from xpnet.backends import adapter_of
from xpnet.kernels.tape import Tape
from xpnet.layers.holders import holders_of

__all__ = [
    "add_new_values",
    "is_number",
    "is_writable",
    "numbers_lifted",
    "trained",
    "would_change_gradients",
]

# Types themselves, for every small update asks whether there are any.
_NUMBERS = frozenset({float, int, *(np.dtype(code).type for code in np.typecodes["AllInteger"])})
_NUMBERS |= {np.dtype(code).type for code in np.typecodes["Float"]}


def trained(params: Mapping[str, Array]) -> dict[str, Array]:
    """Return the parameters that are not frozen; all of a mapping that knows none."""
    places = getattr(params, "graded_places", None)
    return dict(params) if places is None else {name: params[name] for name in places()}


def is_number(param: Any) -> bool:
    """Whether a parameter is a number of Python's or a scalar of NumPy's, and no array."""
    return type(param) in _NUMBERS


def numbers_lifted(
    params: dict[str, Array], grads: Mapping[str, Array]
) -> tuple[dict[str, Array], Mapping[str, Array]]:
    """Return parameters and gradients with arrays of NumPy's in place of numbers, in float64."""
    if _NUMBERS.isdisjoint(map(type, params.values())):
        return params, grads
    numbers = {name: param for name, param in params.items() if is_number(param)}
    found = {name: grads[name] for name in numbers if name in grads and is_number(grads[name])}
    lifted = {name: np.asarray(float(number)) for name, number in numbers.items()}
    return params | lifted, {**grads, **{n: np.asarray(float(grad)) for n, grad in found.items()}}


def add_new_values(
    plan: Tape,
    params: MutableMapping[str, Array],
    before: Mapping[str, Array],
    after: Mapping[str, Array],
) -> None:
    """Add to a plan what gives parameters new values: in their arrays, or in other ones.

    Where arrays cannot be written to, all that hold one get another, as if it had been changed.
    """
    for name, param in before.items():
        if is_number(param):
            plan.add(setitem, params, name, float(after[name]))
            continue
        if is_writable(param):
            plan.add(setitem, detached(param), ..., after[name])
            continue
        if not hasattr(params, "places"):
            plan.add(setitem, params, name, after[name])
        for layer, own_name in holders_of(params, name, param):
            plan.add(setitem, layer.params, own_name, after[name])


def is_writable(param: Array) -> bool:
    adapter = adapter_of(param)
    return adapter.is_writable(adapter.detached(param))


def would_change_gradients(params: Mapping[str, Array], grads: Mapping[str, Array]) -> bool:
    """Whether a gradient lies in a parameter that is changed before it: that of ``V`` is ``W``."""
    changed = set()
    for name, param in params.items():
        if _owner(grads[name]) in changed:
            return True
        changed.add(_owner(param))
    return False


def _owner(array: Array) -> int:
    """Return who owns an array's memory: itself, or the array that it is a view of."""
    if type(array) is np.ndarray:  # looking for what it has not takes long
        return id(array) if array.base is None else id(array.base)
    base = getattr(array, "_base", None)  # of PyTorch
    if base is None:
        base = getattr(array, "base", None)
    return id(array if base is None else base)
