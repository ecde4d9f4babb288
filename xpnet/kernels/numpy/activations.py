"""ReLU and Sigmoid, and their derivatives."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from xpnet import ops
from xpnet.kernels.arguments import are_alike, compact, fit, has_another_layout
from xpnet.kernels.numpy.blocks import buffer, by_row_blocks
from xpnet.kernels.tape import call
from xpnet.quiet import quiet

__all__: list[str] = []

_Host: TypeAlias = np.ndarray[Any, Any]


@ops.relu.kernel("numpy", checks_itself=True)
def _relu(x: Any, *, out: _Host | None = None) -> _Host | None:
    if are_alike(x):
        y = fit(out, x)
    else:  # one pass over memory in any layout, if the result has the same
        y = np.empty_like(x) if out is None and has_another_layout(x) else None
    if y is not None:
        call(_maximum_with_0, x, y)
    return y


def _maximum_with_0(x: _Host, y: _Host) -> None:
    np.maximum(x, 0, out=y)


@ops.relu_backward.kernel("numpy", checks_itself=True)
@quiet
def _relu_backward(dout: _Host, y: _Host, *, out: _Host | None = None) -> _Host | None:
    dx = fit(out, dout, y) if are_alike(dout, y) else None
    if dx is None or dx is dout:
        return None
    call(_times_sign, dout.reshape(-1, 1), y.reshape(-1, 1), dx.reshape(-1, 1))
    return dx


@by_row_blocks
def _times_sign(dout: _Host, y: _Host, dx: _Host) -> None:
    np.sign(y, dx)
    np.multiply(dout, dx, dx)


@ops.sigmoid.kernel("numpy", checks_itself=True)
@quiet
def _sigmoid(x: Any, *, out: _Host | None = None) -> _Host | None:
    x = compact(x)
    y = None if x is None else fit(out, x)
    if y is not None:
        call(_over_sum, x.reshape(-1, 1), y.reshape(-1, 1))
    return y


@by_row_blocks
def _over_sum(x: _Host, y: _Host) -> None:
    # exp(min(x, 0)) / (1 + exp(-abs(x))): see xpnet.sigmoid.
    divisor = buffer(x.dtype)[: x.size, None]
    np.abs(x, divisor)
    np.negative(divisor, divisor)
    np.exp(divisor, divisor)
    np.add(divisor, 1, divisor)
    np.minimum(x, 0, out=y)
    np.exp(y, y)
    np.divide(y, divisor, y)


@ops.sigmoid_backward.kernel("numpy", checks_itself=True)
@quiet
def _sigmoid_backward(dout: _Host, y: _Host, *, out: _Host | None = None) -> _Host | None:
    dx = fit(out, dout, y) if are_alike(dout, y) else None
    if dx is None:
        return None
    call(_times_slope, dout.reshape(-1, 1), y.reshape(-1, 1), dx.reshape(-1, 1))
    return dx


@by_row_blocks
def _times_slope(dout: _Host, y: _Host, dx: _Host) -> None:
    rest = buffer(y.dtype)[: y.size, None]
    np.subtract(1, y, rest)
    np.multiply(dout, y, dx)
    np.multiply(dx, rest, dx)
