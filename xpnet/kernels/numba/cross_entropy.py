"""Softmax with its loss, and the derivative."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from xpnet import ops
from xpnet.kernels.arguments import are_rows, as_rows
from xpnet.kernels.numba import rows
from xpnet.kernels.numba.team import EXP, PASS, SMALL, divide
from xpnet.kernels.numpy import cross_entropy as on_numpy
from xpnet.kernels.tape import call
from xpnet.labels.classes import check_indices, check_rows
from xpnet.labels.options import are_plain
from xpnet.quiet import quiet

__all__: list[str] = []

_Host: TypeAlias = np.ndarray[Any, Any]

# Losses that can be added one by one; NumPy adds them by pairs, which keeps more digits of many.
_FEW = 1000

_mean = quiet(on_numpy.mean)


def _takes_rows(t: Any, x: _Host) -> bool:
    return are_rows(t, x) and t.dtype.char != "e"  # numba has no float16


def _rows(t: _Host) -> _Host:
    return as_rows(_labels(t))


def _labels(t: _Host) -> _Host:
    """Return labels in the form that compiled code takes; the array changes with ``t``."""
    if t.flags.c_contiguous and t.flags.aligned and t.dtype.isnative:
        return t
    labels = np.empty(t.shape, t.dtype.newbyteorder("="))
    call(np.copyto, labels, t)
    return labels


def _take_labels(t: _Host, flat: _Host, classes: int, taken: _Host) -> None:
    while not rows.take_labels(flat, classes, taken):
        _name_wrong_label(t, classes)


def _softmax_and_mean_loss(
    t: _Host, x: _Host, flat: _Host, y: _Host, losses: _Host, loss: _Host
) -> None:
    while not rows.softmax_and_mean_loss(x, flat, y, losses, loss):
        _name_wrong_label(t, x.shape[-1])


def _name_wrong_label(t: _Host, classes: int) -> None:
    # Another thread may have written a right one meanwhile, and may write while this one looks.
    check_indices(ops.softmax_with_loss.declaration.title, t.copy(), classes)


def _check_rows(t: _Host, totals: _Host) -> None:
    if not rows.are_distributions(totals):
        check_rows(ops.softmax_with_loss.declaration.title, t)


def _softmax_and_mean_loss_of_rows(
    x: _Host, flat: _Host, t: _Host, y: _Host, losses: _Host, totals: _Host, loss: _Host
) -> None:
    if not rows.softmax_and_mean_loss_of_rows(x, flat, y, losses, totals, loss):
        check_rows(ops.softmax_with_loss.declaration.title, t)


def _is_small(x: _Host) -> bool:
    return len(x) <= _FEW and x.size <= SMALL


def _by_indices(x: _Host, t: _Host, y: _Host, loss: _Host) -> None:
    labels, losses = _labels(t), np.empty(t.size, x.dtype)
    flat = labels.reshape(-1)
    if _is_small(x):
        call(_softmax_and_mean_loss, labels, x, flat, y, losses, loss)
    else:
        taken = np.empty(t.size, np.int64)
        call(_take_labels, labels, flat, x.shape[1], taken)
        divide(rows.softmax_and_losses, EXP, x, taken, y, losses)
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


def _difference_by_indices(y: _Host, t: _Host, share: float, dx: _Host) -> None:
    divide(rows.scaled_difference, PASS, y, _labels(t).reshape(-1), share, dx)


def _difference_by_rows(y: _Host, t: _Host, share: float, dx: _Host) -> None:
    divide(rows.scaled_difference_from_rows, PASS, y, _rows(t), share, dx)


@ops.softmax_with_loss.kernel("numba", checks_itself=True)
def _softmax_with_loss(
    x: _Host,
    t: _Host,
    *,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    class_weights: Any = None,
) -> tuple[_Host, _Host] | None:
    if not are_plain(ignore_index, label_smoothing, class_weights):
        return None
    return on_numpy.loss_and_shares(_by_indices, _by_rows, _takes_rows, x, t)


@ops.softmax_with_loss_backward.kernel("numba")
def _softmax_with_loss_backward(
    dout: Any,
    y: _Host,
    t: _Host,
    *,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    class_weights: Any = None,
    out: _Host | None = None,
) -> _Host | None:
    if not are_plain(ignore_index, label_smoothing, class_weights):
        return None
    return on_numpy.gradient_of_scores(
        _difference_by_indices, _difference_by_rows, _takes_rows, y, t, dout, out
    )
