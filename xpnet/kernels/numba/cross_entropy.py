"""Softmax with its loss, and the derivative."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from xpnet.kernels.arguments import are_indices, are_rows, are_scores, as_rows, fit
from xpnet.kernels.numba import rows
from xpnet.kernels.numba.team import EXP, PASS, SMALL, divide
from xpnet.kernels.numpy.cross_entropy import mean
from xpnet.kernels.tape import call
from xpnet.ops.labels import check_indices, check_rows
from xpnet.quiet import quiet

__all__ = ["KERNELS"]

_Host: TypeAlias = np.ndarray[Any, Any]

# Losses that can be added one by one; NumPy adds them by pairs, which keeps more digits of many.
_FEW = 1000

_mean = quiet(mean)


def _takes_rows(x: _Host, t: Any) -> bool:
    return are_rows(t, x) and t.dtype.char != "e"  # numba has no float16


def _flat_indices(t: _Host) -> _Host:
    return _labels(t).reshape(-1)


def _rows(t: _Host) -> _Host:
    return as_rows(_labels(t))


def _labels(t: _Host) -> _Host:
    """Return labels in the form that compiled code takes; the array changes with ``t``."""
    if t.flags.c_contiguous and t.dtype.isnative:
        return t
    labels = np.empty(t.shape, t.dtype.newbyteorder("="))
    call(np.copyto, labels, t)
    return labels


def _check_indices(flat: _Host, t: _Host, classes: int) -> None:
    if not rows.are_labels(flat, classes):
        check_indices("SoftmaxWithLoss", t, classes)


def _softmax_and_mean_loss(
    x: _Host, flat: _Host, t: _Host, y: _Host, losses: _Host, loss: _Host
) -> None:
    if not rows.softmax_and_mean_loss(x, flat, y, losses, loss):
        check_indices("SoftmaxWithLoss", t, x.shape[-1])


def _check_rows(t: _Host, totals: _Host) -> None:
    if not rows.are_distributions(totals):
        check_rows("SoftmaxWithLoss", t)


def _softmax_and_mean_loss_of_rows(
    x: _Host, flat: _Host, t: _Host, y: _Host, losses: _Host, totals: _Host, loss: _Host
) -> None:
    if not rows.softmax_and_mean_loss_of_rows(x, flat, y, losses, totals, loss):
        check_rows("SoftmaxWithLoss", t)


def _softmax_with_loss(x: _Host, t: _Host) -> tuple[_Host, _Host] | None:
    if not are_scores(x, -1):
        return None
    if are_indices(t, x):
        compute = _by_indices
    elif _takes_rows(x, t):
        compute = _by_rows
    else:
        return None
    loss, y = np.empty((), x.dtype), np.empty(x.shape, x.dtype)
    compute(as_rows(x), t, as_rows(y), loss)
    return loss, y


def _is_small(x: _Host) -> bool:
    return len(x) <= _FEW and x.size <= SMALL


def _by_indices(x: _Host, t: _Host, y: _Host, loss: _Host) -> None:
    labels, losses = _flat_indices(t), np.empty(t.size, x.dtype)
    if _is_small(x):
        call(_softmax_and_mean_loss, x, labels, t, y, losses, loss)
    else:
        call(_check_indices, labels, t, x.shape[1])
        divide(rows.softmax_and_losses, EXP, x, labels, y, losses)
        call(_mean, losses, loss)


def _by_rows(x: _Host, t: _Host, y: _Host, loss: _Host) -> None:
    labels = _rows(t)
    losses, totals = np.empty((2, len(x)), x.dtype)
    if _is_small(x):
        call(_softmax_and_mean_loss_of_rows, x, labels, t, y, losses, totals, loss)
    else:
        divide(rows.softmax_and_losses_of_rows, EXP, x, labels, y, losses, totals)
        call(_check_rows, t, totals)
        call(_mean, losses, loss)


def _softmax_with_loss_backward(y: _Host, t: _Host, dout: Any, out: _Host | None) -> _Host | None:
    if not are_scores(y, -1) or not isinstance(dout, int | float):
        return None
    labels_of: Callable[[_Host], _Host]
    if are_indices(t, y):
        compute, labels_of = rows.scaled_difference, _flat_indices
    elif _takes_rows(y, t) and (out is None or not np.may_share_memory(out, t)):
        compute, labels_of = rows.scaled_difference_from_rows, _rows
    else:
        return None
    dx = fit(out, y)
    if dx is not None:
        scores = as_rows(y)
        divide(compute, PASS, scores, labels_of(t), dout / len(scores), as_rows(dx))
    return dx


KERNELS: dict[str, Callable[..., Any]] = {
    "softmax_with_loss": _softmax_with_loss,
    "softmax_with_loss_backward": _softmax_with_loss_backward,
}
