"""The generic ops themselves, each compiled by JAX into one function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax

from xpnet import ops
from xpnet._typing import Array

__all__ = ["KERNELS"]


def _compiled(op: Callable[..., Any], *static: str) -> Callable[..., Any]:
    """Return an op that is compiled for each dtype and shape; None for arrays that are traced.

    What is traced already becomes part of a compiled function, and the op in it.
    """
    compiled = jax.jit(op, static_argnames=static)

    def run(*args: Any) -> Any:
        return None if isinstance(args[0], jax.core.Tracer) else compiled(*args)

    return run


def _along_axis(op: Callable[..., Any]) -> Callable[..., Any]:
    """Return the compiled op without its last argument: there is no ``out`` on JAX."""
    compiled = _compiled(op, "axis")
    return lambda *args: compiled(*args[:-1])


def _softmax_with_loss_backward(y: Array, t: Array, dout: Any, _out: None) -> Array | None:
    is_number = isinstance(dout, int | float)
    if not is_number and (type(dout) is not type(y) or (dout.shape, dout.dtype) != ((), y.dtype)):
        return None
    if is_number and not abs(dout) <= float(jax.numpy.finfo(y.dtype).max):
        return None  # what reaches a sample may be less
    return _loss_backward(
        y, t, dout if hasattr(dout, "shape") else jax.numpy.asarray(dout, y.dtype)
    )


_loss_backward = _compiled(lambda y, t, dout: ops.softmax_with_loss_backward(dout, y, t))

KERNELS: dict[str, Callable[..., Any]] = {
    "affine": _compiled(ops.affine),
    "affine_backward": _compiled(ops.affine_backward),
    "affine_param_gradients": _compiled(ops.affine_param_gradients),
    "log_softmax": _along_axis(ops.log_softmax),
    "log_softmax_backward": _along_axis(ops.log_softmax_backward),
    "relu_backward": _compiled(lambda dout, y, _out: ops.relu_backward(dout, y)),
    "sigmoid": _compiled(lambda x, _out: ops.sigmoid(x)),
    "sigmoid_backward": _compiled(lambda dout, y, _out: ops.sigmoid_backward(dout, y)),
    "softmax": _along_axis(ops.softmax),
    "softmax_backward": _along_axis(ops.softmax_backward),
    "softmax_with_loss": _compiled(ops.softmax_with_loss),
    "softmax_with_loss_backward": _softmax_with_loss_backward,
}
