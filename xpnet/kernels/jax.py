"""The generic ops themselves, each compiled by JAX into one function."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from numbers import Integral
from typing import Any

import jax

from xpnet import ops
from xpnet._typing import Array
from xpnet.labels.options import are_plain
from xpnet.ops.masks import dropout_mask
from xpnet.ops.op import Op

__all__ = ["problems"]


def problems() -> Iterator[str]:
    """Say what is set so that no kernel runs."""
    if jax.config.jax_disable_jit:
        yield "none of them runs: JAX_DISABLE_JIT is set, and the generic ops do the work"


def _compile(op: Op, *static: str) -> None:
    """Declare as a kernel the op itself, compiled for each dtype and shape, where it can be."""
    compiled = jax.jit(op, static_argnames=static)

    def run(*arrays: Any, out: None = None, **settings: Any) -> Any:  # nothing is written on JAX
        given = *arrays, *settings.values()
        return compiled(*arrays, **settings) if all(map(_can_be_compiled, given)) else None

    run.__signature__ = inspect.signature(op)  # type: ignore[attr-defined]
    op.kernel("jax")(run)


def _can_be_compiled(array: Any) -> bool:
    """Whether an op on an array can be, so that it is not called here and asks for a kernel again.

    What is traced already becomes part of a compiled function, and the op in it.
    """
    return not (isinstance(array, jax.core.Tracer) or jax.config.jax_disable_jit)


@ops.softmax_with_loss.kernel("jax")
def _softmax_with_loss(
    x: Array,
    t: Array,
    *,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    class_weights: Any = None,
) -> tuple[Array, Array] | None:
    if not are_plain(ignore_index, label_smoothing, class_weights) or not _can_be_compiled(x):
        return None
    loss_and_y: tuple[Array, Array] = _loss(x, t)
    return loss_and_y


@ops.softmax_with_loss_backward.kernel("jax")
def _softmax_with_loss_backward(
    dout: Any,
    y: Array,
    t: Array,
    *,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    class_weights: Any = None,
    out: None = None,
) -> Array | None:
    if not are_plain(ignore_index, label_smoothing, class_weights) or not _can_be_compiled(y):
        return None
    is_number = isinstance(dout, int | float)
    if not is_number and (type(dout) is not type(y) or (dout.shape, dout.dtype) != ((), y.dtype)):
        return None
    if is_number and not abs(dout) <= float(jax.numpy.finfo(y.dtype).max):
        return None  # what reaches a sample may be less
    dout = dout if hasattr(dout, "shape") else jax.numpy.asarray(dout, y.dtype)
    return _loss_backward(dout, y, t)


@ops.dropout.kernel("jax")
def _dropout(x: Array, rate: float, seed: int, step: Any = 0, *, out: None = None) -> Any:
    # Each seed is compiled for itself: who counts steps keeps it, and others may not.
    is_counted = isinstance(step, Integral) and 0 < int(step) < 2**32
    if not is_counted or not _can_be_compiled(x):
        return None
    number = jax.numpy.asarray(int(step), "uint32")
    mask = _mask(x, float(rate), int(seed), number)
    # Compiled together with the mask, the product would become a choice, and inf * 0 be 0.
    return _times_mask(x, mask, float(rate)), mask


@ops.dropout_backward.kernel("jax")
def _dropout_backward(dout: Array, mask: Array, rate: float, *, out: None = None) -> Array | None:
    return _times_mask(dout, mask, float(rate)) if _can_be_compiled(dout) else None


_mask = jax.jit(dropout_mask, static_argnames=("rate", "seed"))
_times_mask = jax.jit(ops.dropout_backward, static_argnames="rate")
_loss = jax.jit(ops.softmax_with_loss)
_loss_backward = jax.jit(ops.softmax_with_loss_backward)

for _op in (ops.affine, ops.affine_backward, ops.affine_param_gradients):
    _compile(_op)
for _op in (ops.relu_backward, ops.sigmoid, ops.sigmoid_backward):
    _compile(_op)
for _op in (ops.softmax, ops.softmax_backward, ops.log_softmax, ops.log_softmax_backward):
    _compile(_op, "axis")
