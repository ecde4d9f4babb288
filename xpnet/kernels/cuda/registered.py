"""The kernels in the form that ops ask for: arguments of the op, and new arrays for results."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import prod
from typing import Any

from xpnet._typing import Array
from xpnet.arrays import array_namespace
from xpnet.kernels.cuda import updates
from xpnet.kernels.cuda.activations import bias_activation, relu_backward, sigmoid_backward
from xpnet.kernels.cuda.cross_entropy import softmax_with_loss, softmax_with_loss_backward
from xpnet.kernels.cuda.launch import Launcher
from xpnet.kernels.cuda.products import product
from xpnet.kernels.cuda.softmax import (
    log_softmax,
    log_softmax_backward,
    softmax,
    softmax_backward,
)
from xpnet.kernels.cuda.takes import takes
from xpnet.labels.options import are_plain
from xpnet.numerics.sums import MANY

__all__ = ["registered"]


def registered(launch: Launcher) -> dict[str, Callable[..., Any]]:
    """Return the kernels by the names of their ops.

    Parameters
    ----------
    launch : callable
        What runs them.
    """
    rows = {
        "log_softmax": log_softmax,
        "softmax": softmax,
    }
    rows_backward = {
        "log_softmax_backward": log_softmax_backward,
        "softmax_backward": softmax_backward,
    }
    entries_backward = {
        "relu_backward": relu_backward,
        "sigmoid_backward": sigmoid_backward,
    }
    rules: dict[str, Callable[..., None]] = {
        "adagrad_update": updates.adagrad_update,
        "adam_update": updates.adam_update,
        "momentum_update": updates.momentum_update,
        "nesterov_update": updates.nesterov_update,
        "rmsprop_update": updates.rmsprop_update,
        "sgd_update": updates.sgd_update,
    }
    return {
        "affine": partial(_affine, launch, "none"),
        "affine_relu": partial(_affine, launch, "relu"),
        "affine_backward": _affine_backward,
        "affine_param_gradients": _affine_param_gradients,
        "softmax_with_loss": partial(_softmax_with_loss, launch),
        "softmax_with_loss_backward": partial(_softmax_with_loss_backward, launch),
        **{op: partial(_on_rows, launch, op, run) for op, run in rows.items()},
        **{op: partial(_on_rows_backward, launch, op, run) for op, run in rows_backward.items()},
        **{op: partial(_on_entries, launch, op, run) for op, run in entries_backward.items()},
        **{op: partial(_update, launch, op, run) for op, run in rules.items()},
    }


def _like(x: Array) -> Array:
    return array_namespace(x).empty_like(x)


def _suits(op: str, out: Array | None, *inputs: Array) -> bool:
    """Whether a kernel may write to ``out``: an input, or an array that overlaps with none.

    It has the shape and dtype of the first input; others may be labels, or of one number.
    """
    if out is None:
        return True
    x = inputs[0]
    if out.shape != x.shape or out.device != x.device or not takes(op, [x, out]):
        return False
    return all(out is array or not _overlap(out, array) for array in inputs)


def _overlap(a: Array, b: Array) -> bool:
    """Whether two contiguous arrays share memory.

    By address: ``cupy.may_share_memory`` takes views that came through DLPack one by one as apart.
    """
    start_a, start_b = a.data.ptr, b.data.ptr
    return bool(start_a < start_b + b.nbytes and start_b < start_a + a.nbytes)


def _on_rows(
    launch: Launcher,
    op: str,
    run: Callable[..., None],
    x: Array,
    axis: int = -1,
    *,
    out: Array | None = None,
) -> Array | None:
    if not takes(op, [x], axis) or not _suits(op, out, x):
        return None
    y = _like(x) if out is None else out
    run(x, y, launch=launch)
    return y


def _on_rows_backward(
    launch: Launcher,
    op: str,
    run: Callable[..., None],
    dout: Array,
    y: Array,
    axis: int = -1,
    *,
    out: Array | None = None,
) -> Array | None:
    if not takes(op, [dout, y], axis) or not _suits(op, out, dout, y):
        return None
    dx = _like(dout) if out is None else out
    run(dout, y, dx, launch=launch)
    return dx


def _on_entries(
    launch: Launcher,
    op: str,
    run: Callable[..., None],
    dout: Array,
    y: Array,
    *,
    out: Array | None = None,
) -> Array | None:
    return _on_rows_backward(launch, op, run, dout, y, out=out)


def _softmax_with_loss(
    launch: Launcher,
    x: Array,
    t: Array,
    *,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    class_weights: Any = None,
) -> tuple[Array, Array] | None:
    if not are_plain(ignore_index, label_smoothing, class_weights):
        return None
    if not takes("softmax_with_loss", [x, t]):
        return None
    loss, y = array_namespace(x).empty((), dtype=x.dtype), _like(x)
    softmax_with_loss(x, t, loss, y, launch=launch)
    return loss, y


def _softmax_with_loss_backward(
    launch: Launcher,
    dout: Any,
    y: Array,
    t: Array,
    *,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    class_weights: Any = None,
    out: Array | None = None,
) -> Array | None:
    if not are_plain(ignore_index, label_smoothing, class_weights):
        return None
    if not takes("softmax_with_loss_backward", [y, t]) or not _takes_upstream(dout, y):
        return None
    upstream = [] if isinstance(dout, int | float) else [dout]
    if not _suits("softmax", out, y, t, *upstream):
        return None
    dx = _like(y) if out is None else out
    softmax_with_loss_backward(dout, y, t, dx, launch=launch)
    return dx


def _takes_upstream(dout: Any, y: Array) -> bool:
    """Whether it is a number, or an array that the kernel reads as one of the dtype of ``y``."""
    if isinstance(dout, int | float):
        return True
    # The kernel would take the bytes of anything else for a number, or for an address.
    return type(dout) is type(y) and dout.shape == () and dout.dtype == y.dtype


def _affine(launch: Launcher, activation: str, x: Array, W: Array, b: Array) -> Array | None:
    if not takes("bias_activation", [x, W, b]) or len(W) > MANY:
        return None
    y = array_namespace(x).empty((*x.shape[:-1], W.shape[1]), dtype=x.dtype)
    product(_rows(x), W, _rows(y))
    bias_activation(y, b, activation, launch=launch)
    return y


def _affine_param_gradients(
    dout: Array, x: Array, W: Array, b: Array | None = None
) -> tuple[Array, Array] | None:
    if b is not None and b.dtype != W.dtype:
        return None
    if not takes("affine_backward", [dout, x, W]) or prod(x.shape[:-1]) > MANY:
        return None
    xp, dW = array_namespace(x), _like(W)
    dout_rows = _rows(dout)
    ones = xp.ones((1, dout_rows.shape[0]), dtype=x.dtype)
    db = xp.empty((1, W.shape[1]), dtype=x.dtype)
    product(_rows(x).T, dout_rows, dW)
    product(ones, dout_rows, db)  # with sums in float32, as all products have
    return dW, db[0, :]


def _affine_backward(
    dout: Array, x: Array, W: Array, b: Array | None = None
) -> tuple[Array, Array, Array] | None:
    gradients = _affine_param_gradients(dout, x, W, b) if W.shape[1] <= MANY else None
    if gradients is None:
        return None
    dx = _like(x)
    product(_rows(dout), W.T, _rows(dx))
    return dx, *gradients


def _update(
    launch: Launcher,
    op: str,
    run: Callable[..., None],
    param: Array,
    grad: Array,
    **settings: Any,
) -> bool | None:
    # A rate or a count may be an array of shape (), which is none of the memory's.
    memory = [value for value in settings.values() if getattr(value, "ndim", 0) > 0]
    arrays = [param, grad, *memory]
    if any(array.shape != param.shape for array in arrays) or not takes(op, arrays):
        return None
    read = [*arrays, *(value for value in settings.values() if type(value) is type(param))]
    for written in (param, *memory):
        if any(array is not written and _overlap(array, written) for array in read):
            return None
    run(param, grad, **settings, launch=launch)
    return True


def _rows(x: Array) -> Array:
    return x if x.ndim == 2 else x.reshape(prod(x.shape[:-1]), x.shape[-1])
