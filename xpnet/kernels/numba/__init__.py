"""Kernels that numba compiles: each op in one pass over memory, by vectors, on all processors.

They take contiguous NumPy arrays of 32- and 64-bit floats. Compiled code is kept on disk.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import numpy as np

try:
    import numba  # noqa: F401
except ImportError as error:
    msg = 'numba is not installed; install it with: pip install "xpnet[numba]"'
    raise ImportError(msg) from error

from xpnet.kernels.affine import (
    affine,
    gradients,
    multiply_and,
    multiply_for_all,
    multiply_for_params,
    ones,
    param_gradients,
)
from xpnet.kernels.arguments import are_alike, are_indices, are_scores, as_rows, fit
from xpnet.kernels.blas import gemm_of
from xpnet.kernels.numba import elementwise, products, rows, updates
from xpnet.kernels.numba.team import Kernel, divide
from xpnet.kernels.numpy import mean, sgd_of_many
from xpnet.kernels.tape import call
from xpnet.ops.labels import check_indices
from xpnet.ops.updates.adam import share_seen
from xpnet.quiet import quiet

__all__ = ["CHECKS_ITSELF", "KERNELS"]

CHECKS_ITSELF = True

_Host: TypeAlias = np.ndarray[Any, Any]

# What one entry takes in one thread, in nanoseconds and roughly: only to tell when threads pay.
_EXP, _PASS = 0.4, 0.1

# Entries that one thread is done with before another would have begun: one call does all of an op.
_SMALL = 100_000
# Losses that can be added one by one; NumPy adds them by pairs, which keeps more digits of many.
_FEW = 1000


_mean = quiet(mean)
_softmax_of_rows = partial(divide, rows.softmax, _EXP)
_log_softmax_of_rows = partial(divide, rows.log_softmax, _EXP)
_softmax_backward_of_rows = partial(divide, rows.softmax_backward, _PASS)
_log_softmax_backward_of_rows = partial(divide, rows.log_softmax_backward, _EXP)
_softmax_and_losses = partial(divide, rows.softmax_and_losses, _EXP)
_scaled_difference = partial(divide, rows.scaled_difference, _PASS)
_sigmoid_of_entries = partial(divide, elementwise.sigmoid, _EXP)
_sigmoid_backward_of_entries = partial(divide, elementwise.sigmoid_backward, _PASS)
_bias_of_rows = partial(divide, elementwise.bias, _PASS)
_bias_relu_of_rows = partial(divide, elementwise.bias_relu, _PASS)
_relu_backward_of_entries = partial(divide, elementwise.relu_backward, _PASS)


def _gemm_for(rows: _Host) -> int | None:
    """Return the address of a product that is worth calling from compiled code."""
    return gemm_of(rows.dtype) if 0 < rows.size <= _SMALL else None


def _multiply_and(
    few: Kernel, follow: Callable[..., None], x: _Host, W: _Host, b: _Host, y: _Host
) -> None:
    gemm = _gemm_for(y)
    if gemm is None:
        multiply_and(follow, x, W, b, y)
    else:
        call(few, gemm, x, W, b, y)


def _multiply_for_params(dout: _Host, x: _Host, dW: _Host, db: _Host) -> None:
    gemm = _gemm_for(dout)
    if gemm is None:
        multiply_for_params(dout, x, dW, db)
    else:
        one = ones(len(dout), dout.dtype)[None]
        call(products.param_gradients, gemm, one, dout, x, dW, db[None])


def _multiply_for_all(dout: _Host, x: _Host, W: _Host, dx: _Host, dW: _Host, db: _Host) -> None:
    gemm = _gemm_for(dout)
    if gemm is None:
        multiply_for_all(dout, x, W, dx, dW, db)
    else:
        one = ones(len(dout), dout.dtype)[None]
        call(products.gradients, gemm, one, dout, x, W, dx, dW, db[None])


def _by_rows(function: Callable[..., None], x: _Host, axis: int, out: _Host | None) -> Any:
    if not are_scores(x, axis):
        return None
    y = fit(out, x)
    if y is not None:
        function(as_rows(x), as_rows(y))
    return y


def _by_rows_backward(
    function: Callable[..., None], dout: _Host, y: _Host, axis: int, out: _Host | None
) -> Any:
    if not are_scores(y, axis, dout):
        return None
    dx = fit(out, dout, y)
    if dx is not None:
        function(as_rows(dout), as_rows(y), as_rows(dx))
    return dx


def _by_entries(function: Callable[..., None], x: _Host, out: _Host | None) -> Any:
    y = fit(out, x) if are_alike(x) else None
    if y is not None:
        function(x.reshape(-1), y.reshape(-1))
    return y


def _by_entries_backward(
    function: Callable[..., None], dout: _Host, y: _Host, out: _Host | None
) -> Any:
    dx = fit(out, dout, y) if are_alike(dout, y) else None
    if dx is not None:
        function(dout.reshape(-1), y.reshape(-1), dx.reshape(-1))
    return dx


def _takes_labels(x: _Host, t: Any) -> bool:
    return are_scores(x, -1) and are_indices(t, x) and t.flags.c_contiguous and t.dtype.isnative


def _check_labels(flat: _Host, t: _Host, classes: int) -> None:
    if not rows.are_labels(flat, classes):
        check_indices("SoftmaxWithLoss", t, classes)


def _softmax_and_mean_loss(
    x: _Host, flat: _Host, t: _Host, y: _Host, losses: _Host, loss: _Host
) -> None:
    if not rows.softmax_and_mean_loss(x, flat, y, losses, loss):
        check_indices("SoftmaxWithLoss", t, x.shape[-1])


def _softmax_with_loss(x: _Host, t: _Host) -> tuple[_Host, _Host] | None:
    if not _takes_labels(x, t):
        return None
    loss, y, losses = np.empty((), x.dtype), np.empty(x.shape, x.dtype), np.empty(t.size, x.dtype)
    scores, labels, shares = as_rows(x), t.reshape(-1), as_rows(y)
    if t.size <= _FEW and x.size <= _SMALL:
        call(_softmax_and_mean_loss, scores, labels, t, shares, losses, loss)
    else:
        call(_check_labels, labels, t, x.shape[-1])
        _softmax_and_losses(scores, labels, shares, losses)
        call(_mean, losses, loss)
    return loss, y


def _softmax_with_loss_backward(y: _Host, t: _Host, dout: Any) -> _Host | None:
    if not _takes_labels(y, t) or not isinstance(dout, int | float):
        return None
    dx = np.empty(y.shape, y.dtype)
    _scaled_difference(as_rows(y), t.reshape(-1), dout / t.size, as_rows(dx))
    return dx


def _update(kernel: Kernel, *arrays: _Host, settings: tuple[float, ...]) -> Any:
    """Change arrays of one shape in place; return whether they can be."""
    param = arrays[0]
    if not are_alike(*arrays):
        return None
    flat = [array.reshape(-1) for array in arrays]
    numbers = map(param.dtype.type, settings)
    divide(kernel, _PASS * len(arrays), *flat, *numbers)
    return True


def _sgd(param: _Host, grad: _Host, *, lr: float) -> Any:
    return sgd_of_many(param, grad, lr=lr) or _update(updates.sgd, param, grad, settings=(lr,))


def _momentum(param: _Host, grad: _Host, *, velocity: _Host, lr: float, momentum: float) -> Any:
    return _update(updates.momentum, param, grad, velocity, settings=(lr, momentum))


def _nesterov(param: _Host, grad: _Host, *, velocity: _Host, lr: float, momentum: float) -> Any:
    return _update(updates.nesterov, param, grad, velocity, settings=(lr, momentum))


def _adagrad(param: _Host, grad: _Host, *, squares: _Host, lr: float, eps: float) -> Any:
    return _update(updates.adagrad, param, grad, squares, settings=(lr, eps))


def _rmsprop(
    param: _Host, grad: _Host, *, squares: _Host, lr: float, decay_rate: float, eps: float
) -> Any:
    settings = (lr, decay_rate, 1 - decay_rate, eps)
    return _update(updates.rmsprop, param, grad, squares, settings=settings)


def _adam(
    param: _Host,
    grad: _Host,
    *,
    mean: _Host,
    square: _Host,
    step: int,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float = 0.0,
) -> Any:
    mean_share = share_seen(np, beta1, step, param.dtype)
    square_share = share_seen(np, beta2, step, param.dtype)
    rate, kept = lr / mean_share, 1 - lr * weight_decay
    settings = beta1, 1 - beta1, beta2, 1 - beta2, square_share, eps, rate, kept
    return _update(updates.adam, param, grad, mean, square, settings=settings)


KERNELS: dict[str, Callable[..., Any]] = {
    "adagrad_update": _adagrad,
    "adam_update": _adam,
    "affine": partial(affine, partial(_multiply_and, products.affine, _bias_of_rows)),
    "affine_backward": partial(gradients, _multiply_for_all),
    "affine_param_gradients": partial(param_gradients, _multiply_for_params),
    "affine_relu": partial(
        affine, partial(_multiply_and, products.affine_relu, _bias_relu_of_rows)
    ),
    "log_softmax": partial(_by_rows, _log_softmax_of_rows),
    "log_softmax_backward": partial(_by_rows_backward, _log_softmax_backward_of_rows),
    "momentum_update": _momentum,
    "nesterov_update": _nesterov,
    "relu_backward": partial(_by_entries_backward, _relu_backward_of_entries),
    "rmsprop_update": _rmsprop,
    "sgd_update": _sgd,
    "sigmoid": partial(_by_entries, _sigmoid_of_entries),
    "sigmoid_backward": partial(_by_entries_backward, _sigmoid_backward_of_entries),
    "softmax": partial(_by_rows, _softmax_of_rows),
    "softmax_backward": partial(_by_rows_backward, _softmax_backward_of_rows),
    "softmax_with_loss": _softmax_with_loss,
    "softmax_with_loss_backward": _softmax_with_loss_backward,
}
