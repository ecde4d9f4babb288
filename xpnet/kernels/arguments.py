"""Which arguments the kernels for NumPy take, and in which form.

They answer for wrong arguments, too: these are not taken, and the op tells what is wrong. Nor are
sums of more than MANY terms, which the op adds in blocks. Every line here is run before each small
op, and counts.
"""

from __future__ import annotations

from math import prod
from typing import Any, TypeAlias

import numpy as np

from xpnet.kernels.tape import call
from xpnet.labels.classes import SUM_TOLERANCE
from xpnet.numerics.sums import MANY

__all__ = [
    "NEAR",
    "are_affine",
    "are_alike",
    "are_backward",
    "are_indices",
    "are_rows",
    "are_scores",
    "as_rows",
    "compact",
    "fit",
    "has_another_layout",
]

_Host: TypeAlias = np.ndarray[Any, Any]

_FLOATS = (np.dtype("float32"), np.dtype("float64"))

# How near to 1 a row of labels surely sums, in whatever order: others are for check_rows to judge.
NEAR = SUM_TOLERANCE / 2


def _are_plain(first: Any, *others: Any) -> bool:
    """Whether arrays are NumPy's own, contiguous, and of 32- or 64-bit floats, all the same."""
    if type(first) is not np.ndarray or not first.flags.c_contiguous:
        return False
    dtype = first.dtype
    if dtype not in _FLOATS:
        return False
    for array in others:
        if type(array) is not np.ndarray or not array.flags.c_contiguous:
            return False
        if array.dtype is not dtype and array.dtype != dtype:  # is takes less time
            return False
    return True


def are_alike(first: Any, *others: Any) -> bool:
    """Whether plain arrays have one shape."""
    if not _are_plain(first, *others):
        return False
    for array in others:  # noqa: SIM110 - all() of a generator takes as long as a small op
        if array.shape != first.shape:
            return False
    return True


def are_scores(x: Any, axis: int, *others: Any) -> bool:
    """Whether plain arrays of one shape have classes along their last axis."""
    if not are_alike(x, *others) or x.ndim == 0 or not 0 < x.shape[-1] <= MANY:
        return False
    return isinstance(axis, int) and axis in (-1, x.ndim - 1)


def are_affine(x: Any, W: Any, b: Any) -> bool:
    """Whether plain arrays are an input, weights and a bias that fit together.

    There must be more than one feature: to ``np.dot`` a matrix of one number is a factor, and
    0 times inf is 0 then, not NaN.
    """
    if not _are_plain(x, W, b):
        return False
    shape = W.shape
    if len(shape) != 2 or not 1 < shape[0] <= MANY:
        return False
    return bool(x.shape[-1:] == shape[:1] and b.shape == shape[1:])


def are_backward(dout: Any, x: Any, W: Any) -> bool:
    """Whether plain arrays are an upstream gradient, an input and weights that fit together.

    None may be of one number; see :func:`are_affine`.
    """
    if not _are_plain(dout, x, W):
        return False
    shape = W.shape
    return (
        len(shape) == 2
        and shape[0] > 1
        and dout.size > 1
        and shape[1] <= MANY
        and x.size <= MANY * shape[0]
        and x.shape[-1:] == shape[:1]
        and dout.shape == x.shape[:-1] + shape[1:]
    )


def has_another_layout(x: Any) -> bool:
    """Whether an array would be plain if it were contiguous."""
    return type(x) is np.ndarray and x.dtype in _FLOATS and not x.flags.c_contiguous


def compact(x: Any) -> _Host | None:
    """Return ``x`` if it is plain, or a plain copy that changes with it; None for others."""
    if are_alike(x):
        return x  # type: ignore[no-any-return]
    if not has_another_layout(x):
        return None
    copy = np.empty(x.shape, x.dtype)
    call(np.copyto, copy, x)
    return copy


def fit(out: Any, *inputs: _Host) -> _Host | None:
    """Return the array to write to: ``out``, or a new one like the first input.

    None if ``out`` does not suit: it may be an input, but not overlap with one.
    """
    if out is None:
        return np.empty(inputs[0].shape, inputs[0].dtype)
    if not are_alike(out, *inputs) or not out.flags.writeable:
        return None
    apart = all(out is x or not np.may_share_memory(out, x) for x in inputs)
    return out if apart else None


def as_rows(x: _Host) -> _Host:
    """Return a view with the leading axes folded into one."""
    return x if x.ndim == 2 else x.reshape(prod(x.shape[:-1]), x.shape[-1] if x.ndim else 1)


def are_indices(t: Any, x: _Host) -> bool:
    """Whether there is an index for each sample of the scores, and at least one."""
    return type(t) is np.ndarray and t.dtype.kind in "iu" and t.shape == x.shape[:-1] and t.size > 0


def are_rows(t: Any, x: _Host) -> bool:
    """Whether there is a row of labels for each row of the scores, and at least one."""
    if type(t) is not np.ndarray or t.shape != x.shape:
        return False
    return t.dtype.kind in "biuf" and t.itemsize <= 8 and t.size > 0  # no long double
