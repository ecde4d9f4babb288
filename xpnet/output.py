"""Results that are written into an array of the caller's."""

from __future__ import annotations

from xpnet._typing import Array
from xpnet.backends import adapter_of
from xpnet.checks import check_floats
from xpnet.dtypes import dtype_name
from xpnet.errors import DTypeError, NotWritableError, ShapeError

__all__ = ["check_out", "delivered"]


def check_out(layer: str, out: Array | None, **like: Array) -> None:
    """Make sure that a result fits into ``out``, if there is one.

    Parameters
    ----------
    layer : str
        Who asks, for the error's text.
    out : array or None
        Where the result is to go.
    **like : array
        One array of the result's shape, dtype and home.

    Raises
    ------
    BackendMismatchError, DTypeError
        If ``out`` does not live where the other array does, or is of another dtype.
    ShapeError
        If the shapes differ.
    NotWritableError
        If the library, or this array, cannot be written to.
    """
    if out is None:
        return
    check_floats(layer, out=out, **like)
    ((name, x),) = like.items()
    if dtype_name(out.dtype) != dtype_name(x.dtype):
        msg = (
            f"{layer}: out is {dtype_name(out.dtype)}, but {name} is {dtype_name(x.dtype)}; "
            "they must be equal"
        )
        raise DTypeError(msg)
    if out.shape != x.shape:
        msg = (
            f"{layer}: out has shape {tuple(out.shape)}, but {name} has shape {tuple(x.shape)}; "
            "they must be equal"
        )
        raise ShapeError(msg)
    adapter = adapter_of(out)
    if not adapter.is_writable(out):
        msg = f"{layer}: out cannot be written to: {adapter.why_not_writable}; call without out="
        raise NotWritableError(msg)


def delivered(result: Array, out: Array | None) -> Array:
    """Return a result: itself, or ``out`` with its values."""
    if out is None or out is result:
        return result
    out[...] = result
    return out
