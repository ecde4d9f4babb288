"""Sums of so many terms that one added after the other would be lost.

Equal terms are the worst: each addition rounds the same way. So the exact sum is a product, known
without adding, and inputs take no more memory than their shape asks for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, isqrt, log
from typing import Any, TypeAlias

import numpy as np

from xpnet import metrics, ops
from xpnet._typing import Array
from xpnet.arrays import to_numpy
from xpnet.backend import Backend
from xpnet.dtypes import EPSILON, dtype_name
from xpnet.testing.tolerance import LARGEST, SMALLEST, tolerance

__all__ = ["LONG_SUMS", "LongSum", "measure_long_sum"]

_Round: TypeAlias = Callable[[float], float]

# Has no short binary fraction.
_TERM = 0.1


@dataclass(frozen=True)
class LongSum:
    """A sum in an op.

    Attributes
    ----------
    name : str
        Of the op, and which of its sums.
    compute : callable
        Takes a maker of arrays and a number of terms, and returns results of the op.
    entries : int
        Of an array, for each term.
    exact : callable
        Takes a function that rounds to the dtype, and the number of terms; returns what all
        entries of the results are exactly.
    scale : callable or None
        Takes the same and returns what errors are relative to; the exact value unless given.
    """

    name: str
    entries: int
    compute: Callable[[Make, int], Any]
    exact: Callable[[_Round, int], float]
    scale: Callable[[_Round, int], float] | None = None


@dataclass(frozen=True)
class Make:
    """Makes arrays of one number on a backend."""

    backend: Backend

    def __call__(self, value: float, *shape: int) -> Array:
        xp, where = self.backend.xp, self.backend.device
        return xp.full(shape, value, dtype=self.backend.dtype, device=where)

    def rounded(self, value: float) -> float:
        return float(to_numpy(self(value, 1))[0])

    def indices(self, *shape: int) -> Array:
        xp, adapter = self.backend.xp, self.backend.adapter
        return xp.zeros(shape, dtype=adapter.index_dtype, device=self.backend.device)


def measure_long_sum(long_sum: LongSum, backend: Backend, entries: int) -> tuple[float, float]:
    """Return the largest relative error, in units of epsilon and as share of the bound.

    What underflows, or overflows rightly, is no error. No input has more entries than told.

    Examples
    --------
    >>> import xpnet
    >>> from xpnet.testing.parity.long_sums import LONG_SUMS
    >>> measure_long_sum(LONG_SUMS[0], xpnet.get_backend(), 10**5)[1] < 1
    True
    """
    make, dtype, terms = Make(backend), dtype_name(backend.dtype), entries // long_sum.entries
    results = long_sum.compute(make, terms)
    exact = long_sum.exact(make.rounded, terms)
    scale = abs(exact) if long_sum.scale is None else long_sum.scale(make.rounded, terms)
    relative = 0.0
    for result in results if isinstance(results, tuple) else (results,):
        host = to_numpy(result)
        for found in (float(host.min()), float(host.max())):  # all entries are the same
            if not (np.isinf(found) and exact > LARGEST[dtype]):
                error = max(abs(found - exact) - SMALLEST[dtype], 0.0) / scale
                relative = max(relative, np.inf if np.isnan(error) else error)
    return relative / EPSILON[dtype], relative / tolerance(dtype, terms, stored=2)


def _unbroadcast(make: Make, n: int) -> Any:
    # No axis is long, but together they are.
    side = isqrt(n)
    dout, x, y = make(_TERM, side, side), make(1.0, side, side), make(1.0)
    return ops.add_backward(dout, x, y)[1], ops.mul_backward(dout, x, y)[1]


LONG_SUMS = (
    LongSum(
        "affine",
        1,
        lambda make, n: ops.affine(make(_TERM, 1, n), make(1.0, n, 1), make(0.0, 1)),
        lambda rounded, n: rounded(_TERM) * n,
    ),
    LongSum(
        "affine_backward (dx)",
        2,
        lambda make, n: ops.affine_backward(make(_TERM, 1, n), make(1.0, 1, 2), make(1.0, 2, n))[0],
        lambda rounded, n: rounded(_TERM) * n,
    ),
    LongSum(
        "affine_param_gradients (dW, db)",
        2,
        lambda make, n: ops.affine_param_gradients(
            make(_TERM, n, 2), make(1.0, n, 2), make(1.0, 2, 2)
        ),
        lambda rounded, n: rounded(_TERM) * n,
    ),
    LongSum(
        "add_backward, mul_backward (dy)",
        1,
        _unbroadcast,
        lambda rounded, n: rounded(_TERM) * isqrt(n) ** 2,
    ),
    LongSum(
        "softmax", 1, lambda make, n: ops.softmax(make(_TERM, 1, n)), lambda _rounded, n: 1 / n
    ),
    LongSum(
        "softmax_backward",
        1,
        lambda make, n: ops.softmax_backward(make(1.0, 1, n), make(1 / n, 1, n)),
        lambda rounded, n: rounded(1 / n) * (1 - n * rounded(1 / n)),
        lambda rounded, n: rounded(1 / n) * (1 + n * rounded(1 / n)),
    ),
    LongSum(
        "log_softmax",
        1,
        lambda make, n: ops.log_softmax(make(_TERM, 1, n)),
        lambda _rounded, n: -log(n),
        lambda _rounded, n: 1 + log(n),
    ),
    LongSum(
        "log_softmax_backward",
        1,
        lambda make, n: ops.log_softmax_backward(make(_TERM, 1, n), make(-log(n), 1, n)),
        lambda rounded, n: rounded(_TERM) * (1 - n * exp(rounded(-log(n)))),
        lambda rounded, n: rounded(_TERM) * (1 + n * exp(rounded(-log(n)))),
    ),
    LongSum(
        "cross_entropy_error (mean)",
        2,
        lambda make, n: ops.cross_entropy_error(make(_TERM, n, 2), make.indices(n)),
        lambda rounded, _n: -log(rounded(_TERM)),
    ),
    LongSum(
        "softmax_with_loss (mean)",
        2,
        lambda make, n: ops.softmax_with_loss(make(_TERM, n, 2), make.indices(n))[0],
        lambda _rounded, _n: log(2),
    ),
    LongSum(
        "softmax_with_loss (weighted mean)",
        2,
        lambda make, n: ops.softmax_with_loss(
            make(_TERM, n, 2), make.indices(n), ignore_index=1, class_weights=[0.1, 1]
        )[0],
        lambda _rounded, _n: log(2),
    ),
    LongSum(
        "mean_squared_error",
        1,
        lambda make, n: ops.mean_squared_error(make(_TERM, n), make(0.0, n)),
        lambda rounded, _n: rounded(_TERM) ** 2,
    ),
    LongSum(
        "sigmoid_with_loss",
        1,
        lambda make, n: ops.sigmoid_with_loss(make(0.0, n), make(0.5, n))[0],
        lambda _rounded, _n: log(2),
    ),
    LongSum(
        "accuracy, binary_accuracy (hits)",
        1,
        lambda make, n: (
            metrics.accuracy(make(_TERM, n, 1), make.indices(n)),
            metrics.binary_accuracy(make(_TERM, n), make(1.0, n)),
        ),
        lambda _rounded, _n: 1.0,
    ),
    LongSum(
        "mean_absolute_error",
        1,
        lambda make, n: metrics.mean_absolute_error(make(_TERM, n), make(0.0, n)),
        lambda rounded, _n: rounded(_TERM),
    ),
)
"""All sums of all ops whose length the batch or the classes decide."""
