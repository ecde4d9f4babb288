"""Sums and products of arrays of one shape, or of an array and a number."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from xpnet import ops
from xpnet.kernels.arguments import are_alike, fit
from xpnet.kernels.tape import call
from xpnet.quiet import quiet

__all__: list[str] = []

_Host: TypeAlias = np.ndarray[Any, Any]


@ops.add.kernel("numpy", checks_itself=True)
@quiet
def _add(x: Any, y: Any, *, out: _Host | None = None) -> _Host | None:
    return _of_two(np.add, x, y, out)


@ops.mul.kernel("numpy", checks_itself=True)
@quiet
def _mul(x: Any, y: Any, *, out: _Host | None = None) -> _Host | None:
    return _of_two(np.multiply, x, y, out)


def _of_two(function: Any, x: Any, y: Any, out: _Host | None) -> _Host | None:
    arrays = (x,) if type(y) in (int, float) else (x, y)
    result = fit(out, *arrays) if are_alike(*arrays) else None
    if result is not None:
        call(function, x, y, result)
    return result


@ops.add_backward.kernel("numpy", checks_itself=True)
def _add_backward(dout: Any, x: Any, y: Any) -> tuple[_Host, _Host] | None:
    return (dout, dout) if are_alike(dout, x, y) else None


@ops.mul_backward.kernel("numpy", checks_itself=True)
@quiet
def _mul_backward(dout: Any, x: Any, y: Any) -> tuple[_Host, _Host] | None:
    if not are_alike(dout, x, y):
        return None
    dx, dy = np.empty(x.shape, x.dtype), np.empty(x.shape, x.dtype)
    call(np.multiply, dout, y, dx)
    call(np.multiply, dout, x, dy)
    return dx, dy
