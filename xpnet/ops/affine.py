"""The affine map ``y = x @ W + b`` and its derivative."""

from __future__ import annotations

from math import prod
from typing import Any

from xpnet._typing import Array, Namespace
from xpnet.checks import upstream_shape_text
from xpnet.dispatch import Dispatcher
from xpnet.errors import ShapeError
from xpnet.ops.precision import rounded, widened
from xpnet.ops.ranks import of_one_rank
from xpnet.ops.activations import relu
from xpnet.ops.sums import product, total
from xpnet.quiet import quiet
from xpnet.together import floats_together

__all__ = [
    "affine",
    "affine_backward",
    "affine_param_gradients",
    "affine_relu",
    "check_parameters",
]

_NAME = "Affine"

_affine_kernel = Dispatcher("affine")
_backward_kernel = Dispatcher("affine_backward")
_param_gradients_kernel = Dispatcher("affine_param_gradients")
_relu_kernel = Dispatcher("affine_relu")


def affine(x: Array, W: Array, b: Array) -> Array:
    """Multiply by a matrix and add a bias: ``y = x @ W + b``.

    Parameters
    ----------
    x : array, shape (..., D)
        Samples; any number of leading axes, none included.
    W : array, shape (D, M)
        Weights.
    b : array, shape (M,)
        Bias.

    Returns
    -------
    array, shape (..., M)
        In the library, on the device and of the dtype of ``x``; float64 where that meets float32.

    Raises
    ------
    ShapeError
        If the shapes do not fit.
    DTypeError
        If an array is not of floats, or 16 bits meet another width.
    BackendMismatchError
        If the arrays do not live together.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.ops import affine
    >>> affine(np.asarray([[1.0, 2.0]]), np.asarray([[1.0, 0.0], [0.0, 10.0]]), np.ones(2))
    array([[ 2., 21.]])
    """
    y = _affine_kernel.unchecked(x, W, b)
    if y is not None:
        return y
    xp, x, W, b = _check_forward(x, W, b)
    y = _affine_kernel(x, W, b)
    return _affine(xp, x, W, b) if y is None else y


@quiet
def _affine(xp: Namespace, x: Array, W: Array, b: Array) -> Array:
    wide_x, wide_W, wide_b = widened(xp, x, W, b)
    y = product(xp, _rows(xp, wide_x), wide_W)
    _, row = of_one_rank(y, wide_b)
    y += row  # y is ours alone
    return rounded(xp, xp.reshape(y, (*x.shape[:-1], W.shape[1])) if x.ndim != 2 else y, like=x)


def affine_relu(x: Array, W: Array, b: Array) -> Array:
    """Return ``relu(affine(x, W, b))``, without a pass over memory between them where it can.

    Parameters, result and errors are those of :func:`affine`.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.ops.affine import affine_relu
    >>> affine_relu(np.ones((1, 2)), np.asarray([[1.0, -1.0], [1.0, -1.0]]), np.ones(2))
    array([[3., 0.]])
    """
    y = _relu_kernel.unchecked(x, W, b)
    if y is not None:
        return y
    _, x, W, b = _check_forward(x, W, b)
    y = _relu_kernel(x, W, b)
    return relu(affine(x, W, b)) if y is None else y


def affine_backward(
    dout: Array, x: Array, W: Array, b: Array | None = None
) -> tuple[Array, Array, Array]:
    """Return the gradients of :func:`affine`.

    From ``y = x @ W + b`` follow ``dx = dout @ W.T``, ``dW = x.T @ dout`` and ``db``, the sum of
    the rows of ``dout``.

    Parameters
    ----------
    dout : array, shape (..., M)
        The gradient of the loss with respect to ``y``.
    x : array, shape (..., D)
        As in forward.
    W : array, shape (D, M)
        As in forward.
    b : array, shape (M,), optional
        As in forward; only its dtype matters, and that of ``W`` unless given.

    Returns
    -------
    dx : array, shape (..., D)
    dW : array, shape (D, M)
    db : array, shape (M,)
        Each in the dtype of what it belongs to, whatever ``dout`` is.

    Raises
    ------
    ShapeError, DTypeError, BackendMismatchError
        As :func:`affine`.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.ops import affine_backward
    >>> dx, dW, db = affine_backward(np.ones((1, 2)), np.asarray([[1.0, 2.0]]), np.eye(2))
    >>> dW
    array([[1., 1.],
           [2., 2.]])
    """
    if b is None or b.dtype is W.dtype:
        gradients: tuple[Array, Array, Array] | None = _backward_kernel.unchecked(dout, x, W)
        if gradients is not None:
            return gradients
    xp, *wide = _check_backward(dout, x, W, b)
    gradients = _backward_kernel(*wide)
    if gradients is None:
        gradients = _input_gradient(xp, *wide), *_param_gradients(xp, *wide)
    dx, dW, db = gradients
    return rounded(xp, dx, like=x), *_like_parameters(xp, dW, db, W, b)


@quiet
def _input_gradient(xp: Namespace, dout: Array, x: Array, W: Array) -> Array:
    wide_dout, wide_W = widened(xp, dout, W)
    dx = product(xp, _rows(xp, wide_dout), wide_W.T)
    return rounded(xp, xp.reshape(dx, x.shape) if x.ndim != 2 else dx, like=x)


def affine_param_gradients(
    dout: Array, x: Array, W: Array, b: Array | None = None
) -> tuple[Array, Array]:
    """Return ``dW`` and ``db`` of :func:`affine` without ``dx``.

    In the first layer of a net nobody reads ``dx``, and it costs a whole matrix product.
    Parameters and errors are those of :func:`affine_backward`.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.ops import affine_param_gradients
    >>> dW, db = affine_param_gradients(np.ones((3, 2)), np.ones((3, 4)), np.ones((4, 2)))
    >>> db
    array([3., 3.])
    """
    if b is None or b.dtype is W.dtype:
        gradients: tuple[Array, Array] | None = _param_gradients_kernel.unchecked(dout, x, W)
        if gradients is not None:
            return gradients
    xp, *wide = _check_backward(dout, x, W, b)
    gradients = _param_gradients_kernel(*wide)
    if gradients is None:
        gradients = _param_gradients(xp, *wide)
    dW, db = gradients
    return _like_parameters(xp, dW, db, W, b)


def _like_parameters(
    xp: Namespace, dW: Array, db: Array, W: Array, b: Array | None
) -> tuple[Array, Array]:
    return rounded(xp, dW, like=W), rounded(xp, db, like=W if b is None else b)


@quiet
def _param_gradients(xp: Namespace, dout: Array, x: Array, _W: Array) -> tuple[Array, Array]:
    wide_dout, wide_x = widened(xp, dout, x)
    dout_rows = _rows(xp, wide_dout)
    dW = product(xp, _rows(xp, wide_x).T, dout_rows)
    db = total(xp, dout_rows, axis=0)
    return rounded(xp, dW, like=x), rounded(xp, db, like=x)


def check_parameters(W: Array, b: Array) -> None:
    """Make sure that a weight and a bias fit together.

    Raises
    ------
    ShapeError
        If their shapes are not (D, M) and (M,).
    """
    if W.ndim != 2 or b.ndim != 1 or b.shape[0] != W.shape[1]:
        msg = (
            f"{_NAME}: W has shape {tuple(W.shape)} and b has shape {tuple(b.shape)}; "
            "they must be (D, M) and (M,)"
        )
        raise ShapeError(msg)


def _check_forward(x: Array, W: Array, b: Array) -> tuple[Any, ...]:
    """Return the namespace and the arrays, as the op computes with them."""
    together = floats_together(_NAME, x=x, W=W, b=b)
    check_parameters(W, b)
    _check_input(x, W)
    return together


def _check_backward(dout: Array, x: Array, W: Array, b: Array | None) -> tuple[Any, ...]:
    """Return the namespace and the arrays but ``b``, as the op computes with them."""
    bias = {} if b is None else {"b": b}
    xp, dout, wide_x, wide_W, *_ = floats_together(_NAME, dout=dout, x=x, W=W, **bias)
    _check_input(x, W)
    expected = (*x.shape[:-1], W.shape[-1])
    if dout.shape != expected:
        raise ShapeError(upstream_shape_text(_NAME, dout.shape, expected))
    return xp, dout, wide_x, wide_W


def _check_input(x: Array, W: Array) -> None:
    if W.ndim != 2 or x.ndim == 0 or x.shape[-1] != W.shape[0]:
        msg = (
            f"{_NAME}: x has shape {tuple(x.shape)}, but W has shape {tuple(W.shape)}; "
            "they must be (..., D) and (D, M), with the same D"
        )
        raise ShapeError(msg)


def _rows(xp: Namespace, x: Array) -> Array:
    """Return ``x`` with its leading axes folded into one."""
    return x if x.ndim == 2 else xp.reshape(x, (prod(x.shape[:-1]), x.shape[-1]))
