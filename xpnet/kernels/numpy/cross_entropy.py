"""Softmax with its loss, and the derivative.

A kernel is one of the two public functions of labels, with others that compute; numba has those.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import isfinite
from typing import Any, TypeAlias

import numpy as np

from xpnet import ops
from xpnet.kernels.arguments import NEAR, are_indices, are_rows, are_scores, as_rows, fit
from xpnet.kernels.numpy.affine import ones
from xpnet.kernels.numpy.blocks import by_row_blocks
from xpnet.kernels.numpy.softmax import softmax_of_rows
from xpnet.kernels.tape import call
from xpnet.labels.classes import check_indices, check_rows
from xpnet.labels.options import are_plain
from xpnet.quiet import quiet

__all__ = ["gradient_of_scores", "loss_and_shares", "mean"]

_Host: TypeAlias = np.ndarray[Any, Any]


def loss_and_shares(
    by_indices: Callable[..., None],
    by_rows: Callable[..., None],
    takes_rows: Callable[..., bool],
    x: _Host,
    t: _Host,
) -> tuple[_Host, _Host] | None:
    """Return what one of two functions of x, t, y and loss writes to the last two.

    They get arrays of two axes but for the labels; the second is for rows of these.
    """
    if not are_scores(x, -1):
        return None
    if are_indices(t, x):
        compute = by_indices
    elif takes_rows(t, x):
        compute = by_rows
    else:
        return None
    loss, y = np.empty((), x.dtype), np.empty(x.shape, x.dtype)
    compute(as_rows(x), t, as_rows(y), loss)
    return loss, y


@quiet
def _by_indices(x: _Host, t: _Host, y: _Host, loss: _Host) -> None:
    scores, labels = np.empty((t.size, 1), x.dtype), np.empty(t.shape, t.dtype)
    call(np.copyto, labels, t)  # another thread may write to t between a check and a use
    call(check_indices, ops.softmax_with_loss.declaration.title, labels, x.shape[-1])
    positions = np.empty(t.size, np.intp)
    call(_scores_at_labels, x, labels.reshape(-1), _starts(x), positions, scores)
    largest, sums = softmax_of_rows(x, y)
    call(_mean_loss, scores, largest, sums, loss)


def _starts(rows: _Host) -> _Host:
    """Return where each row begins in the flat scores."""
    return np.arange(0, rows.size, rows.shape[-1])


def _scores_at_labels(
    x: _Host, labels: _Host, starts: _Host, positions: _Host, scores: _Host
) -> None:
    # Labels are of any integer dtype.
    np.add(starts, labels, positions, dtype=np.intp, casting="unsafe")
    np.take(x, positions, None, scores[:, 0], "clip")


def _mean_loss(scores: _Host, largest: _Host, sums: _Host, loss: _Host) -> None:
    losses = np.log(sums, sums)
    np.subtract(scores, largest, scores)
    np.subtract(losses, scores, losses)
    mean(losses, loss)


@quiet
def _by_rows(x: _Host, t: _Host, y: _Host, loss: _Host) -> None:
    rows = _rows_like(x, t)
    totals, scores = np.empty((2, len(x), 1), x.dtype)
    largest, sums = softmax_of_rows(x, y, rows, totals, scores)
    call(_check_rows, t, totals)
    call(_mean_loss_of_rows, x, rows, largest, sums, totals, scores, loss)


def _rows_like(x: _Host, t: _Host) -> _Host:
    """Return rows of labels in the dtype of ``x``; the array changes with ``t``."""
    if t.dtype == x.dtype and t.flags.c_contiguous:
        return as_rows(t)
    rows = np.empty(x.shape, x.dtype)
    call(np.copyto, rows.reshape(t.shape), t, "unsafe")
    return rows


def _check_rows(t: _Host, totals: _Host) -> None:
    # A tiny negative entry may be 0 in the dtype of the sums.
    least = np.minimum.reduce(t, axis=None)
    low, high = np.minimum.reduce(totals, axis=None), np.maximum.reduce(totals, axis=None)
    if not (least >= 0 and low >= 1 - NEAR and high <= 1 + NEAR):
        check_rows(ops.softmax_with_loss.declaration.title, t)


def _mean_loss_of_rows(
    x: _Host,
    t: _Host,
    largest: _Host,
    sums: _Host,
    totals: _Host,
    scores: _Host,
    loss: _Host,
) -> None:
    if not isfinite(np.add.reduce(scores, axis=None)):
        _leave_out_zeros(x, t, largest, scores)
    losses = np.log(sums, sums)
    np.multiply(losses, totals, losses)
    np.subtract(losses, scores, losses)
    mean(losses, loss)


def _leave_out_zeros(x: _Host, t: _Host, largest: _Host, scores: _Host) -> None:
    # To a product of vectors 0 times -inf is NaN; a class of probability 0 counts nothing.
    wrong = np.flatnonzero(~np.isfinite(scores))
    rows = t[wrong]
    products = rows * (x[wrong] - largest[wrong])
    products[rows == 0] = 0
    scores[wrong] = np.add.reduce(products, axis=1, keepdims=True)


def mean(losses: _Host, loss: _Host) -> None:
    loss[()] = np.add.reduce(losses, axis=None) / losses.size


def gradient_of_scores(
    by_indices: Callable[..., None],
    by_rows: Callable[..., None],
    takes_rows: Callable[..., bool],
    y: _Host,
    t: _Host,
    dout: Any,
    out: _Host | None,
) -> _Host | None:
    """Return what one of two functions of y, t, share and dx writes to dx; see above."""
    # A number of NumPy is an array of shape () in a compiled step, whose bits are the same.
    if not are_scores(y, -1) or type(dout) not in (int, float):
        return None
    if are_indices(t, y):
        compute = by_indices
    elif takes_rows(t, y):
        compute = by_rows
    else:
        return None
    if out is not None and np.may_share_memory(out, t):
        return None
    dx = fit(out, y)
    if dx is not None:
        rows = as_rows(y)
        compute(rows, t, dout / len(rows), as_rows(dx))
    return dx


@quiet
def _difference_by_indices(y: _Host, t: _Host, share: float, dx: _Host) -> None:
    labels, at_label = np.empty(t.shape, np.intp), np.empty(t.size, y.dtype)
    call(np.copyto, labels, t, "unsafe")  # once: t may have changed since forward, and may again
    call(_scaled_difference, y, labels.reshape(-1), _starts(y), share, at_label, dx)


def _scaled_difference(
    y: _Host, labels: _Host, starts: _Host, share: float, at_label: _Host, dx: _Host
) -> None:
    # Read without a sign, what is negative is larger than all classes.
    unsigned, wrong = labels.view(np.uintp), None
    if np.maximum.reduce(unsigned) >= y.shape[1]:
        wrong = unsigned >= y.shape[1]
        labels[wrong] = 0
    positions = np.add(labels, starts, labels)
    np.take(y, positions, None, at_label, "clip")
    np.multiply(y, share, dx)
    at_label -= 1
    at_label *= share
    dx.reshape(-1)[positions] = at_label
    if wrong is not None:
        dx[wrong] = np.nan


@quiet
def _difference_by_rows(y: _Host, t: _Host, share: float, dx: _Host) -> None:
    totals = np.empty((len(y), 1), y.dtype)
    compute = by_row_blocks(partial(_scaled_difference_of_rows, share))
    call(compute, y, _rows_like(y, t), totals, dx)


def _scaled_difference_of_rows(share: float, y: _Host, t: _Host, totals: _Host, dx: _Host) -> None:
    np.dot(t, ones(t.shape[1], t.dtype)[:, None], totals)
    np.multiply(y, totals, dx)
    dx -= t
    dx *= share


@ops.softmax_with_loss.kernel("numpy", checks_itself=True)
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
    return loss_and_shares(_by_indices, _by_rows, are_rows, x, t)


@ops.softmax_with_loss_backward.kernel("numpy")
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
    return gradient_of_scores(
        _difference_by_indices, _difference_by_rows, are_rows, y, t, dout, out
    )
