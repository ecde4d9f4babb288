"""The update of parameters by the gradients of a recording."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np

from xpnet.compiled.kept_state import KeptState
from xpnet.kernels.tape import Call, Tape
from xpnet.optimizers.groups import Groups
from xpnet.optimizers.numbers import Numbers
from xpnet.optimizers.optimizer import Optimizer
from xpnet.optimizers.state import State
from xpnet.optimizers.writing import trained

__all__ = ["Update"]

_Host: TypeAlias = np.ndarray[Any, Any]


class Update:
    """An update that is planned once, and carried out again and again.

    Parameters
    ----------
    net : net
    optimizer : Optimizer
    kept : KeptState
        The optimizer's.
    grads : mapping of str to array
        Which are there before each update.

    Attributes
    ----------
    done : list
        Has an entry once the update is done. Who calls it empties it before.
    """

    def __init__(
        self, net: Any, optimizer: Optimizer, kept: KeptState, grads: Mapping[str, _Host]
    ) -> None:
        self._net, self._optimizer, self._kept, self._grads = net, optimizer, kept, grads
        self._params: dict[str, _Host] = {}
        self._memories: State = {}
        self._arrays: list[tuple[Any, str, Any]] = []
        self._tape = Tape(is_plan=True)
        self._is_fixed = False
        self._numbers: Numbers | None = None
        self._groups: Groups = {}
        self._count: Call = []
        self.done: list[str] = []

    def __call__(self) -> None:
        optimizer, is_current = self._optimizer, self._is_current()
        if not is_current:
            self._prepare()
        numbers = optimizer.numbers()
        if not is_current or not self._is_fixed or not self._has(numbers):
            self._plan(numbers, is_current=is_current)
        self._count[-1] = optimizer.steps + 1
        self._tape.carry_out()

    def _has(self, numbers: Numbers) -> bool:
        """Whether the plan was made with these numbers, each for the same parameters."""
        return numbers == self._numbers and self._groups is self._optimizer.own_groups

    def _is_current(self) -> bool:
        """Whether the optimizer remembers what it did, and may write to the parameters."""
        for param in self._params.values():
            if not param.flags.writeable:
                return False
        for memory, name, array in self._arrays:
            if memory[name] is not array:
                return False
        return bool(self._params) and self._kept.is_current(self._memories)

    def _prepare(self) -> None:
        """Check everything, and make sure that there is a state."""
        self._params = trained(self._net.params)
        self._memories = self._kept.beside(self._params, self._grads)
        self._arrays = [
            (memory, name, array)
            for memory in self._memories.values()
            for name, array in memory.items()
            if hasattr(array, "shape")
        ]

    def _plan(self, numbers: Numbers, *, is_current: bool) -> None:
        optimizer, params, memories = self._optimizer, self._params, self._memories
        self._numbers, self._groups = numbers, optimizer.own_groups
        self._tape.clear()
        each = self._net.params, params, self._grads, numbers, optimizer.steps
        settings, grads = optimizer.prepared(*each)
        if not optimizer.works_in_place(params, grads):
            self._tape.calls += optimizer.plan(self._net.params, self._grads).calls
            self._is_fixed = False
        else:
            is_fixed = self._tape.record(optimizer.note_steps, params, grads, memories, settings)
            self._is_fixed = is_fixed and grads is self._grads
            if not is_current:
                self._tape.add(setattr, optimizer, "state", {**optimizer.state, **memories})
        self._tape.add(setattr, optimizer, "steps", 0)
        self._count = self._tape.calls[-1]
        self._tape.add(self.done.append, "updated")
