"""Dropout and its derivative."""

from __future__ import annotations

from functools import partial
from typing import Any, TypeAlias

import numpy as np

from xpnet import ops
from xpnet._typing import Array
from xpnet.kernels.numba import philox
from xpnet.kernels.numba.team import PASS, divide
from xpnet.kernels.numpy import dropout as on_numpy

__all__: list[str] = []

_Host: TypeAlias = np.ndarray[Any, Any]

# What an entry with its random word takes in one thread, in nanoseconds and roughly.
_WORD = 0.7


def _drop(seed: int, stream: _Host, least: int, factor: Any, x: _Host, *results: _Host) -> None:
    settings = np.uint64(seed), stream, np.uint32(least), factor
    divide(philox.drop, _WORD, x, *settings, *results)


_keep = partial(divide, philox.scale_kept, PASS)


@ops.dropout.kernel("numba")
def _dropout(
    x: _Host, rate: float, seed: int, step: int | Array = 0, *, out: _Host | None = None
) -> tuple[_Host, _Host] | None:
    return on_numpy.dropped(_drop, x, rate, seed, step, out)


@ops.dropout_backward.kernel("numba", checks_itself=True)
def _dropout_backward(
    dout: _Host, mask: _Host, rate: float, *, out: _Host | None = None
) -> _Host | None:
    return on_numpy.gradient(_keep, dout, mask, rate, out)
