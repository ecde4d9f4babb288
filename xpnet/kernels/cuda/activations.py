"""Bias with activation, and the derivatives of activations."""

from __future__ import annotations

from math import prod

import numpy as np

from xpnet._typing import Array
from xpnet.kernels.cuda.launch import Launcher, on_gpu
from xpnet.kernels.cuda.plan import ACTIVATIONS, elementwise

__all__ = ["bias_activation", "relu_backward", "sigmoid_backward"]


def bias_activation(
    y: Array, b: Array, activation: str = "none", *, launch: Launcher = on_gpu
) -> None:
    """Add a bias to ``y`` and apply an activation, in place.

    Parameters
    ----------
    y : array, shape (..., M)
        A product of matrices; contiguous.
    b : array, shape (M,)
        Of the dtype of ``y``.
    activation : str
        ``"none"``, ``"relu"`` or ``"sigmoid"``.
    launch : callable
        What runs the kernel.
    """
    *leading, n = y.shape
    rows = prod(leading)
    if rows * n > 0:
        plan = elementwise("bias_activation", y.dtype, rows * n, ACTIVATIONS[activation])
        launch(plan, y, b, np.int64(rows), np.int64(n))


def relu_backward(dout: Array, y: Array, dx: Array, *, launch: Launcher = on_gpu) -> None:
    """Write ``dout * sign(y)`` to ``dx``, which may be ``dout`` or ``y``.

    Parameters
    ----------
    dout, y, dx : array
        Contiguous, of one shape and dtype.
    launch : callable
        What runs the kernel.
    """
    _backward("relu_backward", launch, dout, y, dx)


def sigmoid_backward(dout: Array, y: Array, dx: Array, *, launch: Launcher = on_gpu) -> None:
    """Write ``dout * y * (1 - y)`` to ``dx``; as :func:`relu_backward`."""
    _backward("sigmoid_backward", launch, dout, y, dx)


def _backward(op: str, launch: Launcher, *arrays: Array) -> None:
    n = prod(arrays[0].shape)
    if n > 0:
        launch(elementwise(op, arrays[0].dtype, n), *arrays, np.int64(n))
