"""The updates of the optimizers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from xpnet.kernels.arguments import are_alike
from xpnet.kernels.blas import add_scaled
from xpnet.kernels.numpy import updates
from xpnet.kernels.numpy.blocks import buffer
from xpnet.kernels.optimizers import kernels_of
from xpnet.kernels.tape import call
from xpnet.quiet import quiet

__all__ = ["KERNELS", "sgd_of_many"]

_Host: TypeAlias = np.ndarray[Any, Any]

# Entries of a sum for which OpenBLAS takes no second thread.
_FEW = 10_000


def sgd_of_many(param: _Host, grad: _Host, *, lr: float) -> bool | None:
    """Change a parameter that is worth the threads of BLAS; return whether it is."""
    if param.size <= _FEW or not are_alike(param, grad) or not param.flags.writeable:
        return None
    add = add_scaled(-lr, grad, param)
    if add is None:
        return None
    call(add, grad, param)
    return True


@quiet
def _sgd(param: _Host, grad: _Host, *, lr: float) -> bool | None:
    if sgd_of_many(param, grad, lr=lr):
        return True
    if not are_alike(param, grad):
        return None
    if param.size <= _FEW:
        call(updates.sgd, param, grad, np.empty_like(grad), None, lr)
    else:
        _run(updates.sgd, [param.reshape(-1), grad.reshape(-1)], [lr])
    return True


def _run(rule: Callable[..., None], arrays: list[_Host], numbers: list[Any]) -> None:
    call(_by_blocks, rule, arrays, numbers)


def _by_blocks(rule: Callable[..., None], arrays: list[_Host], numbers: list[Any]) -> None:
    param = arrays[0]
    # Through memory that stays: a fresh array of many entries would cost page faults.
    spare = buffer(param.dtype, 0), buffer(param.dtype, 1)
    size = spare[0].size
    for start in range(0, param.size, size):
        parts = [array[start : start + size] for array in arrays]
        rule(*parts, *(block[: parts[0].size] for block in spare), *numbers)


KERNELS: dict[str, Callable[..., Any]] = {**kernels_of(updates, _run), "sgd_update": _sgd}
