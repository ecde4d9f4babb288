"""Compute in a wider dtype, and round once at the end: 16-bit floats hold sums in float32."""

from __future__ import annotations

from xpnet._typing import Array, Namespace
from xpnet.dtypes import is_half
from xpnet.together import as_dtype

__all__ = ["rounded", "widened"]


def widened(xp: Namespace, *arrays: Array) -> tuple[Array, ...]:
    """Return the arrays in a dtype in which sums may be held; as they are from 32 bits on.

    Examples
    --------
    >>> import array_api_compat.numpy as np
    >>> widened(np, np.ones(2, dtype=np.float16))[0].dtype
    dtype('float32')
    """
    if is_half(arrays[0].dtype):
        return tuple(xp.astype(array, xp.float32) for array in arrays)
    return arrays


def rounded(xp: Namespace, result: Array, like: Array) -> Array:
    """Return a result in the dtype of ``like``; as it is if that is its dtype already."""
    return result if result.dtype == like.dtype else as_dtype(xp, result, like.dtype)
