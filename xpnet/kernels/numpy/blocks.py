"""Blocks that fit a cache, and memory for them that stays."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

__all__ = ["BLOCK", "buffer", "by_row_blocks"]

_Host: TypeAlias = np.ndarray[Any, Any]

# Bytes of one block: half of a core's second-level cache, so that two of them fit.
BLOCK = 2**19

_buffers = threading.local()


def buffer(dtype: np.dtype[Any], number: int = 0) -> _Host:
    """Return a block of memory of this thread's, of which it has some."""
    kept: dict[str, _Host] = _buffers.__dict__
    name = f"{dtype.char}{number}"
    if name not in kept:
        kept[name] = np.empty(BLOCK // dtype.itemsize, dtype)
    return kept[name]


def by_row_blocks(function: Callable[..., None]) -> Callable[..., None]:
    """Apply a function of arrays with the same rows to blocks of them that fit a cache."""

    def blockwise(*arrays: _Host) -> None:
        first = arrays[0]
        rows = max(1, BLOCK // max(first.itemsize * first.shape[-1], 1))
        if rows >= first.shape[0]:
            function(*arrays)
            return
        for start in range(0, first.shape[0], rows):
            function(*(array[start : start + rows] for array in arrays))

    return blockwise
