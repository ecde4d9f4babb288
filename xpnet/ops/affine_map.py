"""The affine map ``y = x @ W + b`` and its derivatives."""

from __future__ import annotations

from math import prod

from xpnet._typing import Array, Namespace
from xpnet.checks import upstream_shape_text
from xpnet.errors import ShapeError
from xpnet.numerics.ranks import of_one_rank
from xpnet.numerics.sums import product, total
from xpnet.ops.op import op

__all__ = [
    "affine",
    "affine_backward",
    "affine_param_gradients",
    "check_parameters",
    "input_fits",
]


@op(
    {"x": (5, 4), "W": (4, 3), "b": (3,)},
    {"x": (4,), "W": (4, 3), "b": (3,)},
    {"x": (5, 1), "W": (1, 1), "b": (1,)},
    {"x": (2, 5, 4), "W": (4, 3), "b": (3,)},
)
def affine(xp: Namespace, x: Array, W: Array, b: Array) -> Array:
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

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.ops import affine
    >>> affine(np.asarray([[1.0, 2.0]]), np.asarray([[1.0, 0.0], [0.0, 10.0]]), np.ones(2))
    array([[ 2., 21.]])
    """
    y = product(xp, _rows(xp, x), W)
    _, row = of_one_rank(y, b)
    y += row  # y is ours alone
    return y if x.ndim == 2 else xp.reshape(y, (*x.shape[:-1], W.shape[1]))


@affine.derivative
def affine_backward(
    xp: Namespace, dout: Array, x: Array, W: Array, b: Array | None = None
) -> tuple[Array, Array, Array]:
    """Return the gradients of :func:`affine`.

    From ``y = x @ W + b`` follow ``dx = dout @ W.T``, ``dW = x.T @ dout`` and ``db``, the sum of
    the rows of ``dout``.

    Parameters
    ----------
    b : array, shape (M,), optional
        As in forward; only its dtype matters, and that of ``W`` unless given.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.ops import affine_backward
    >>> dx, dW, db = affine_backward(np.ones((1, 2)), np.asarray([[1.0, 2.0]]), np.eye(2))
    >>> dW
    array([[1., 1.],
           [2., 2.]])
    """
    dx = product(xp, _rows(xp, dout), W.T)
    dx = dx if x.ndim == 2 else xp.reshape(dx, x.shape)
    return dx, *_of_parameters(xp, dout, x)


@affine.partial_derivative("W", "b")
def affine_param_gradients(
    xp: Namespace, dout: Array, x: Array, W: Array, b: Array | None = None
) -> tuple[Array, Array]:
    """Return ``dW`` and ``db`` of :func:`affine` without ``dx``.

    In the first layer of a net nobody reads ``dx``, and it costs a whole matrix product.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.ops import affine_param_gradients
    >>> dW, db = affine_param_gradients(np.ones((3, 2)), np.ones((3, 4)), np.ones((4, 2)))
    >>> db
    array([3., 3.])
    """
    return _of_parameters(xp, dout, x)


def _of_parameters(xp: Namespace, dout: Array, x: Array) -> tuple[Array, Array]:
    douts = _rows(xp, dout)
    return product(xp, _rows(xp, x).T, douts), total(xp, douts, axis=0)


def _rows(xp: Namespace, x: Array) -> Array:
    """Return ``x`` with its leading axes folded into one."""
    return x if x.ndim == 2 else xp.reshape(x, (prod(x.shape[:-1]), x.shape[-1]))


@affine.check
def check_parameters(who: str, W: Array, b: Array) -> None:
    """Make sure that a weight and a bias fit together.

    Raises
    ------
    ShapeError
        If their shapes are not (D, M) and (M,).
    """
    if W.ndim != 2 or b.ndim != 1 or b.shape[0] != W.shape[1]:
        msg = (
            f"{who}: W has shape {tuple(W.shape)} and b has shape {tuple(b.shape)}; "
            "they must be (D, M) and (M,)"
        )
        raise ShapeError(msg)


@affine.check
def input_fits(who: str, x: Array, W: Array) -> None:
    """Make sure that an input fits a weight.

    Raises
    ------
    ShapeError
        If it does not.
    """
    if W.ndim != 2 or x.ndim == 0 or x.shape[-1] != W.shape[0]:
        msg = (
            f"{who}: x has shape {tuple(x.shape)}, but W has shape {tuple(W.shape)}; "
            "they must be (..., D) and (D, M), with the same D"
        )
        raise ShapeError(msg)


@affine_backward.check
@affine_param_gradients.check
def _dout_fits(who: str, dout: Array, x: Array, W: Array) -> None:
    input_fits(who, x, W)
    expected = (*x.shape[:-1], W.shape[-1])
    if dout.shape != expected:
        raise ShapeError(upstream_shape_text(who, dout.shape, expected))
