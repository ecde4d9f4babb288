"""Arguments for every op that has a kernel somewhere, on any shape and in any dtype."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xpnet import kernels, ops
from xpnet.ops.fused import affine_relu
from xpnet.ops.op import OPS

# Each takes scores x of shape (..., C) and a generator, and returns what kernels of the op take.
ARGUMENTS: dict[str, Callable[[Any, Any], tuple[Any, ...]]] = {
    "add": lambda x, rng: (x, _alike(x, rng), None),
    "add_backward": lambda x, rng: (_alike(x, rng), x, _alike(x, rng)),
    "affine": lambda x, rng: (x, _like(x, rng, x.shape[-1], 3), _like(x, rng, 3)),
    "affine_backward": lambda x, rng: (
        _like(x, rng, *x.shape[:-1], 3),
        x,
        _like(x, rng, x.shape[-1], 3),
    ),
    "affine_param_gradients": lambda x, rng: (
        _like(x, rng, *x.shape[:-1], 3),
        x,
        _like(x, rng, x.shape[-1], 3),
    ),
    "affine_relu": lambda x, rng: (x, _like(x, rng, x.shape[-1], 3), _like(x, rng, 3)),
    "dropout": lambda x, _rng: (x, 0.3, 2**40 + 7, 2**32 - 5, None),
    "dropout_backward": lambda x, rng: (_alike(x, rng), _exact(_mask, x), 0.3, None),
    "log_softmax": lambda x, _rng: (x, -1, None),
    "log_softmax_backward": lambda x, rng: (_alike(x, rng), _exact(ops.log_softmax, x), -1, None),
    "mul": lambda x, rng: (x, _alike(x, rng), None),
    "mul_backward": lambda x, rng: (_alike(x, rng), x, _alike(x, rng)),
    "relu": lambda x, _rng: (x, None),
    "relu_backward": lambda x, rng: (_alike(x, rng), _exact(ops.relu, x), None),
    "sigmoid": lambda x, _rng: (x, None),
    "sigmoid_backward": lambda x, rng: (_alike(x, rng), _exact(ops.sigmoid, x), None),
    "softmax": lambda x, _rng: (x, -1, None),
    "softmax_backward": lambda x, rng: (_alike(x, rng), _exact(ops.softmax, x), -1, None),
    "softmax_with_loss": lambda x, rng: (x, _indices(x, rng)),
    "softmax_with_loss_backward": lambda x, rng: (
        1.5,
        _exact(ops.softmax, x),
        _indices(x, rng),
        None,
    ),
}

# What labels may be, for ops that take them as their second argument.
LABELS: dict[str, Callable[[Any, Any], Any]] = {
    "indices": lambda x, rng: _indices(x, rng),
    "one-hot integers": lambda x, rng: _one_hot(x, rng).astype("int64"),
    "one-hot floats": lambda x, rng: _one_hot(x, rng).astype(x.dtype),
    "soft rows": lambda x, rng: _soft(x, rng).astype(x.dtype),
}

# How a public op is called with the arguments of its kernel.
CALLS: dict[str, Callable[..., Any]] = {
    "add_backward": ops.add_backward,
    "affine": ops.affine,
    "affine_backward": ops.affine_backward,
    "affine_param_gradients": ops.affine_param_gradients,
    "affine_relu": affine_relu,
    "mul_backward": ops.mul_backward,
    "softmax_with_loss": ops.softmax_with_loss,
}


def arguments(op: str, labels: str | None, x: Any, rng: Any) -> tuple[Any, ...]:
    """Return what kernels of an op take, with such labels if it takes any."""
    args = [*ARGUMENTS[op](x, rng)]
    if labels is not None:
        args[OPS[op].names.index("t")] = LABELS[labels](x, rng)
    return tuple(args)


def labels_of(op: str) -> list[str | None]:
    """Return what labels there are for an op; a single None if it takes none."""
    return [*LABELS] if "loss" in op else [None]


def call(op: str, *args: Any) -> Any:
    """Call a public op with the arguments of its kernel, the last of which is mostly ``out``."""
    return CALLS[op](*args) if op in CALLS else getattr(ops, op)(*args[:-1], out=args[-1])


def _like(x: Any, rng: Any, *shape: int) -> Any:
    return rng.standard_normal(shape).astype(x.dtype)


def _alike(x: Any, rng: Any) -> Any:
    return _like(x, rng, *x.shape)


def _indices(x: Any, rng: Any) -> Any:
    return rng.integers(0, x.shape[-1], x.shape[:-1])


def _mask(x: Any) -> Any:
    return ops.dropout(x, 0.3, seed=0)[1]


def _one_hot(x: Any, rng: Any) -> Any:
    return np.asarray(_indices(x, rng))[..., None] == np.arange(x.shape[-1])


def _soft(x: Any, rng: Any) -> Any:
    """Return probabilities, with 0 for each class that has none by its score, if others have."""
    weights = rng.random(x.shape) * np.isfinite(x)
    weights += ~weights.any(axis=-1, keepdims=True)
    return weights / weights.sum(axis=-1, keepdims=True)


def _exact(op: Any, x: Any) -> Any:
    with kernels.disabled():
        return op(x)
