"""Labels that are ignored, smoothed or weighted, all as rows of what each class counts."""

from __future__ import annotations

from math import prod

from xpnet._typing import Array, Namespace
from xpnet.labels.classes import are_indices, as_indices, one_hot, row_weights
from xpnet.numerics.sums import total

__all__ = ["as_distributions"]


def as_distributions(
    xp: Namespace,
    t: Array,
    x: Array,
    ignore_index: int | None,
    label_smoothing: float,
    class_weights: Array | None,
) -> tuple[Array, Array | int]:
    """Return labels as rows ``q``, and by what the sum of all losses is to be divided.

    The loss of a sample is ``-sum(q * log(softmax(x)))``, where of C classes class c has
    ``q = w * ((1 - e) * t + e / C)`` with its weight w and the smoothing e. PyTorch's
    ``cross_entropy`` divides the sum by what the classes of the samples weigh together, or, for
    rows, by the number of samples.

    Parameters
    ----------
    xp : namespace
    t : array, shape (...) or (..., C)
        Labels that were checked. A class index that is none, where the host could not read it,
        makes its row NaN.
    x : array, shape (..., C)
        In a dtype in which sums are held.
    ignore_index, label_smoothing, class_weights
        As in :func:`xpnet.ops.softmax_with_loss`, the last of the dtype and home of ``x``.

    Returns
    -------
    q : array, shape (..., C)
    terms : array of shape (), or int
        Infinite if no sample counts, for a loss and a gradient of 0.

    Examples
    --------
    >>> import array_api_compat.numpy as np
    >>> t, x = np.asarray([0, 1, -1]), np.zeros((3, 2))
    >>> q, terms = as_distributions(np, t, x, -1, 0.5, np.asarray([1.0, 4.0]))
    >>> q, float(terms)
    (array([[0.75, 1.  ],
           [0.25, 3.  ],
           [0.  , 0.  ]]), 5.0)
    """
    indices = are_indices(t, x)
    rows = one_hot(xp, t, x) if indices else xp.astype(t, x.dtype, copy=False)
    terms: Array | int = max(prod(x.shape[:-1]), 1)
    counted = None if ignore_index is None else (as_indices(t) != ignore_index)[..., None]
    if counted is not None:
        rows = xp.where(counted, rows, 0.0)
    q = rows
    if class_weights is not None:
        q = rows * class_weights
    if indices and (counted is not None or class_weights is not None):
        weight = total(xp, total(xp, q, axis=-1))
        terms = xp.where(weight == 0, xp.inf, weight)
    if label_smoothing:
        even = label_smoothing / x.shape[-1]
        q = (1 - label_smoothing) * rows + even
        if class_weights is not None:
            q = q * class_weights
    in_range = row_weights(xp, t, x) if indices else None
    if in_range is not None:
        q = q * in_range[..., None]
    if counted is not None:
        q = xp.where(counted, q, 0.0)
    return q, terms
