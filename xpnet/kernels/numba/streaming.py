"""Results that are larger than the caches: written past them, without reading what was there."""

from __future__ import annotations

from typing import Any

from xpnet.kernels.numba.intrinsics import LINE, stream_scaled
from xpnet.kernels.numba.kept import kept

__all__ = ["is_for_streaming", "scale_into"]

# A smaller result is still in a cache when it is read next. Shorter rows took longer, for they
# begin and end within a line of the cache.
_LEAST_BYTES, _LEAST_BYTES_OF_ROW = 2**23, 2**14

_compiled = kept(nogil=True, error_model="numpy")


@_compiled
def is_for_streaming(result: Any) -> bool:
    """Whether rows of a result of shape (N, C) should be written past the caches."""
    row: int = result.shape[1] * result.itemsize
    is_large = row >= _LEAST_BYTES_OF_ROW and row * len(result) >= _LEAST_BYTES
    return is_large and result.ctypes.data % result.itemsize == 0


@_compiled
def scale_into(x: Any, factor: Any, y: Any) -> None:
    """Write ``x * factor`` to ``y``; both are contiguous, and y is aligned.

    Call ``finish_streams`` before other threads are told of it.
    """
    size, entries = y.shape[0], LINE // y.itemsize
    head = min(size, -y.ctypes.data % LINE // y.itemsize)
    lines = (size - head) // entries
    for j in range(head):
        y[j] = x[j] * factor
    source, target = x.ctypes.data + head * y.itemsize, y.ctypes.data + head * y.itemsize
    for line in range(lines):
        stream_scaled(source + line * LINE, factor, target + line * LINE)
    for j in range(head + lines * entries, size):
        y[j] = x[j] * factor
