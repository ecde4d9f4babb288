"""Softmax of rows."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from xpnet import ops
from xpnet.kernels.arguments import are_scores, as_rows, fit
from xpnet.kernels.numpy.affine import ones
from xpnet.kernels.numpy.blocks import buffer, by_row_blocks
from xpnet.kernels.tape import call
from xpnet.quiet import quiet

__all__ = ["softmax_of_rows"]

_Host: TypeAlias = np.ndarray[Any, Any]

# Rows of so few scores are computed by columns, if there are as many of them.
_SHORT = 32


@ops.softmax.kernel("numpy", checks_itself=True)
@quiet
def _softmax(x: _Host, axis: int = -1, *, out: _Host | None = None) -> _Host | None:
    if not are_scores(x, axis):
        return None
    y = fit(out, x)
    if y is not None:
        softmax_of_rows(as_rows(x), as_rows(y))
    return y


def softmax_of_rows(x: _Host, y: _Host, *labels: _Host) -> tuple[_Host, _Host]:
    """Return the largest score of each row, and the sum of its exponentials, of shape (N, 1).

    ``labels`` may be rows of them, and two arrays of shape (N, 1): the sum of each row is written
    to the first, and that of its products with ``x - largest`` to the second.
    """
    largest, sums = np.empty((2, len(x), 1), x.dtype)
    by_columns = x.shape[1] <= _SHORT <= len(x)
    call(_by_columns if by_columns else _by_rows, x, y, largest, sums, *labels)
    return largest, sums


@by_row_blocks
def _by_rows(x: _Host, y: _Host, largest: _Host, sums: _Host, *labels: _Host) -> None:
    np.maximum.reduce(x, axis=-1, keepdims=True, out=largest)
    np.subtract(x, largest, y)
    _add_up_labels(y, *labels)
    np.exp(y, y)
    np.dot(y, ones(y.shape[-1], y.dtype)[:, None], sums)
    np.divide(y, sums, y)


@by_row_blocks
def _by_columns(x: _Host, y: _Host, largest: _Host, sums: _Host, *labels: _Host) -> None:
    # NumPy's inner loops are as long as the last axis: a few scores would cost a call each.
    columns = buffer(x.dtype)[: x.size].reshape(x.shape[::-1])
    np.copyto(columns, x.T)
    np.maximum.reduce(columns, out=largest[:, 0])
    np.subtract(columns, largest[:, 0], columns)
    _add_up_labels(columns.T, *labels)
    np.exp(columns, columns)
    np.add.reduce(columns, out=sums[:, 0])
    np.divide(columns, sums[:, 0], y.T)


def _add_up_labels(shifted: _Host, *labels: _Host) -> None:
    if labels:
        t, totals, scores = labels
        np.dot(t, ones(t.shape[-1], t.dtype)[:, None], totals)
        np.vecdot(t, shifted, scores[:, 0])
