"""Softmax with its loss, and the derivative."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from xpnet.kernels.arguments import are_indices, are_scores, as_rows, fit
from xpnet.kernels.numba import rows
from xpnet.kernels.numba.team import EXP, PASS, SMALL, divide
from xpnet.kernels.numpy.cross_entropy import mean
from xpnet.kernels.tape import call
from xpnet.ops.labels import check_indices
from xpnet.quiet import quiet

__all__ = ["KERNELS"]

_Host: TypeAlias = np.ndarray[Any, Any]

# Losses that can be added one by one; NumPy adds them by pairs, which keeps more digits of many.
_FEW = 1000

_mean = quiet(mean)


def _takes_labels(x: _Host, t: Any) -> bool:
    return are_scores(x, -1) and are_indices(t, x) and t.flags.c_contiguous and t.dtype.isnative


def _check_labels(flat: _Host, t: _Host, classes: int) -> None:
    if not rows.are_labels(flat, classes):
        check_indices("SoftmaxWithLoss", t, classes)


def _softmax_and_mean_loss(
    x: _Host, flat: _Host, t: _Host, y: _Host, losses: _Host, loss: _Host
) -> None:
    if not rows.softmax_and_mean_loss(x, flat, y, losses, loss):
        check_indices("SoftmaxWithLoss", t, x.shape[-1])


def _softmax_with_loss(x: _Host, t: _Host) -> tuple[_Host, _Host] | None:
    if not _takes_labels(x, t):
        return None
    loss, y, losses = np.empty((), x.dtype), np.empty(x.shape, x.dtype), np.empty(t.size, x.dtype)
    scores, labels, shares = as_rows(x), t.reshape(-1), as_rows(y)
    if t.size <= _FEW and x.size <= SMALL:
        call(_softmax_and_mean_loss, scores, labels, t, shares, losses, loss)
    else:
        call(_check_labels, labels, t, x.shape[-1])
        divide(rows.softmax_and_losses, EXP, scores, labels, shares, losses)
        call(_mean, losses, loss)
    return loss, y


def _softmax_with_loss_backward(y: _Host, t: _Host, dout: Any, out: _Host | None) -> _Host | None:
    if not _takes_labels(y, t) or not isinstance(dout, int | float):
        return None
    dx = fit(out, y)
    if dx is None:
        return None
    divide(rows.scaled_difference, PASS, as_rows(y), t.reshape(-1), dout / t.size, as_rows(dx))
    return dx


KERNELS: dict[str, Callable[..., Any]] = {
    "softmax_with_loss": _softmax_with_loss,
    "softmax_with_loss_backward": _softmax_with_loss_backward,
}
