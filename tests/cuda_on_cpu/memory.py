"""Arrays with a guard on either side, so that no kernel writes or reads beyond them unseen."""

from __future__ import annotations

import mmap

import numpy as np

__all__ = ["Memory", "sparse"]

_GUARD_BYTES = 4096
_BOUNDARY = 16
_PATTERN = 0xFF  # NaN in every float dtype, and no class among the integers


class Memory:
    """Where a test's arrays are.

    Parameters
    ----------
    shift : int
        How many elements after a 16-byte boundary each array begins.
    """

    def __init__(self, shift: int = 0) -> None:
        self._shift = shift
        self._guards: list[np.ndarray] = []

    def array(self, values: np.ndarray) -> np.ndarray:
        """Return a guarded copy."""
        size = values.nbytes
        buffer = np.full(size + 2 * _GUARD_BYTES + _BOUNDARY, _PATTERN, dtype=np.uint8)
        start = _GUARD_BYTES + -(buffer.ctypes.data + _GUARD_BYTES) % _BOUNDARY
        start += self._shift * values.itemsize
        self._guards += buffer[:start], buffer[start + size :]
        array = buffer[start : start + size].view(values.dtype).reshape(values.shape)
        array[...] = values
        return array

    def check(self) -> None:
        """Make sure that nothing was written beside an array."""
        for guard in self._guards:
            assert (guard == _PATTERN).all(), "something was written beyond an array"


def sparse(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Return zeros that take no memory until they are written to."""
    size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | getattr(mmap, "MAP_NORESERVE", 0)
    return np.frombuffer(mmap.mmap(-1, size, flags=flags), dtype=dtype).reshape(shape)
