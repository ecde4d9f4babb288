"""What optimizers remember of parameters, and how it follows them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, TypeAlias

from xpnet._typing import Array, DType
from xpnet.arrays import array_namespace, asarray, device_of, to_numpy
from xpnet.backend import Backend
from xpnet.backends import adapter_of
from xpnet.checks import check_same_shape
from xpnet.dtypes import is_half
from xpnet.errors import XpnetError

__all__ = ["Memory", "State", "copied", "initial_memory", "memory_beside"]

Memory: TypeAlias = dict[str, Any]
"""What is remembered of one parameter: arrays of its shape, and perhaps the number of steps."""

State: TypeAlias = dict[str, Memory]
"""The memories of all parameters by their names."""

_STEP = "step"


def initial_memory(names: Collection[str], param: Array) -> Memory:
    """Return zeros where a parameter lives, and of the dtype in which its sums are held."""
    xp, dtype = array_namespace(param), _dtype_of_sums(param)
    return {name: 0 if name == _STEP else xp.zeros_like(param, dtype=dtype) for name in names}


def copied(memory: Memory) -> Memory:
    """Return a memory that can be written to while the old one stays."""
    return {
        name: array if name == _STEP else array_namespace(array).asarray(array, copy=True)
        for name, array in memory.items()
    }


def memory_beside(
    optimizer: str, name: str, param: Array, memory: Memory, expected: Collection[str]
) -> Memory:
    """Return what was remembered of a parameter, brought to where that lives now.

    Raises
    ------
    KeyError
        If it is not what was expected.
    ShapeError
        If an array does not have the shape of the parameter.
    DTypeError, BackendMismatchError
        If something is no array of numbers.
    """
    if not memory and not expected:
        return memory
    if memory.keys() != set(expected):
        msg = (
            f"{optimizer}: state[{name!r}] has {', '.join(memory) or 'nothing'}; "
            f"it must have {', '.join(expected) or 'nothing'}"
        )
        raise KeyError(msg)
    try:
        here = {
            key: _count_beside(param, value) if key == _STEP else _brought_to(param, value)
            for key, value in memory.items()
        }
        for key, array in here.items():
            if key != _STEP and array.shape != param.shape:
                named = {f"params[{name!r}]": param, f"state[{name!r}][{key!r}]": array}
                check_same_shape(optimizer, **named)
    except XpnetError as error:
        error.add_note(f"Delete state[{name!r}] to begin anew with this parameter.")
        raise
    return here


def _dtype_of_sums(param: Array) -> DType:
    return array_namespace(param).float32 if is_half(param.dtype) else param.dtype


def _brought_to(param: Array, array: Array) -> Array:
    device, dtype = device_of(param), _dtype_of_sums(param)
    if type(array) is type(param) and device_of(array) == device and array.dtype == dtype:
        return array
    adapter = adapter_of(param)
    return asarray(array, xp=Backend(adapter.name, device, dtype, adapter), dtype=dtype)


def _count_beside(param: Array, step: Any) -> Any:
    """Return a number of steps as an int, unless a device or a trace would be waited for."""
    if isinstance(step, int):
        return step
    adapter = adapter_of(step)
    is_foreign = adapter is not adapter_of(param)
    return int(to_numpy(step)) if is_foreign or adapter.is_readable(step) else step
