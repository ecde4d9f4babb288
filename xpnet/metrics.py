"""How good predictions are, in numbers for people: what losses and ``train`` report."""

from __future__ import annotations

from math import prod

from xpnet._typing import Array, Namespace
from xpnet.arrays import array_namespace
from xpnet.backends import adapter_of
from xpnet.dtypes import is_float
from xpnet.labels.classes import are_indices, as_indices, check_target
from xpnet.labels.targets import as_numbers, check_numbers, check_switches, switches_like
from xpnet.numerics.precision import rounded, widened
from xpnet.numerics.sums import mean
from xpnet.quiet import quiet
from xpnet.together import floats_together

__all__ = ["accuracy", "binary_accuracy", "mean_absolute_error"]


@quiet
def accuracy(y: Array, t: Array, *, ignore_index: int | None = None) -> Array:
    """Return the share of samples whose largest score is at the right class.

    Parameters
    ----------
    y : array, shape (..., C)
        Scores or probabilities, of floats. A sample with NaN among them is wrong.
    t : array, shape (...) or (..., C)
        Class indices of integers; or one-hot or soft rows, whose largest entry is right.
    ignore_index : int, optional
        Samples with this label do not count.

    Returns
    -------
    array, shape ()
        From 0 to 1, of the dtype, library and device of ``y``; 0 if no sample counts. Hits are
        counted as integers, so that of any number of samples each counts.

    Raises
    ------
    ShapeError, DTypeError, BackendMismatchError
        If ``t`` does not fit ``y``.
    LabelError
        If a label is no class, or a row no distribution. Where the host cannot read them, as on
        a GPU, a label that is no class is a miss.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> y = np.asarray([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7], [0.0, 1.0]])
    >>> float(xpnet.metrics.accuracy(y, np.asarray([1, 0, 0, 1])))
    0.75
    """
    xp, y = floats_together("accuracy", y=y)
    check_target("accuracy", t, ignore_index=ignore_index, y=y)
    t = adapter_of(t).plain(t)
    truth = as_indices(t if are_indices(t, y) else xp.argmax(_comparable(xp, t, y), axis=-1))
    hits = xp.argmax(y, axis=-1) == truth
    hits &= ~xp.isnan(xp.max(y, axis=-1))  # argmax takes NaN for the largest score
    if ignore_index is None:
        return _share(xp, hits, y)
    counted = truth != ignore_index
    return _share(xp, hits & counted, y, counted)


def _comparable(xp: Namespace, t: Array, y: Array) -> Array:
    """Return rows in a dtype whose entries every library can compare; of integers not all can."""
    return t if is_float(t.dtype) else xp.astype(t, y.dtype)


@quiet
def binary_accuracy(y: Array, t: Array) -> Array:
    """Return the share of yes-or-no answers that are right.

    Parameters
    ----------
    y : array
        Scores, of floats, as :class:`xpnet.SigmoidWithLoss` takes them: a positive one, whose
        sigmoid is more than a half, says yes. NaN is wrong.
    t : array
        Of the shape of ``y``; or of shape (...) for ``y`` of shape (..., 1). Yes is True, or more
        than a half.

    Returns
    -------
    array, shape ()
        From 0 to 1, of the dtype, library and device of ``y``; 0 for an empty batch. Hits are
        counted as integers.

    Raises
    ------
    ShapeError, DTypeError, BackendMismatchError
        If ``t`` does not fit ``y``.
    LabelError
        If a label is not from 0 to 1. Where the host cannot read them, it is a miss.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> float(xpnet.metrics.binary_accuracy(np.asarray([3.0, -2.0]), np.asarray([1, 1])))
    0.5
    """
    xp, y = floats_together("binary_accuracy", y=y)
    check_switches("binary_accuracy", t, y=y)
    t = adapter_of(t).plain(t)
    truth = switches_like(xp, t, y)
    hits = (y > 0) == (truth > 0.5)
    hits &= ~(xp.isnan(y) | xp.isnan(truth))
    return _share(xp, hits, y)


@quiet
def mean_absolute_error(y: Array, t: Array) -> Array:
    """Return the mean of ``abs(y - t)`` over all entries.

    Parameters
    ----------
    y : array
        Predictions, of floats.
    t : array
        Of the shape of ``y``: floats, integers or booleans.

    Returns
    -------
    array, shape ()
        Of the dtype, library and device of ``y``; 0 for an empty batch.

    Raises
    ------
    ShapeError, DTypeError, BackendMismatchError
        If ``t`` does not fit ``y``.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> float(xpnet.metrics.mean_absolute_error(np.asarray([1.0, 4.0]), np.asarray([2, 2])))
    1.5
    """
    xp, y = floats_together("mean_absolute_error", y=y)
    check_numbers("mean_absolute_error", t, y=y)
    t = adapter_of(t).plain(t)
    (wide,) = widened(xp, y)
    return rounded(xp, mean(xp, xp.abs(wide - as_numbers(xp, t, wide))), like=y)


def _share(xp: Namespace, hits: Array, y: Array, counted: Array | None = None) -> Array:
    """Return how many of all, or of those that count, are true, in the dtype of ``y``."""
    (like,) = widened(xp, y[..., :0])
    total = max(prod(hits.shape), 1)
    if counted is not None:
        total = xp.maximum(xp.astype(_count(counted), like.dtype), 1)
    return rounded(xp, xp.astype(_count(hits), like.dtype) / total, like=y)


def _count(truths: Array) -> Array:
    xp = array_namespace(truths)
    return xp.sum(xp.astype(truths, adapter_of(truths).index_dtype))
