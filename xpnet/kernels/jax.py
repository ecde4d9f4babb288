"""The generic ops themselves, each compiled by JAX into one function."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from numbers import Integral
from typing import Any

import jax

from xpnet import ops
from xpnet._typing import Array
from xpnet.ops.dropout import dropout_mask
from xpnet.ops.op import Op

__all__ = ["KERNELS", "problems"]


def problems() -> Iterator[str]:
    """Say what is set so that no kernel runs."""
    if jax.config.jax_disable_jit:
        yield "none of them runs: JAX_DISABLE_JIT is set, and the generic ops do the work"


def _compiled(op: Callable[..., Any], *static: str) -> Callable[..., Any]:
    """Return an op that is compiled for each dtype and shape, where it can be; else None."""
    compiled = jax.jit(op, static_argnames=static)

    def run(*args: Any) -> Any:
        return compiled(*args) if _can_be_compiled(args[0]) else None

    return run


def _compile(op: Op, *static: str) -> None:
    """Declare as a kernel the op itself, compiled for each dtype and shape, where it can be."""
    compiled = jax.jit(op, static_argnames=static)

    def run(*arrays: Any, out: None = None, **settings: Any) -> Any:  # nothing is written on JAX
        first = next(iter((*arrays, *settings.values())))
        return compiled(*arrays, **settings) if _can_be_compiled(first) else None

    run.__signature__ = inspect.signature(op)  # type: ignore[attr-defined]
    op.kernel("jax")(run)


def _can_be_compiled(array: Any) -> bool:
    """Whether an op on an array can be, so that it is not called here and asks for a kernel again.

    What is traced already becomes part of a compiled function, and the op in it.
    """
    return not (isinstance(array, jax.core.Tracer) or jax.config.jax_disable_jit)


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


def _dropout(x: Array, rate: float, seed: int, step: Any, _out: None) -> Any:
    # Each seed is compiled for itself: who counts steps keeps it, and others may not.
    is_counted = isinstance(step, Integral) and 0 < int(step) < 2**32
    if not is_counted or not _can_be_compiled(x):
        return None
    number = jax.numpy.asarray(int(step), "uint32")
    mask = _mask(x, float(rate), int(seed), number)
    # Compiled together with the mask, the product would become a choice, and inf * 0 be 0.
    return _times_mask(x, mask, float(rate)), mask


_mask = jax.jit(dropout_mask, static_argnames=("rate", "seed"))
_times_mask = _compiled(ops.dropout_backward, "rate")
_loss_backward = _compiled(lambda y, t, dout: ops.softmax_with_loss_backward(dout, y, t))

_compile(ops.relu_backward)

KERNELS: dict[str, Callable[..., Any]] = {
    "affine": _compiled(ops.affine),
    "affine_backward": _compiled(ops.affine_backward),
    "affine_param_gradients": _compiled(ops.affine_param_gradients),
    "dropout": _dropout,
    "dropout_backward": lambda dout, mask, rate, _out: _times_mask(dout, mask, float(rate)),
    "log_softmax": _along_axis(ops.log_softmax),
    "log_softmax_backward": _along_axis(ops.log_softmax_backward),
    "sigmoid": _compiled(lambda x, _out: ops.sigmoid(x)),
    "sigmoid_backward": _compiled(lambda dout, y, _out: ops.sigmoid_backward(dout, y)),
    "softmax": _along_axis(ops.softmax),
    "softmax_backward": _along_axis(ops.softmax_backward),
    "softmax_with_loss": _compiled(ops.softmax_with_loss),
    "softmax_with_loss_backward": _softmax_with_loss_backward,
}
