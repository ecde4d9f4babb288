"""Arrays that are broadcast with as many axes: JAX can be told to refuse them with fewer."""

from __future__ import annotations

from typing import Any

from xpnet._typing import Array

__all__ = ["of_one_rank"]


def of_one_rank(*arrays: Array | Any) -> tuple[Any, ...]:
    """Return arrays with axes of length 1 in front of those that have fewer; numbers as they are.

    Examples
    --------
    >>> import numpy as np
    >>> x, b, number = of_one_rank(np.ones((2, 3)), np.ones(3), 5)
    >>> b.shape, number
    ((1, 3), 5)
    """
    ranks = [getattr(array, "ndim", 0) for array in arrays]
    missing = [max(ranks) - rank if rank > 0 else 0 for rank in ranks]
    return tuple(
        array[(None,) * axes + (...,)] if axes > 0 else array
        for array, axes in zip(arrays, missing, strict=True)
    )
