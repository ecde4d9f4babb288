"""ReLU and Sigmoid, and their derivatives."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from xpnet.kernels.arguments import are_alike, compact, fit
from xpnet.kernels.numba import elementwise
from xpnet.kernels.numba.team import EXP, PASS, divide
from xpnet.ops.activations import relu_backward

__all__ = ["KERNELS"]

_Host: TypeAlias = np.ndarray[Any, Any]


def _forward(function: Callable[..., None], x: Any, out: _Host | None) -> Any:
    x = compact(x)
    y = None if x is None else fit(out, x)
    if y is not None:
        function(x.reshape(-1), y.reshape(-1))
    return y


def _backward(function: Callable[..., None], dout: _Host, y: _Host, out: _Host | None) -> Any:
    dx = fit(out, dout, y) if are_alike(dout, y) else None
    if dx is not None:
        function(dout.reshape(-1), y.reshape(-1), dx.reshape(-1))
    return dx


@relu_backward.kernel("numba", checks_itself=True)
def _relu_backward(dout: _Host, y: _Host, *, out: _Host | None = None) -> Any:
    return _backward(partial(divide, elementwise.relu_backward, PASS), dout, y, out)


KERNELS: dict[str, Callable[..., Any]] = {
    "sigmoid": partial(_forward, partial(divide, elementwise.sigmoid, EXP)),
    "sigmoid_backward": partial(_backward, partial(divide, elementwise.sigmoid_backward, PASS)),
}
