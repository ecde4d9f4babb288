"""The updates of the optimizers."""

from __future__ import annotations

from functools import cache, partial
from typing import Any, TypeAlias

import numpy as np

from xpnet import ops
from xpnet.kernels.numba import updates
from xpnet.kernels.numba.pieces import alone
from xpnet.kernels.numba.team import PASS, Kernel, divide
from xpnet.kernels.numpy.optimizers import sgd_of_many
from xpnet.kernels.optimizers import of_sgd, register, update

__all__: list[str] = []

_Host: TypeAlias = np.ndarray[Any, Any]


def _run(rule: Kernel, arrays: list[_Host], numbers: list[Any]) -> None:
    _compile(rule, len(arrays), len(numbers), arrays[0].dtype)
    divide(rule, PASS * len(arrays), *arrays, *numbers)


@cache
def _compile(rule: Kernel, arrays: int, numbers: int, dtype: np.dtype[Any]) -> None:
    """Compile a rule before it is planned: what has begun to be carried out must not be cut."""
    nothing = np.empty(0, dtype)
    rule(alone(0), *arrays * [nothing], *numbers * [dtype.type(0)])


_sgd_of_few = partial(update, _run, updates.sgd, of_sgd, ())


@ops.sgd_update.kernel("numba", checks_itself=True)
def _sgd(param: _Host, grad: _Host, *, lr: float) -> Any:
    return sgd_of_many(param, grad, lr=lr) or _sgd_of_few(param, grad, lr=lr)


register("numba", updates, _run)
