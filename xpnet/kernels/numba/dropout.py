"""Dropout and its derivative."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from xpnet.kernels.numba import philox
from xpnet.kernels.numba.team import PASS, divide
from xpnet.kernels.numpy import dropout as on_numpy

__all__ = ["KERNELS"]

_Host: TypeAlias = np.ndarray[Any, Any]

# What an entry with its random word takes in one thread, in nanoseconds and roughly.
_WORD = 0.7


def _drop(seed: int, stream: _Host, least: int, factor: Any, x: _Host, *results: _Host) -> None:
    settings = np.uint64(seed), stream, np.uint32(least), factor
    divide(philox.drop, _WORD, x, *settings, *results)


KERNELS: dict[str, Callable[..., Any]] = {
    "dropout": partial(on_numpy.dropped, _drop),
    "dropout_backward": partial(on_numpy.gradient, partial(divide, philox.scale_kept, PASS)),
}
