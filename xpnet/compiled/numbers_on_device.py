"""The numbers of an update in arrays that a CUDA graph reads, so that it goes on with others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xpnet._typing import Array
from xpnet.arrays import array_namespace, device_of
from xpnet.compiled.not_compiled import NotCompiledError
from xpnet.optimizers import Optimizer
from xpnet.optimizers.numbers import Numbers
from xpnet.optimizers.optimizer import mode_of_optimizer

__all__ = ["NumbersOnDevice"]

# What kernels of rules read from an array; all else is built in.
_RATE = "lr"


class NumbersOnDevice:
    """Learning rates and the numbers of transforms as arrays of shape (), beside fixed settings.

    Parameters
    ----------
    optimizer : Optimizer
    like : array
        Where they shall lie.

    Attributes
    ----------
    arrays : Numbers
        What a graph is recorded with.
    step : array of shape ()
        The number of the step.

    Raises
    ------
    NotCompiledError
        If a setting that is built in follows a schedule: each step would need another graph.
    """

    def __init__(self, optimizer: Optimizer, like: Array) -> None:
        for settings in (vars(optimizer), *optimizer.groups.values()):
            for name, value in settings.items():
                if name in optimizer.settings and name != _RATE and callable(value):
                    msg = f"{name} follows a schedule, and a graph has it built in"
                    raise NotCompiledError(msg)
        self._optimizer, self._like = optimizer, like
        self.step = self._zero("int64")
        numbers = optimizer.numbers()
        self._fixed, self._mode = _fixed(numbers), mode_of_optimizer(optimizer)
        self.arrays = Numbers(
            self._with_arrays(numbers.settings, [_RATE]),
            {p: self._with_arrays(group, [_RATE]) for p, group in numbers.groups.items()},
            [self._with_arrays(transform, transform) for transform in numbers.transforms],
        )

    def is_current(self) -> bool:
        """Whether all that is built in is as it was."""
        optimizer = self._optimizer
        fixed = _fixed(optimizer.numbers())
        return fixed == self._fixed and mode_of_optimizer(optimizer) == self._mode

    def write(self) -> None:
        """Write the numbers of the next step into the arrays."""
        numbers, arrays = self._optimizer.numbers(), self.arrays
        self.step[...] = self._optimizer.steps
        pairs = [(arrays.settings, numbers.settings)]
        pairs += [(arrays.groups[p], group) for p, group in numbers.groups.items()]
        pairs += list(zip(arrays.transforms, numbers.transforms, strict=True))
        for into, now in pairs:
            for name, array in into.items():
                if hasattr(array, "shape"):
                    array[...] = now[name]

    def _with_arrays(self, numbers: Mapping[str, Any], names: Any) -> dict[str, Any]:
        return {n: self._zero("float64") if n in names else v for n, v in numbers.items()}

    def _zero(self, dtype: str) -> Array:
        xp = array_namespace(self._like)
        return xp.zeros((), dtype=getattr(xp, dtype), device=device_of(self._like))


def _fixed(numbers: Numbers) -> tuple[Any, ...]:
    """Return the numbers that are built in."""
    settings = (numbers.settings, *numbers.groups.values())
    return tuple({n: v for n, v in each.items() if n != _RATE} for each in settings)
