"""PyTorch's own fused functions, where they mean the same."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch

from xpnet import ops
from xpnet._typing import Array
from xpnet.kernels.tape import call
from xpnet.labels.options import are_plain
from xpnet.numerics.sums import MANY

__all__: list[str] = []

_FLOATS = (torch.float32, torch.float64)


@ops.affine.kernel("torch")
def _affine(x: Array, W: Array, b: Array) -> Array | None:
    if x.ndim != 2 or x.dtype not in _FLOATS or len(W) > MANY:
        return None
    return torch.addmm(b, x, W)


@ops.softmax.kernel("torch")
def _softmax(x: Array, axis: int = -1, *, out: Array | None = None) -> Array | None:
    return torch.softmax(x, axis, out=out) if _is_apart(x, out) else None


@ops.log_softmax.kernel("torch")
def _log_softmax(x: Array, axis: int = -1, *, out: Array | None = None) -> Array | None:
    return torch.log_softmax(x, axis, out=out) if _is_apart(x, out) else None


def _is_apart(x: Array, out: Array | None) -> bool:
    """Whether PyTorch, which looks for no overlap here, reads all before it writes there."""
    if x.dtype not in _FLOATS:
        return False
    if out is None:
        return True
    return out is x or not _overlap(x, out)


def _overlap(a: Array, b: Array) -> bool:
    """Whether the storages of two tensors share memory, though one may not know of the other."""
    (start_a, end_a), (start_b, end_b) = _span(a), _span(b)
    return start_a < end_b and start_b < end_a


def _span(x: Array) -> tuple[int, int]:
    storage = x.untyped_storage()
    start: int = storage.data_ptr()
    return start, start + storage.nbytes()


@ops.softmax_with_loss.kernel("torch")
def _softmax_with_loss(
    x: Array,
    t: Array,
    *,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    class_weights: Any = None,
) -> tuple[Array, Array] | None:
    if not are_plain(ignore_index, label_smoothing, class_weights):
        return None
    # Elsewhere nobody has checked the labels yet: one out of range would end the process on a
    # GPU, and -100 would not count.
    on_host = x.device.type == "cpu"
    if x.ndim != 2 or t.ndim != 1 or len(t) == 0 or x.dtype not in _FLOATS or not on_host:
        return None
    return torch.nn.functional.cross_entropy(x, t.long()), torch.softmax(x, -1)


@ops.sgd_update.kernel("torch")
def _sgd(param: Array, grad: Array, *, lr: float) -> Array | None:
    if param.dtype not in _FLOATS or grad.dtype != param.dtype:
        return None
    # PyTorch would differentiate the update of what requires gradients.
    call(partial(param.detach().sub_, alpha=lr), grad.detach())
    return param
