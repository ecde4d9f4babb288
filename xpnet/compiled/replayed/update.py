"""The update of parameters by the gradients of a recording."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np

from xpnet.compiled.kept_state import KeptState
from xpnet.kernels.tape import Tape
from xpnet.optimizers.optimizer import Optimizer, trained
from xpnet.optimizers.state import State

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
        self._settings: dict[str, float] = {}
        self.done: list[str] = []

    def __call__(self) -> None:
        is_current = self._is_current()
        if not is_current:
            self._prepare()
        if not is_current or not self._is_fixed or self._optimizer.settings != self._settings:
            self._plan(is_current=is_current)
        self._tape.carry_out()

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

    def _plan(self, *, is_current: bool) -> None:
        optimizer = self._optimizer
        self._settings = optimizer.settings
        self._tape.clear()
        if not optimizer.works_in_place(self._params, self._grads):
            self._tape.calls += optimizer.plan(self._net.params, self._grads).calls
            self._is_fixed = False
        else:
            arguments = self._params, self._grads, self._memories
            self._is_fixed = self._tape.record(optimizer.note_steps, *arguments)
            if not is_current:
                self._tape.add(setattr, optimizer, "state", {**optimizer.state, **self._memories})
        self._tape.add(self.done.append, "updated")
