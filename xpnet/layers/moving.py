"""Moving all arrays of a tree of layers to another library, device or dtype."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xpnet._typing import Array, Device, DType
from xpnet.arrays import asarray, device_of
from xpnet.backend import Backend, BackendSpec, resolve_backend
from xpnet.checks import check_same_home
from xpnet.dtypes import is_float
from xpnet.layers.state import attributes_of, taken_apart
from xpnet.layers.tree import walk

__all__ = ["move"]


def move(root: Any, xp: BackendSpec | None, *, device: Device | None, dtype: DType | None) -> None:
    """Move the parameters, gradients and buffers of a tree, or nothing if one cannot be moved.

    Parameters and errors are those of :meth:`xpnet.Layer.to`. An array that two layers have in
    common is one afterwards, too.
    """
    target = None if xp is None else resolve_backend(xp, device, dtype)
    # With each array itself, for an id is free again once an array is gone.
    moved: dict[int, tuple[Array, Array]] = {}

    def home_of(xp: BackendSpec, present: Device) -> Backend:
        return target or resolve_backend(xp, present if device is None else device, dtype)

    def new_one(layer: Any, name: str, array: Array) -> Array:
        if id(array) not in moved:
            own_xp = check_same_home(type(layer).__name__, **{name: array})
            home = home_of(own_xp, device_of(array))
            keeps = dtype is None or not is_float(array.dtype)
            new = asarray(array, xp=home, dtype=array.dtype if keeps else dtype)
            moved[id(array)] = array, new
        return moved[id(array)][1]

    changes: list[Callable[[], None]] = []
    for _, layer in walk(root):
        for owned in (layer.params, layer.grads):
            new = {
                key: new_one(layer, key, a)
                for key, a in owned.items()
                if not isinstance(a, int | float)
            }
            changes += [_update(owned, new)]
        for name, value in attributes_of(layer).items():
            parts = taken_apart(value)
            if parts.arrays:
                arrays = [new_one(layer, name, array) for array in parts.arrays]
                changes += [_assign(layer, name, parts.rebuilt(arrays))]
        home = getattr(layer, "_backend", None)
        if isinstance(home, Backend):
            changes += [_assign(layer, "_backend", home_of(home, home.device))]
        for name in ("_memory", "_noted"):
            if getattr(layer, name, None) is not None:
                changes += [_assign(layer, name, None)]
    # Nothing can fail from here on.
    for change in changes:
        change()


def _update(owned: Any, arrays: dict[str, Array]) -> Callable[[], None]:
    return lambda: owned.update(arrays)


def _assign(layer: Any, name: str, value: Any) -> Callable[[], None]:
    return lambda: setattr(layer, name, value)
