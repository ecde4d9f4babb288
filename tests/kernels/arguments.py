"""Arguments for every op that has a kernel somewhere, on any shape and in any dtype."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xpnet import kernels, ops
from xpnet.ops.op import OPS

# Each takes scores x of shape (..., C) and a generator, and returns what kernels of the op take.
# Only ops are here whose arguments are not all like x; what others take is in their examples.
ARGUMENTS: dict[str, Callable[[Any, Any], tuple[Any, ...]]] = {
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


def arguments(op: str, labels: str | None, x: Any, rng: Any) -> tuple[Any, ...]:
    """Return what kernels of an op take, with such labels if it takes any."""
    args = [*(ARGUMENTS[op](x, rng) if op in ARGUMENTS else _declared(OPS[op], x, rng))]
    if labels is not None:
        args[OPS[op].names.index("t")] = LABELS[labels](x, rng)
    return tuple(args)


def labels_of(op: str) -> list[str | None]:
    """Return what labels there are for an op; a single None if it takes none."""
    return [*LABELS] if "loss" in op else [None]


def call(op: str, *args: Any) -> Any:
    """Call a public op with the arguments of its kernel, the last of which is ``out`` if any."""
    function = OPS[op]
    takes_out = function.declaration.takes_out
    return function(*args[:-1], out=args[-1]) if takes_out else function(*args)


def _is_all_like_x(op: Any) -> bool:
    """Whether all arrays in the first example of an op are of one shape and any numbers."""
    examples = (op.declaration.of or op).examples
    if not examples or any(map(callable, examples[0].values())):
        return False
    return len({shape for shape in examples[0].values() if type(shape) is tuple}) == 1


def _declared(op: Any, x: Any, rng: Any) -> tuple[Any, ...]:
    """Return the arguments of the first example, with arrays like x instead of those there."""
    if not _is_all_like_x(op):
        msg = f"say in ARGUMENTS what {op.__name__} takes: not all of it is like x"
        raise NotImplementedError(msg)
    declaration = op.declaration
    forward = declaration.of or op
    parameters = forward.declaration.signature.parameters
    example = forward.examples[0]
    given = {name: example.get(name, parameters[name].default) for name in forward.names}
    given |= {name: _alike(x, rng) for name, each in given.items() if type(each) is tuple}
    given[forward.arrays[0]] = x
    if declaration.of is not None:
        with kernels.disabled():
            y = forward(*given.values())
        given |= dict(zip(forward.results, y if type(y) is tuple else (y,), strict=True))
        given["dout"] = _like(x, rng, *given[forward.results[0]].shape)
    return *(given[name] for name in op.names), *([None] if declaration.takes_out else [])


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


WITH_ARGUMENTS = [name for name, op in OPS.items() if name in ARGUMENTS or _is_all_like_x(op)]
"""All ops that ``arguments`` knows arguments for."""
