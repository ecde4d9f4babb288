"""Softmax with cross entropy for class indices, and its derivative."""

from __future__ import annotations

from math import prod

import numpy as np

from xpnet._typing import Array, Number
from xpnet.arrays import array_namespace
from xpnet.dtypes import dtype_name, is_half
from xpnet.kernels.cuda.launch import Launcher, on_gpu
from xpnet.kernels.cuda.plan import LABELS, elementwise, mean_of_losses, rowwise
from xpnet.kernels.cuda.scalars import NULL

__all__ = ["softmax_with_loss", "softmax_with_loss_backward"]


def softmax_with_loss(
    x: Array, t: Array, loss: Array, y: Array, *, launch: Launcher = on_gpu
) -> None:
    """Write the mean cross entropy to ``loss`` and ``softmax(x)`` to ``y``, which may be ``x``.

    A label that is no class makes the loss NaN. The loss has the same bits each time.

    Parameters
    ----------
    x, y : array, shape (..., C)
        Contiguous, of one shape and dtype.
    t : array, shape (...)
        Class indices, contiguous, of int32 or int64.
    loss : array, shape ()
        Of the dtype of ``x``; 0 for an empty batch.
    launch : callable
        What runs the kernels.
    """
    *leading, n = x.shape
    rows = prod(leading)
    xp = array_namespace(x)
    losses = xp.empty(rows, dtype=xp.float32 if is_half(x.dtype) else x.dtype)
    if rows > 0:
        plan = rowwise("softmax_with_losses", x.dtype, rows, n, LABELS[dtype_name(t.dtype)])
        launch(plan, x, t, losses, y, np.int64(rows), np.int64(n))
    launch(mean_of_losses(x.dtype), losses, loss, np.int64(rows))


def softmax_with_loss_backward(
    dout: Array | Number, y: Array, t: Array, dx: Array, *, launch: Launcher = on_gpu
) -> None:
    """Write ``dout * (y - onehot(t)) / N`` to ``dx``, which may be ``y``.

    The row of a label that is no class is NaN.

    Parameters
    ----------
    dout : array of shape (), or number
        An array has the dtype of ``y``, and is read on its device.
    y, dx : array, shape (..., C)
        Contiguous, of one shape and dtype.
    t : array, shape (...)
        Class indices, contiguous, of int32 or int64.
    launch : callable
        What runs the kernel.
    """
    *leading, n = y.shape
    rows = prod(leading)
    if rows > 0:
        plan = elementwise(
            "softmax_with_loss_backward", y.dtype, rows * n, LABELS[dtype_name(t.dtype)]
        )
        array, number = (NULL, dout) if isinstance(dout, int | float) else (dout, 0)
        launch(plan, y, t, dx, array, np.float64(number), np.int64(rows), np.int64(n))
