"""Which arrays the kernels take; others go to the generic op."""

from __future__ import annotations

from collections.abc import Sequence

from xpnet._typing import Array
from xpnet.dtypes import dtype_name
from xpnet.kernels.cuda.plan import FLOATS, LABELS

__all__ = ["takes"]

_WITH_LABELS = ("softmax_with_loss", "softmax_with_loss_backward")


def takes(op: str, arrays: Sequence[Array], axis: int = -1) -> bool:
    """Whether the kernel of an op takes these arrays.

    It does if they are contiguous and of one of the four float dtypes, and if class indices
    are of int32 or int64. Rows as targets, one-hot or soft, are left to the generic op.

    Parameters
    ----------
    op : str
        The name of a function of this package.
    arrays : sequence of array
        Its arguments that are arrays with axes. The first are floats; an op with labels has
        the scores and the labels first.
    axis : int
        That the op works along, if it has one.

    Examples
    --------
    >>> import numpy as np
    >>> takes("softmax", [np.ones((2, 3))]), takes("softmax", [np.ones((2, 3))], axis=0)
    (True, False)
    """
    x, *others = arrays
    if axis not in (-1, x.ndim - 1) or not all(array.flags.c_contiguous for array in arrays):
        return False
    if op in _WITH_LABELS:
        t, *others = others
        if t.ndim != x.ndim - 1 or dtype_name(t.dtype) not in LABELS:
            return False
    return dtype_name(x.dtype) in FLOATS and all(array.dtype == x.dtype for array in others)
