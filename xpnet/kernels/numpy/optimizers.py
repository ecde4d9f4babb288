"""The updates of the optimizers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from xpnet import ops
from xpnet.kernels.arguments import are_alike
from xpnet.kernels.blas import add_scaled
from xpnet.kernels.numpy import updates
from xpnet.kernels.numpy.blocks import BLOCK, buffer
from xpnet.kernels.optimizers import overlap, register
from xpnet.kernels.tape import call, current_tape
from xpnet.quiet import quiet

__all__ = ["sgd_of_many"]

_Host: TypeAlias = np.ndarray[Any, Any]

# Entries of a sum for which OpenBLAS takes no second thread.
_FEW = 10_000


def sgd_of_many(param: _Host, grad: _Host, *, lr: float) -> bool | None:
    """Change a parameter that is worth the threads of BLAS; return whether it is."""
    if param.size <= _FEW or not are_alike(param, grad) or not param.flags.writeable:
        return None
    if overlap(param, grad):
        return None
    add = add_scaled(-lr, grad, param)
    if add is None:
        return None
    call(add)
    return True


@ops.sgd_update.kernel("numpy", checks_itself=True)
@quiet
def _sgd(param: _Host, grad: _Host, *, lr: float) -> bool | None:
    if sgd_of_many(param, grad, lr=lr):
        return True
    if not are_alike(param, grad) or overlap(param, grad):
        return None
    if param.size <= _FEW:
        updates.sgd(param, grad, np.empty_like(grad), None, lr)
    else:
        _run(updates.sgd, [param.reshape(-1), grad.reshape(-1)], [lr])
    return True


def _run(rule: Callable[..., None], arrays: list[_Host], numbers: list[Any]) -> None:
    param = arrays[0]
    # Through memory that stays: a fresh array of many entries would cost page faults.
    spare = _spare(param.dtype)
    size = spare[0].size
    for start in range(0, param.size, size):
        parts = [array[start : start + size] for array in arrays]
        rule(*parts, *(block[: parts[0].size] for block in spare), *numbers)


def _spare(dtype: np.dtype[Any]) -> tuple[_Host, _Host]:
    """Return two blocks of memory: this thread's, or those of a tape that others may replay."""
    tape = current_tape()
    if tape is None or not tape.is_kept:
        return buffer(dtype, 0), buffer(dtype, 1)
    if dtype not in tape.memory:
        tape.memory[dtype] = tuple(np.empty((2, BLOCK // dtype.itemsize), dtype))
    first, second = tape.memory[dtype]
    return first, second


register("numpy", updates, _run)
