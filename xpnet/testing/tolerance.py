"""How far a result may be from the exact one: from the dtype and the length of sums alone."""

from __future__ import annotations

from xpnet._typing import DType
from xpnet.dtypes import EPSILON, dtype_name, is_half
from xpnet.numerics.sums import depth

__all__ = ["EPSILON", "LARGEST", "SMALLEST", "dtype_of_sums", "tolerance", "underflow"]

SMALLEST = {"float16": 2.0**-14, "bfloat16": 2.0**-126, "float32": 2.0**-126, "float64": 2.0**-1022}
"""The smallest normal numbers."""

LARGEST = {
    "float16": (2 - EPSILON["float16"]) * 2.0**15,
    "bfloat16": (2 - EPSILON["bfloat16"]) * 2.0**127,
    "float32": (2 - EPSILON["float32"]) * 2.0**127,
    "float64": (2 - EPSILON["float64"]) * 2.0**1023,
}
"""The largest finite numbers."""

# On one path through an op there are at most two elementary functions, and eight roundings that
# are not part of a sum. NumPy's exp and log are off by up to 4 units in the last place, which are
# 8 unit roundoffs (https://github.com/numpy/numpy/pull/19478); the other libraries' by less.
_ROUNDINGS = 2 * 8 + 8


def tolerance(dtype: DType, length: int, stored: int = 8) -> float:
    """Return the largest allowed error, relative to the condition of what is computed.

    After ``n`` roundings, of ``u`` each at most, a product or quotient is off by at most
    ``gamma(n) = n * u / (1 - n * u)`` (Higham, *Accuracy and Stability of Numerical Algorithms*,
    second edition, lemma 3.1), and a sum of ``n`` products by as much of the sum of their
    magnitudes, in whatever order a library adds them (section 4.2). So it is ``gamma`` of the
    length, and of the few roundings that do not belong to the sum. A sum of very many terms is
    split, see :func:`xpnet.numerics.sums.depth`, and its bound is less.

    In 16 bits all that is held in float32, and only what goes from one op to the next is rounded
    to 16 bits.

    Parameters
    ----------
    dtype : dtype
        Of the arrays.
    length : int
        Of the longest sum.
    stored : int
        How many results are rounded to 16 bits one after the other; in a layer or a small net
        there are no more than the default.

    Examples
    --------
    >>> tolerance("float32", 1000) < 1e-4
    True
    >>> tolerance("float16", 1000, stored=1) < 2**-10
    True
    """
    steps = _gamma(_ROUNDINGS + depth(length), EPSILON[dtype_of_sums(dtype)])
    return steps + (_gamma(stored, EPSILON[dtype_name(dtype)]) if is_half(dtype) else 0.0)


def underflow(dtype: DType, length: int) -> float:
    """Return what underflow may add to an error, whatever the result's size.

    Below the smallest normal number a rounding is off by up to that number where the library
    flushes subnormal results to zero, as XLA and CuPy's kernels do, and by ``u`` times that where
    it does not (Demmel, *Underflow and the reliability of numerical software*, 1984).

    Examples
    --------
    >>> underflow("float32", 10) < 1e-36
    True
    """
    steps = (_ROUNDINGS + length) * SMALLEST[dtype_of_sums(dtype)]
    return steps + (SMALLEST[dtype_name(dtype)] if is_half(dtype) else 0.0)


def dtype_of_sums(dtype: DType) -> str:
    """Return the name of the dtype in which ops hold sums.

    Examples
    --------
    >>> dtype_of_sums("bfloat16"), dtype_of_sums("float64")
    ('float32', 'float64')
    """
    return "float32" if is_half(dtype) else dtype_name(dtype)


def _gamma(roundings: int, epsilon: float) -> float:
    units = roundings * epsilon / 2
    return units / (1 - units)
