"""Softmax and what follows from it, row by row, each row read and written once."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet.kernels.arguments import NEAR
from xpnet.kernels.numba.intrinsics import exp, finish_streams, larger, read_once
from xpnet.kernels.numba.kept import kept
from xpnet.kernels.numba.pieces import Share, alone, pieces
from xpnet.kernels.numba.streaming import is_for_streaming, scale_into

__all__ = [
    "are_distributions",
    "log_softmax",
    "log_softmax_backward",
    "scaled_difference",
    "scaled_difference_from_rows",
    "softmax",
    "softmax_and_losses",
    "softmax_and_losses_of_rows",
    "softmax_and_mean_loss",
    "softmax_and_mean_loss_of_rows",
    "softmax_backward",
    "take_labels",
]

# A row of so few entries makes no vectors by itself: it has them together with others, which
# stay in the cache meanwhile.
_SHORT, _ROWS = 64, 100

# All functions take contiguous arrays of shape (N, C), and compute the rows of a share.
# Loops that are vectors have functions of their own, with the freedom that each needs: sums may
# be added in another order, as in NumPy.
_compiled = kept(nogil=True, error_model="numpy")
_of_sums = kept(nogil=True, error_model="numpy", fastmath={"reassoc", "contract"})


@_compiled
def _label(t: Any, i: int) -> Any:
    """Return a label of any integer dtype, read once; what 64 bits do not hold is negative."""
    return np.int64(read_once(t, i))


@_compiled
def _largest(x: Any) -> Any:
    largest = x[0]
    for j in range(1, x.shape[0]):
        largest = larger(largest, x[j])
    return largest


@_of_sums
def _sum(x: Any) -> Any:
    total = x.dtype.type(0)
    for j in range(x.shape[0]):
        total += x[j]
    return total


@_compiled
def _exp_and_largest(x: Any, largest: Any, y: Any, following: Any) -> Any:
    """Write ``exp(x - largest)`` to ``y``, and return the largest entry of the following row.

    That comes from memory while the processor is busy with exponentials.
    """
    largest_following = following[0]
    for j in range(x.shape[0]):
        y[j] = exp(x[j] - largest)
        largest_following = larger(largest_following, following[j])
    # A sum must not be in here: a loop that reads and writes has two versions, of which the
    # addresses of the arrays choose, and it would have other bits in each.
    return largest_following


@_of_sums
def _sum_of_exp(x: Any, largest: Any) -> Any:
    total = x.dtype.type(0)
    for j in range(x.shape[0]):
        total += exp(x[j] - largest)
    return total


@_of_sums
def _sum_of_products(x: Any, y: Any) -> Any:
    total = x.dtype.type(0)
    for j in range(x.shape[0]):
        total += x[j] * y[j]
    return total


@_of_sums
def _sum_like(x: Any, t: Any) -> Any:
    """Return the sum of labels of any dtype, in that of ``x``."""
    total = x.dtype.type(0)
    for j in range(t.shape[0]):
        total += x.dtype.type(t[j])
    return total


@_of_sums
def _total_and_score(x: Any, t: Any, largest: Any) -> Any:
    """Return the sum of a row of labels, NaN if one is negative, and that of its scores.

    A class of probability 0 counts nothing, even where its score is -inf.
    """
    nothing = x.dtype.type(0)
    total, score, is_positive = nothing, nothing, True
    for j in range(x.shape[0]):
        probability = x.dtype.type(t[j])
        total += probability
        score += probability * (x[j] - largest) if probability != 0 else nothing
        is_positive &= t[j] >= 0
    return total if is_positive else x.dtype.type(np.nan), score


@_compiled
def _scale(y: Any, factor: Any) -> None:
    for j in range(y.shape[0]):
        y[j] *= factor


@_compiled
def _subtract_largest(x: Any, y: Any) -> None:
    for i in range(x.shape[0]):
        inputs, results = x[i], y[i]
        largest = _largest(inputs)
        for j in range(inputs.shape[0]):
            results[j] = inputs[j] - largest


@_compiled
def _exp_of_entries(y: Any) -> None:
    for i in range(y.shape[0]):
        y[i] = exp(y[i])


@_compiled
def _softmax_of_short(x: Any, y: Any) -> None:
    _subtract_largest(x, y)
    _exp_of_entries(y.reshape(-1))
    for i in range(y.shape[0]):
        _scale(y[i], y.dtype.type(1) / _sum(y[i]))


@_compiled
def _softmax_and_losses_of_short(x: Any, t: Any, y: Any, losses: Any) -> None:
    _subtract_largest(x, y)
    for i in range(y.shape[0]):
        label = _label(t, i)
        losses[i] = y[i, label] if 0 <= label < y.shape[1] else np.nan
    _exp_of_entries(y.reshape(-1))
    for i in range(y.shape[0]):
        total = _sum(y[i])
        losses[i] = np.log(total) - losses[i]
        _scale(y[i], y.dtype.type(1) / total)


@_compiled
def _softmax_and_losses_of_short_rows(x: Any, t: Any, y: Any, losses: Any, totals: Any) -> None:
    _subtract_largest(x, y)
    for i in range(y.shape[0]):
        totals[i], losses[i] = _total_and_score(y[i], t[i], y.dtype.type(0))
    _exp_of_entries(y.reshape(-1))
    for i in range(y.shape[0]):
        total = _sum(y[i])
        losses[i] = totals[i] * np.log(total) - losses[i]
        _scale(y[i], y.dtype.type(1) / total)


@_compiled
def softmax(share: Share, x: Any, y: Any) -> None:
    for start, stop in pieces(share):
        if x.shape[1] <= _SHORT:
            for first in range(start, stop, _ROWS):
                last = min(first + _ROWS, stop)
                _softmax_of_short(x[first:last], y[first:last])
            continue
        largest = _largest(x[start])
        for i in range(start, stop):
            largest = _exp_and_largest(x[i], largest, y[i], x[min(i + 1, stop - 1)])
            _scale(y[i], y.dtype.type(1) / _sum(y[i]))


@_compiled
def softmax_backward(share: Share, dout: Any, y: Any, dx: Any) -> None:
    for start, stop in pieces(share):
        for i in range(start, stop):
            inner = _sum_of_products(dout[i], y[i])
            for j in range(y.shape[1]):
                dx[i, j] = y[i, j] * (dout[i, j] - inner)


@_compiled
def log_softmax(share: Share, x: Any, y: Any) -> None:
    for start, stop in pieces(share):
        for i in range(start, stop):
            largest = _largest(x[i])
            log_total = np.log(_sum_of_exp(x[i], largest))
            for j in range(y.shape[1]):
                y[i, j] = (x[i, j] - largest) - log_total


@_compiled
def log_softmax_backward(share: Share, dout: Any, y: Any, dx: Any) -> None:
    for start, stop in pieces(share):
        for i in range(start, stop):
            total = _sum(dout[i])
            for j in range(y.shape[1]):
                dx[i, j] = dout[i, j] - exp(y[i, j]) * total


@_compiled
def softmax_and_losses(share: Share, x: Any, t: Any, y: Any, losses: Any) -> None:
    for start, stop in pieces(share):
        if x.shape[1] <= _SHORT:
            for first in range(start, stop, _ROWS):
                last = min(first + _ROWS, stop)
                _softmax_and_losses_of_short(
                    x[first:last], t[first:last], y[first:last], losses[first:last]
                )
            continue
        largest = _largest(x[start])
        for i in range(start, stop):
            following = _exp_and_largest(x[i], largest, y[i], x[min(i + 1, stop - 1)])
            total, label = _sum(y[i]), _label(t, i)
            if 0 <= label < x.shape[1]:
                losses[i] = np.log(total) - (x[i, label] - largest)
            else:
                losses[i] = np.nan
            _scale(y[i], y.dtype.type(1) / total)
            largest = following


@_compiled
def take_labels(t: Any, classes: int, taken: Any) -> bool:
    """Write labels to an array that nobody else writes to; return whether all are classes."""
    are_right = True
    for i in range(t.shape[0]):
        label = _label(t, i)
        taken[i] = label
        are_right &= 0 <= label < classes
    return are_right


@_of_sums
def _mean(losses: Any, loss: Any) -> None:
    """Write the mean to an array of shape (); NumPy adds many of float64 better, by pairs."""
    total = 0.0
    for i in range(losses.shape[0]):
        total += losses[i]
    loss[()] = total / losses.shape[0]


@_compiled
def softmax_and_mean_loss(x: Any, t: Any, y: Any, losses: Any, loss: Any) -> bool:
    """Return whether all labels are classes; if so, do all of a small op in one thread."""
    taken = np.empty(t.shape[0], np.int64)
    if not take_labels(t, x.shape[1], taken):
        return False
    softmax_and_losses(alone(x.shape[0]), x, taken, y, losses)
    _mean(losses, loss)
    return True


@_compiled
def softmax_and_losses_of_rows(
    share: Share, x: Any, t: Any, y: Any, losses: Any, totals: Any
) -> None:
    """Write also the sum of each row of labels, or NaN if one of them is negative."""
    for start, stop in pieces(share):
        if x.shape[1] <= _SHORT:
            for first in range(start, stop, _ROWS):
                last = min(first + _ROWS, stop)
                _softmax_and_losses_of_short_rows(
                    x[first:last],
                    t[first:last],
                    y[first:last],
                    losses[first:last],
                    totals[first:last],
                )
            continue
        largest = _largest(x[start])
        for i in range(start, stop):
            following = _exp_and_largest(x[i], largest, y[i], x[min(i + 1, stop - 1)])
            total = _sum(y[i])
            totals[i], score = _total_and_score(x[i], t[i], largest)
            losses[i] = totals[i] * np.log(total) - score
            _scale(y[i], y.dtype.type(1) / total)
            largest = following


@_compiled
def are_distributions(totals: Any) -> bool:
    """Whether rows of labels with these sums surely are distributions."""
    for i in range(totals.shape[0]):  # noqa: SIM110 - numba compiles no all()
        if not abs(totals[i] - 1) <= NEAR:
            return False
    return True


@_compiled
def softmax_and_mean_loss_of_rows(
    x: Any, t: Any, y: Any, losses: Any, totals: Any, loss: Any
) -> bool:
    """Do all of a small op in one thread, and return whether all rows surely are distributions."""
    softmax_and_losses_of_rows(alone(x.shape[0]), x, t, y, losses, totals)
    _mean(losses, loss)
    are_right: bool = are_distributions(totals)
    return are_right


@_compiled
def scaled_difference(share: Share, y: Any, t: Any, scale: float, dx: Any) -> None:
    """Write ``(y - t) * scale`` to ``dx``; t has 1 at the label of each row and else 0."""
    factor, one = dx.dtype.type(scale), dx.dtype.type(1)
    streams = is_for_streaming(dx)
    for start, stop in pieces(share):
        for i in range(start, stop):
            label = _label(t, i)
            if not 0 <= label < y.shape[1]:
                dx[i] = np.nan
                continue
            at_label = (y[i, label] - one) * factor  # read first: dx may be y
            if streams:
                scale_into(y[i], factor, dx[i])
            else:
                for j in range(y.shape[1]):
                    dx[i, j] = y[i, j] * factor
            dx[i, label] = at_label
        if streams:
            finish_streams()


@_compiled
def scaled_difference_from_rows(share: Share, y: Any, t: Any, scale: float, dx: Any) -> None:
    """Write ``(y * total - t) * scale`` to ``dx``, with the sum of each row of labels."""
    kind = dx.dtype.type
    factor = kind(scale)
    for start, stop in pieces(share):
        for i in range(start, stop):
            total = _sum_like(y[i], t[i])
            for j in range(y.shape[1]):
                dx[i, j] = (y[i, j] * total - kind(t[i, j])) * factor
