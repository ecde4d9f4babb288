"""ReLU and Sigmoid, and their derivatives."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from xpnet import ops
from xpnet.kernels.arguments import are_alike, compact, fit
from xpnet.kernels.numba import elementwise
from xpnet.kernels.numba.team import EXP, PASS, Kernel, divide

__all__: list[str] = []

_Host: TypeAlias = np.ndarray[Any, Any]


@ops.sigmoid.kernel("numba", checks_itself=True)
def _sigmoid(x: Any, *, out: _Host | None = None) -> _Host | None:
    x = compact(x)
    y = None if x is None else fit(out, x)
    if y is not None:
        divide(elementwise.sigmoid, EXP, x.reshape(-1), y.reshape(-1))
    return y


@ops.relu_backward.kernel("numba", checks_itself=True)
def _relu_backward(dout: _Host, y: _Host, *, out: _Host | None = None) -> _Host | None:
    return _backward(elementwise.relu_backward, dout, y, out)


@ops.sigmoid_backward.kernel("numba", checks_itself=True)
def _sigmoid_backward(dout: _Host, y: _Host, *, out: _Host | None = None) -> _Host | None:
    return _backward(elementwise.sigmoid_backward, dout, y, out)


def _backward(compute: Kernel, dout: _Host, y: _Host, out: _Host | None) -> _Host | None:
    dx = fit(out, dout, y) if are_alike(dout, y) else None
    if dx is not None:
        divide(compute, PASS, dout.reshape(-1), y.reshape(-1), dx.reshape(-1))
    return dx
