"""How far a result may be from its value in float64: from the dtype and the length of sums."""

from __future__ import annotations

from xpnet._typing import DType
from xpnet.dtypes import dtype_name, is_half

__all__ = ["EPSILON", "tolerance"]

EPSILON = {"float16": 2.0**-10, "bfloat16": 2.0**-7, "float32": 2.0**-23, "float64": 2.0**-52}
"""The spacing of the numbers above 1."""

_ROUNDINGS = 8  # elementary functions and roundings on one path through a layer


def tolerance(dtype: DType, length: int) -> float:
    """Return the largest allowed error, relative to the largest entry of the result.

    A sum of ``length`` products is off by at most ``length * eps / 2`` times the sum of their
    magnitudes, in whatever order it is done (Higham, *Accuracy and Stability of Numerical
    Algorithms*, section 4.2). Sums of 16-bit numbers are held in float32; what goes from one op
    to the next is rounded to 16 bits.

    Parameters
    ----------
    dtype : dtype
        Of the computation.
    length : int
        Of the longest sum.

    Examples
    --------
    >>> tolerance("float32", 1000) < 2e-4
    True
    """
    name = dtype_name(dtype)
    sums = EPSILON["float32"] if is_half(dtype) else EPSILON[name]
    return _ROUNDINGS * EPSILON[name] + length * sums
