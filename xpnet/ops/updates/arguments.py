"""What all update rules ask of their arrays."""

from __future__ import annotations

from typing import Any

from xpnet._typing import Array, Namespace
from xpnet.checks import check_floats, check_same_shape
from xpnet.dtypes import dtype_name
from xpnet.ops.precision import widened

__all__ = ["widened_arguments", "widened_settings"]


def widened_arguments(
    optimizer: str, param: Array, grad: Array, **memory: Array
) -> tuple[Namespace, tuple[Array, ...]]:
    """Return the namespace of the arrays, and the arrays in a dtype in which sums may be held.

    Raises
    ------
    ShapeError
        If the shapes differ.
    DTypeError
        If an array is not of floats, or the dtypes differ; but the memory of a 16-bit parameter
        may be float32.
    BackendMismatchError
        If the arrays do not live together.
    """
    xp = check_floats(optimizer, param=param, grad=grad)
    wide_param, wide_grad = widened(xp, param, grad)
    for name, array in memory.items():
        is_wide = dtype_name(getattr(array, "dtype", "none")) == "float32"
        check_floats(optimizer, param=wide_param if is_wide else param, **{name: array})
    check_same_shape(optimizer, param=param, grad=grad, **memory)
    wide_memory = (widened(xp, array)[0] for array in memory.values())
    return xp, (wide_param, wide_grad, *wide_memory)


def widened_settings(xp: Namespace, *settings: Any) -> tuple[Any, ...]:
    """Return numbers as they are, and arrays of one number in a dtype in which sums may be held.

    So nothing that follows from settings alone, such as ``1 - beta1``, is rounded to 16 bits.
    """
    return tuple(widened(xp, each)[0] if hasattr(each, "dtype") else each for each in settings)
