"""Softmax and its logarithm, and their derivatives."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from xpnet.kernels.arguments import are_scores, as_rows, fit
from xpnet.kernels.numba import rows
from xpnet.kernels.numba.team import EXP, PASS, divide

__all__ = ["KERNELS"]

_Host: TypeAlias = np.ndarray[Any, Any]


def _forward(function: Callable[..., None], x: _Host, axis: int, out: _Host | None) -> Any:
    if not are_scores(x, axis):
        return None
    y = fit(out, x)
    if y is not None:
        function(as_rows(x), as_rows(y))
    return y


def _backward(
    function: Callable[..., None], dout: _Host, y: _Host, axis: int, out: _Host | None
) -> Any:
    if not are_scores(y, axis, dout):
        return None
    dx = fit(out, dout, y)
    if dx is not None:
        function(as_rows(dout), as_rows(y), as_rows(dx))
    return dx


KERNELS: dict[str, Callable[..., Any]] = {
    "log_softmax": partial(_forward, partial(divide, rows.log_softmax, EXP)),
    "log_softmax_backward": partial(_backward, partial(divide, rows.log_softmax_backward, EXP)),
    "softmax": partial(_forward, partial(divide, rows.softmax, EXP)),
    "softmax_backward": partial(_backward, partial(divide, rows.softmax_backward, PASS)),
}
