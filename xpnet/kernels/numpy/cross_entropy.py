"""Softmax with its loss, and the derivative."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from xpnet.kernels.arguments import are_indices, are_scores, as_rows, fit
from xpnet.kernels.numpy.softmax import softmax_of_rows
from xpnet.kernels.tape import call
from xpnet.ops.labels import check_indices
from xpnet.quiet import quiet

__all__ = ["KERNELS", "mean"]

_Host: TypeAlias = np.ndarray[Any, Any]


@quiet
def _softmax_with_loss(x: _Host, t: _Host) -> tuple[_Host, _Host] | None:
    if not are_scores(x, -1) or not are_indices(t, x):
        return None
    loss, y = np.empty((), x.dtype), np.empty(x.shape, x.dtype)
    rows, scores = as_rows(x), np.empty((t.size, 1), x.dtype)
    call(check_indices, "SoftmaxWithLoss", t, x.shape[-1])
    call(_scores_at_labels, rows, _positions(rows, t), scores)
    largest, sums = softmax_of_rows(rows, as_rows(y))
    call(_mean_loss, scores, largest, sums, loss)
    return loss, y


def _positions(rows: _Host, t: _Host) -> _Host:
    """Return where in the flat scores those at the labels are; the array changes with ``t``."""
    starts = np.arange(0, rows.size, rows.shape[-1])
    positions = np.empty(rows.shape[0], np.intp)
    call(_add_labels, starts, t, positions)
    return positions


def _add_labels(starts: _Host, t: _Host, positions: _Host) -> None:
    # Labels are of any integer dtype, and have been checked.
    np.add(starts, t.reshape(-1), positions, dtype=np.intp, casting="unsafe")


def _scores_at_labels(x: _Host, positions: _Host, scores: _Host) -> None:
    np.take(x, positions, None, scores[:, 0], "clip")


def _mean_loss(scores: _Host, largest: _Host, sums: _Host, loss: _Host) -> None:
    losses = np.log(sums, sums)
    np.subtract(scores, largest, scores)
    np.subtract(losses, scores, losses)
    mean(losses, loss)


def mean(losses: _Host, loss: _Host) -> None:
    loss[()] = np.add.reduce(losses, axis=None) / losses.size


@quiet
def _gradient_of_scores(y: _Host, t: _Host, dout: Any, out: _Host | None) -> _Host | None:
    if not are_scores(y, -1) or not are_indices(t, y) or not isinstance(dout, int | float):
        return None
    dx = fit(out, y)
    if dx is None:
        return None
    at_label = np.empty(t.size, y.dtype)
    call(_scaled_difference, as_rows(y), _positions(as_rows(y), t), dout / t.size, at_label, dx)
    return dx


def _scaled_difference(
    y: _Host, positions: _Host, share: float, at_label: _Host, dx: _Host
) -> None:
    np.take(y, positions, None, at_label, "clip")
    np.multiply(y, share, as_rows(dx))
    at_label -= 1
    at_label *= share
    dx.reshape(-1)[positions] = at_label


KERNELS: dict[str, Callable[..., Any]] = {
    "softmax_with_loss": _softmax_with_loss,
    "softmax_with_loss_backward": _gradient_of_scores,
}
