"""Ops that do two in turn, with one pass over memory less where a kernel has them."""

from __future__ import annotations

from typing import Any

from xpnet._typing import Array, Namespace
from xpnet.ops.activations import relu
from xpnet.ops.affine_map import affine, check_parameters, input_fits
from xpnet.ops.op import Op, op

__all__ = ["FUSED", "affine_relu"]


@op()
def affine_relu(xp: Namespace, x: Array, W: Array, b: Array) -> Array:
    """Return ``relu(affine(x, W, b))``, without a pass over memory between them where it can.

    Parameters
    ----------
    x, W, b
        As in :func:`affine`, as the result and errors are.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.ops import affine_relu
    >>> affine_relu(np.ones((1, 2)), np.asarray([[1.0, -1.0], [1.0, -1.0]]), np.ones(2))
    array([[3., 0.]])
    """
    return relu(affine(x, W, b))


affine_relu.check(check_parameters)
affine_relu.check(input_fits)

FUSED: dict[tuple[Any, Any], Op] = {(affine, relu): affine_relu}
"""By the two ops; each takes the arguments of the first, and returns the result of the second."""
