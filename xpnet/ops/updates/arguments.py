"""What all update rules ask of their arrays."""

from __future__ import annotations

from xpnet._typing import Array, Namespace
from xpnet.checks import check_floats, check_same_shape
from xpnet.dtypes import dtype_name
from xpnet.ops.precision import widened

__all__ = ["widened_arguments"]


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
    (wide_param,) = widened(xp, param)
    for name, array in memory.items():
        is_wide = dtype_name(getattr(array, "dtype", "none")) == "float32"
        check_floats(optimizer, param=wide_param if is_wide else param, **{name: array})
    check_same_shape(optimizer, param=param, grad=grad, **memory)
    return xp, (wide_param, *widened(xp, grad), *_all_widened(xp, memory))


def _all_widened(xp: Namespace, memory: dict[str, Array]) -> tuple[Array, ...]:
    return tuple(wide for array in memory.values() for wide in widened(xp, array))
