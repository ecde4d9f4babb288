"""What all update rules ask of their arrays."""

from __future__ import annotations

from typing import Any

from xpnet._typing import Array, Namespace
from xpnet.backends import adapter_of
from xpnet.checks import check_floats, check_same_shape
from xpnet.dtypes import dtype_name, is_half
from xpnet.ops.precision import widened
from xpnet.together import floats_together

__all__ = ["widened_arguments", "widened_settings"]


def widened_arguments(
    optimizer: str, param: Array, grad: Array, **memory: Array
) -> tuple[Namespace, tuple[Array, ...]]:
    """Return the namespace of the arrays, and the arrays in a dtype in which sums may be held.

    Where float32 meets float64, that is float64.

    Raises
    ------
    ShapeError
        If the shapes differ.
    DTypeError
        If an array is not of floats, or 16 bits meet another width; but the memory of a 16-bit
        parameter may be float32.
    BackendMismatchError
        If the arrays do not live together.
    """
    if is_half(_dtype(param)):
        xp = _check_beside_half(optimizer, param, grad, memory)
        plain = map(adapter_of(param).plain, (param, grad, *memory.values()))
        wide = tuple(widened(xp, array)[0] for array in plain)
    else:
        xp, *together = floats_together(optimizer, param=param, grad=grad, **memory)
        wide = tuple(together)
    check_same_shape(optimizer, param=param, grad=grad, **memory)
    return xp, wide


def _check_beside_half(
    optimizer: str, param: Array, grad: Array, memory: dict[str, Array]
) -> Namespace:
    xp = check_floats(optimizer, param=param, grad=grad)
    (wide_param,) = widened(xp, param)
    for name, array in memory.items():
        is_wide = dtype_name(_dtype(array)) == "float32"
        check_floats(optimizer, param=wide_param if is_wide else param, **{name: array})
    return xp


def _dtype(array: Any) -> Any:
    return getattr(array, "dtype", "none")


def widened_settings(xp: Namespace, *settings: Any) -> tuple[Any, ...]:
    """Return numbers as they are, and arrays of one number in a dtype in which sums may be held.

    So nothing that follows from settings alone, such as ``1 - beta1``, is rounded to 16 bits.
    """
    return tuple(
        widened(xp, adapter_of(each).plain(each))[0] if hasattr(each, "dtype") else each
        for each in settings
    )
