"""Softmax and its logarithm, and their derivatives."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from xpnet import ops
from xpnet.kernels.arguments import are_scores, as_rows, fit
from xpnet.kernels.numba import rows
from xpnet.kernels.numba.team import EXP, PASS, Kernel, divide

__all__: list[str] = []

_Host: TypeAlias = np.ndarray[Any, Any]


@ops.softmax.kernel("numba", checks_itself=True)
def _softmax(x: _Host, axis: int = -1, *, out: _Host | None = None) -> _Host | None:
    return _forward(rows.softmax, x, axis, out)


@ops.log_softmax.kernel("numba", checks_itself=True)
def _log_softmax(x: _Host, axis: int = -1, *, out: _Host | None = None) -> _Host | None:
    return _forward(rows.log_softmax, x, axis, out)


@ops.softmax_backward.kernel("numba", checks_itself=True)
def _softmax_backward(
    dout: _Host, y: _Host, axis: int = -1, *, out: _Host | None = None
) -> _Host | None:
    return _backward(rows.softmax_backward, PASS, dout, y, axis, out)


@ops.log_softmax_backward.kernel("numba", checks_itself=True)
def _log_softmax_backward(
    dout: _Host, y: _Host, axis: int = -1, *, out: _Host | None = None
) -> _Host | None:
    return _backward(rows.log_softmax_backward, EXP, dout, y, axis, out)


def _forward(compute: Kernel, x: _Host, axis: int, out: _Host | None) -> _Host | None:
    if not are_scores(x, axis):
        return None
    y = fit(out, x)
    if y is not None:
        divide(compute, EXP, as_rows(x), as_rows(y))
    return y


def _backward(
    compute: Kernel, cost: float, dout: _Host, y: _Host, axis: int, out: _Host | None
) -> _Host | None:
    if not are_scores(y, axis, dout):
        return None
    dx = fit(out, dout, y)
    if dx is not None:
        divide(compute, cost, as_rows(dout), as_rows(y), as_rows(dx))
    return dx
