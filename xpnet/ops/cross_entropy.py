"""Cross entropy of probabilities, and of scores together with softmax; with derivatives."""

from __future__ import annotations

from math import prod
from typing import Any

from xpnet._typing import Array, Namespace, Number
from xpnet.backends import adapter_of
from xpnet.dispatch import Dispatcher
from xpnet.ops.label_options import are_plain, check_options, class_weights_like
from xpnet.ops.labels import are_indices, as_indices, check_target, one_hot, row_weights
from xpnet.ops.optional_labels import as_distributions
from xpnet.ops.output import check_out, delivered
from xpnet.ops.precision import rounded, widened
from xpnet.ops.sums import mean, total
from xpnet.ops.upstream import with_share_of_mean
from xpnet.quiet import quiet
from xpnet.together import floats_together

__all__ = [
    "cross_entropy_error",
    "cross_entropy_error_backward",
    "gradient_of_scores",
    "softmax_with_loss",
    "softmax_with_loss_backward",
]

_NAME = "SoftmaxWithLoss"

_kernel = Dispatcher("softmax_with_loss")
_backward_kernel = Dispatcher("softmax_with_loss_backward")


@quiet
def cross_entropy_error(y: Array, t: Array) -> Array:
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
    ShapeError, DTypeError, BackendMismatchError
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
    xp, y, t = _checked("cross_entropy_error", t, y=y)
    (wide,) = widened(xp, y)
    return rounded(xp, mean(xp, -_expected(xp, xp.log(wide), t)), like=y)


@quiet
def cross_entropy_error_backward(
    dout: Array | Number, y: Array, t: Array, *, out: Array | None = None
) -> Array:
    """Return the gradient of :func:`cross_entropy_error`, ``-dout * t / (y * N)``.

    Parameters
    ----------
    dout : array of shape (), or number
        The gradient of what follows with respect to the loss.
    y, t : array
        As in forward.
    out : array, optional
        Where to write the result, of its shape, dtype and home; it may be ``y`` itself.

    Returns
    -------
    array, shape (..., C)
        The gradient with respect to ``y``; ``out`` if given.

    Raises
    ------
    ShapeError, DTypeError, BackendMismatchError, LabelError, NotWritableError
        As :func:`cross_entropy_error`, or if the result does not go into ``out``.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.ops import cross_entropy_error_backward
    >>> cross_entropy_error_backward(1.0, np.asarray([[0.25, 0.75]]), np.asarray([0]))
    array([[-4.,  0.]])
    """
    name = "cross_entropy_error"
    xp, y, t = _checked(name, t, y=y)
    check_out(name, out, y=y)
    wide, share = _with_share(xp, name, dout, y)
    rows = _rows(xp, t, wide)
    dy = xp.where(rows == 0, 0.0, -rows / wide) * share
    return delivered(rounded(xp, _weighted(xp, dy, t), like=y), out)


def softmax_with_loss(
    x: Array,
    t: Array,
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
    ShapeError, DTypeError, BackendMismatchError
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
    if not are_plain(ignore_index, label_smoothing, class_weights):
        return _loss_with_options(x, t, ignore_index, label_smoothing, class_weights)
    loss_and_y: tuple[Array, Array] | None = _kernel.unchecked(x, t)
    if loss_and_y is not None:
        return loss_and_y
    xp, x, t = _checked(_NAME, t, x=x)
    loss_and_y = _kernel(x, t)
    return _softmax_with_loss(xp, x, t) if loss_and_y is None else loss_and_y


@quiet
def _softmax_with_loss(xp: Namespace, x: Array, t: Array) -> tuple[Array, Array]:
    (wide,) = widened(xp, x)
    shifted = wide - xp.max(wide, axis=-1, keepdims=True)
    y = xp.exp(shifted)
    sums = total(xp, y, axis=-1, keepdims=True)
    y /= sums
    if are_indices(t, x):
        losses = xp.log(sums[..., 0]) - _expected(xp, shifted, t)
    else:
        losses = -_expected(xp, shifted - xp.log(sums), t)
    return rounded(xp, mean(xp, losses), like=x), rounded(xp, y, like=x)


@quiet
def _loss_with_options(
    x: Array, t: Array, ignore_index: int | None, label_smoothing: float, class_weights: Any
) -> tuple[Array, Array]:
    check_options(_NAME, ignore_index, label_smoothing)
    xp, x, t = _checked(_NAME, t, ignore_index=ignore_index, x=x)
    weights = None if class_weights is None else class_weights_like(_NAME, class_weights, x)
    (wide,) = widened(xp, x)
    rows, terms = as_distributions(xp, t, wide, ignore_index, label_smoothing, weights)
    shifted = wide - xp.max(wide, axis=-1, keepdims=True)
    y = xp.exp(shifted)
    sums = total(xp, y, axis=-1, keepdims=True)
    losses = -_expected(xp, shifted - xp.log(sums), rows)
    return rounded(xp, total(xp, losses) / terms, like=x), rounded(xp, y / sums, like=x)


def softmax_with_loss_backward(
    dout: Array | Number,
    y: Array,
    t: Array,
    *,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    class_weights: Any = None,
    out: Array | None = None,
) -> Array:
    """Return the gradient of :func:`softmax_with_loss`, ``dout * (y - t) / N``.

    With options it is ``dout * (y * sum(q) - q) / n``, where ``q`` are the rows that the labels
    become, smoothed and weighted, and n is what the samples that count weigh together.

    Parameters
    ----------
    dout : array of shape (), or number
        The gradient of what follows with respect to the loss.
    y : array, shape (..., C)
        The probabilities from forward.
    t : array, shape (...) or (..., C)
        As in forward.
    ignore_index, label_smoothing, class_weights
        As in forward.
    out : array, optional
        Where to write the result, of its shape, dtype and home; it may be ``y`` itself.

    Returns
    -------
    array, shape (..., C)
        The gradient with respect to ``x``; ``out`` if given.

    Raises
    ------
    ShapeError, DTypeError, BackendMismatchError, LabelError, NotWritableError
        As :func:`softmax_with_loss`, or if the result does not go into ``out``.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.ops import softmax_with_loss_backward
    >>> softmax_with_loss_backward(1.0, np.asarray([[0.25, 0.75]]), np.asarray([1]))
    array([[ 0.25, -0.25]])
    """
    check_options(_NAME, ignore_index, label_smoothing)
    xp, plain_y, plain_t = _checked(_NAME, t, ignore_index=ignore_index, y=y)
    check_out(_NAME, out, y=y)
    if are_plain(ignore_index, label_smoothing, class_weights):
        return gradient_of_scores(dout, plain_y, plain_t, out)
    weights = None if class_weights is None else class_weights_like(_NAME, class_weights, plain_y)
    options = ignore_index, label_smoothing, weights
    dx = gradient_with_options(dout, plain_y, plain_t, *options)
    return delivered(rounded(xp, dx, like=y), out)


def gradient_of_scores(dout: Array | Number, y: Array, t: Array, out: Array | None = None) -> Array:
    """Do what :func:`softmax_with_loss_backward` does, for labels that forward has checked."""
    dx = _backward_kernel.of_any_kind(y, t, dout, out)
    if dx is not None:
        return dx
    adapter = adapter_of(y)
    dx = _gradient_of_scores(adapter.xp, dout, y, adapter.plain(t))
    return delivered(rounded(adapter.xp, dx, like=y), out)


@quiet
def _gradient_of_scores(xp: Namespace, dout: Array | Number, y: Array, t: Array) -> Array:
    wide, share = _with_share(xp, _NAME, dout, y)
    rows = _rows(xp, t, wide)
    if not are_indices(t, y):  # rows may sum to 1 only nearly; this is the exact derivative
        wide = wide * total(xp, rows, axis=-1, keepdims=True)
    dx = wide - rows
    dx *= share
    return _weighted(xp, dx, t)


@quiet
def gradient_with_options(
    dout: Array | Number,
    y: Array,
    t: Array,
    ignore_index: int | None,
    label_smoothing: float,
    class_weights: Array | None,
) -> Array:
    """Do what :func:`softmax_with_loss_backward` does, for what forward has checked."""
    xp = adapter_of(y).xp
    (wide,) = widened(xp, y)
    rows, terms = as_distributions(xp, t, wide, ignore_index, label_smoothing, class_weights)
    wide, share = with_share_of_mean(xp, _NAME, dout, y, terms)
    dx = (wide * total(xp, rows, axis=-1, keepdims=True) - rows) * share
    if ignore_index is not None:  # whatever the scores were, even NaN
        dx = xp.where((as_indices(t) != ignore_index)[..., None], dx, 0.0)
    return rounded(xp, dx, like=y)


def _checked(
    layer: str, t: Array, *, ignore_index: int | None = None, **scores: Array
) -> tuple[Any, ...]:
    """Return the namespace, the scores and the target, as an op computes with them."""
    xp, x = floats_together(layer, **scores)
    check_target(layer, t, ignore_index=ignore_index, **scores)
    return xp, x, adapter_of(t).plain(t)


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


def _with_share(
    xp: Namespace, layer: str, dout: Array | Number, y: Array
) -> tuple[Array, Array | Number]:
    """Return ``y`` to compute with, and the gradient that reaches each sample."""
    return with_share_of_mean(xp, layer, dout, y, prod(y.shape[:-1]))
