"""Cross entropy of probabilities, and of scores together with softmax; with derivatives."""

from __future__ import annotations

from math import prod
from typing import Any

from xpnet._typing import Array, Labels, Namespace
from xpnet.labels.classes import are_indices, as_indices, check_target, one_hot, row_weights
from xpnet.labels.distributions import as_distributions
from xpnet.labels.options import are_plain, check_options, class_weights_like
from xpnet.numerics.sums import mean, share_of_mean, total
from xpnet.ops.examples import indices, probabilities
from xpnet.ops.op import op

__all__ = [
    "cross_entropy_error",
    "cross_entropy_error_backward",
    "softmax_with_loss",
    "softmax_with_loss_backward",
]


@op(
    {"y": probabilities(5, 4), "t": indices(5, classes=4)},
    {"y": probabilities(5, 4), "t": probabilities(5, 4)},
    results=("loss",),
)
def cross_entropy_error(xp: Namespace, y: Array, t: Labels) -> Array:
    """Return the mean of ``-log(y)`` at the true classes.

    The book adds 1e-7 inside the logarithm, which caps the loss at 16.1; here a probability of 0
    gives inf. To train, prefer :func:`softmax_with_loss`, which never forms the probability.

    Parameters
    ----------
    y : array, shape (..., C)
        Probabilities, of floats.
    t : array, shape (...) or (..., C)
        Class indices of integers, or one-hot or soft rows.

    Returns
    -------
    array, shape ()
        Of the dtype, library and device of ``y``; 0 for an empty batch.

    Raises
    ------
    ShapeError
        If ``t`` does not fit ``y``.
    LabelError
        If a label is no class, or a row no distribution (see ``xpnet.check_labels`` for GPUs).

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> y = np.asarray([[0.25, 0.75], [0.5, 0.5]])
    >>> print(f"{xpnet.cross_entropy_error(y, np.asarray([1, 0])):.4f}")
    0.4904
    """
    return mean(xp, -_expected(xp, xp.log(y), t))


@cross_entropy_error.derivative
def cross_entropy_error_backward(xp: Namespace, dout: Array | float, y: Array, t: Labels) -> Array:
    """Return the gradient of :func:`cross_entropy_error`, ``-dout * t / (y * N)``.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.ops import cross_entropy_error_backward
    >>> cross_entropy_error_backward(1.0, np.asarray([[0.25, 0.75]]), np.asarray([0]))
    array([[-4.,  0.]])
    """
    rows = _rows(xp, t, y)
    dy = xp.where(rows == 0, 0.0, -rows / y) * share_of_mean(dout, prod(y.shape[:-1]))
    return _weighted(xp, dy, t)


@cross_entropy_error.check
@cross_entropy_error_backward.check
def _target_fits(who: str, y: Array, t: Labels) -> None:
    check_target(who, t, y=y)


@op({"x": (5, 4), "t": indices(5, classes=4)}, results=("loss", "y"))
def softmax_with_loss(
    xp: Namespace,
    x: Array,
    t: Labels,
    *,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    class_weights: Any = None,
) -> tuple[Array, Array]:
    """Return the cross entropy of ``softmax(x)``, and the probabilities.

    With ``m = max(x)`` the loss of a sample is ``log(sum(exp(x - m))) - (x[t] - m)``, or its
    mean over a soft row: it is exact at any score, where the logarithm of a rounded probability
    is not.

    Parameters
    ----------
    x : array, shape (..., C)
        Scores, of floats.
    t : array, shape (...) or (..., C)
        Class indices of integers, or one-hot or soft rows.
    ignore_index : int, optional
        Samples with this class index do not count: neither in the loss, nor in its mean, nor do
        they have a gradient.
    label_smoothing : float
        From 0 to 1: the share of each label that is spread evenly over all classes.
    class_weights : array or list, shape (C,), optional
        What a class counts, finite and not negative; where ``x`` lives, or on the host. Of class
        indices the loss is the weighted mean then, with the weight of each sample's class; of
        rows each term is weighted, and the mean is over the samples, as in PyTorch.

    Returns
    -------
    loss : array, shape ()
        The mean over the samples, of the dtype of ``x``; 0 if none counts, as in an empty batch,
        where PyTorch has NaN.
    y : array, shape (..., C)
        ``softmax(x)``.

    Raises
    ------
    ShapeError
        If ``t`` or ``class_weights`` does not fit ``x``, or ``ignore_index`` goes with rows.
    LabelError
        If a label is no class, or a row no distribution (see ``xpnet.check_labels`` for GPUs).
    ValueError
        If an option is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.ops import softmax_with_loss
    >>> loss, y = softmax_with_loss(np.asarray([[0.0, 100.0]]), np.asarray([0]))
    >>> float(loss)
    100.0
    """
    shifted = x - xp.max(x, axis=-1, keepdims=True)
    y = xp.exp(shifted)
    sums = total(xp, y, axis=-1, keepdims=True)
    y /= sums
    if not are_plain(ignore_index, label_smoothing, class_weights):
        weights = _weights_like(class_weights, x)
        rows, terms = as_distributions(xp, t, x, ignore_index, label_smoothing, weights)
        losses = -_expected(xp, shifted - xp.log(sums), rows)
        return total(xp, losses) / terms, y
    if are_indices(t, x):
        losses = xp.log(sums[..., 0]) - _expected(xp, shifted, t)
    else:
        losses = -_expected(xp, shifted - xp.log(sums), t)
    return mean(xp, losses), y


@softmax_with_loss.derivative
def softmax_with_loss_backward(
    xp: Namespace,
    dout: Array | float,
    y: Array,
    t: Labels,
    *,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    class_weights: Any = None,
) -> Array:
    """Return the gradient of :func:`softmax_with_loss`, ``dout * (y - t) / N``.

    With options it is ``dout * (y * sum(q) - q) / n``, where ``q`` are the rows that the labels
    become, smoothed and weighted, and n is what the samples that count weigh together.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.ops import softmax_with_loss_backward
    >>> softmax_with_loss_backward(1.0, np.asarray([[0.25, 0.75]]), np.asarray([1]))
    array([[ 0.25, -0.25]])
    """
    if are_plain(ignore_index, label_smoothing, class_weights):
        rows = _rows(xp, t, y)
        if not are_indices(t, y):  # rows may sum to 1 only nearly; this is the exact derivative
            y = y * total(xp, rows, axis=-1, keepdims=True)
        dx = y - rows
        dx *= share_of_mean(dout, prod(y.shape[:-1]))
        return _weighted(xp, dx, t)
    weights = _weights_like(class_weights, y)
    rows, terms = as_distributions(xp, t, y, ignore_index, label_smoothing, weights)
    dx = (y * total(xp, rows, axis=-1, keepdims=True) - rows) * share_of_mean(dout, terms)
    if ignore_index is not None:  # whatever the scores were, even NaN
        dx = xp.where((as_indices(t) != ignore_index)[..., None], dx, 0.0)
    return dx


@softmax_with_loss.check
@softmax_with_loss_backward.check
def _options_fit(who: str, ignore_index: int | None, label_smoothing: float) -> None:
    check_options(who, ignore_index, label_smoothing)


@softmax_with_loss.check
def _labels_fit(
    who: str, x: Array, t: Labels, ignore_index: int | None, class_weights: Any
) -> None:
    check_target(who, t, ignore_index=ignore_index, x=x)
    if class_weights is not None:
        class_weights_like(who, class_weights, x)


@softmax_with_loss_backward.check
def _labels_fitted(
    who: str, y: Array, t: Labels, ignore_index: int | None, class_weights: Any
) -> None:
    check_target(who, t, ignore_index=ignore_index, y=y)
    if class_weights is not None:
        class_weights_like(who, class_weights, y)


def _weights_like(class_weights: Any, x: Array) -> Array | None:
    return None if class_weights is None else class_weights_like("", class_weights, x)


def _rows(xp: Namespace, t: Array, y: Array) -> Array:
    """Return any target as rows in the dtype of ``y``."""
    return one_hot(xp, t, y) if are_indices(t, y) else xp.astype(t, y.dtype, copy=False)


def _expected(xp: Namespace, values: Array, t: Array) -> Array:
    """Return the mean of each row of values under the distribution ``t``."""
    if not are_indices(t, values):
        rows = xp.astype(t, values.dtype, copy=False)
        # A class of probability 0 counts nothing, even where its logarithm is -inf.
        return total(xp, xp.where(rows == 0, 0.0, rows * values), axis=-1)
    weights = row_weights(xp, t, values)
    indices = as_indices(t)
    if weights is not None:
        indices = xp.minimum(xp.maximum(indices, 0), values.shape[-1] - 1)
    picked = xp.take_along_axis(values, indices[..., None], axis=-1)[..., 0]
    return picked if weights is None else picked * weights


def _weighted(xp: Namespace, dx: Array, t: Array) -> Array:
    """Return the gradient with the rows of labels that are no classes turned to NaN."""
    weights = row_weights(xp, t, dx) if are_indices(t, dx) else None
    return dx if weights is None else dx * weights[..., None]
