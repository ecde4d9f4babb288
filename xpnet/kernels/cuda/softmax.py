"""Softmax and its logarithm along the last axis, with their derivatives."""

from __future__ import annotations

from math import prod

import numpy as np

from xpnet._typing import Array
from xpnet.kernels.cuda.launch import Launcher, on_gpu
from xpnet.kernels.cuda.plan import rowwise

__all__ = ["log_softmax", "log_softmax_backward", "softmax", "softmax_backward"]


def softmax(x: Array, y: Array, *, launch: Launcher = on_gpu) -> None:
    """Write ``softmax(x)`` to ``y``, which may be ``x``.

    Parameters
    ----------
    x, y : array, shape (..., C)
        Contiguous, of one shape and dtype.
    launch : callable
        What runs the kernel.
    """
    _on_rows("softmax", launch, x, y)


def log_softmax(x: Array, y: Array, *, launch: Launcher = on_gpu) -> None:
    """Write ``log_softmax(x)`` to ``y``, which may be ``x``; as :func:`softmax`."""
    _on_rows("log_softmax", launch, x, y)


def softmax_backward(dout: Array, y: Array, dx: Array, *, launch: Launcher = on_gpu) -> None:
    """Write the gradient of softmax to ``dx``, which may be ``dout`` or ``y``.

    Parameters
    ----------
    dout, y, dx : array, shape (..., C)
        Contiguous, of one shape and dtype.
    launch : callable
        What runs the kernel.
    """
    _on_rows("softmax_backward", launch, dout, y, dx)


def log_softmax_backward(dout: Array, y: Array, dx: Array, *, launch: Launcher = on_gpu) -> None:
    """Write the gradient of the logarithm of softmax to ``dx``; as :func:`softmax_backward`."""
    _on_rows("log_softmax_backward", launch, dout, y, dx)


def _on_rows(op: str, launch: Launcher, *arrays: Array) -> None:
    *leading, n = arrays[0].shape
    rows = prod(leading)
    if rows > 0 and n > 0:
        plan = rowwise(op, arrays[0].dtype, rows, n)
        launch(plan, *arrays, np.int64(rows), np.int64(n))
