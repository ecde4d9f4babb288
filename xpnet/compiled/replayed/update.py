"""The update of parameters by the gradients of a recording."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np

from xpnet.compiled.kept_state import KeptState
from xpnet.kernels.tape import Call, Tape
from xpnet.optimizers.groups import Groups
from xpnet.optimizers.numbers import Numbers
from xpnet.optimizers.optimizer import Noted, Optimizer
from xpnet.optimizers.state import Memory, State
from xpnet.optimizers.writing import trained
from xpnet.quiet import quiet

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
        self._made_for: Numbers | None = None
        self._groups: Groups = {}
        self._settings: Mapping[str, Mapping[str, Any]] = {}
        self._counts: list[tuple[Memory, Call]] = []
        self._steps: Call = []
        self.done: list[str] = []

    def __call__(self) -> None:
        optimizer, is_current = self._optimizer, self._is_current()
        if not is_current:
            self._prepare()
        numbers = optimizer.numbers()
        if not is_current or not self._renewed(numbers):
            self._plan(numbers, is_current=is_current)
        self._steps[-1] = optimizer.steps + 1
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
        self._made_for = None
        self._params = trained(self._net.params)
        self._memories = self._kept.beside(self._params, self._grads)
        self._arrays = [
            (memory, name, array)
            for memory in self._memories.values()
            for name, array in memory.items()
            if hasattr(array, "shape")
        ]

    def _renewed(self, numbers: Numbers) -> bool:
        """Whether the plan of the last step is one of this step, having given it new numbers."""
        if self._made_for is None or self._optimizer.own_groups is not self._groups:
            return False
        if numbers == self._made_for:
            if self._counts:
                self._renew()
            return True
        if not self._tape.renewals:
            return False
        each = self._net.params, self._params, self._grads, numbers, self._optimizer.steps
        self._made_for = None  # an interrupt would leave half of it
        self._settings, _ = self._optimizer.prepared(*each)
        self._renew()
        self._made_for = numbers
        return True

    @quiet
    def _renew(self) -> None:
        for memory, call in self._counts:
            call[1] = {"step": memory["step"] + 1}
        found: dict[Any, list[Any]] = {}
        for name, renewal in zip(self._params, self._tape.renewals, strict=True):
            own, step = self._settings[name], self._memories[name].get("step")
            key = renewal.kind, id(own), step
            if key not in found:
                found[key] = renewal.numbers(own if step is None else {**own, "step": step + 1})
            renewal.write(found[key])

    def _plan(self, numbers: Numbers, *, is_current: bool) -> None:
        optimizer, params, memories = self._optimizer, self._params, self._memories
        self._made_for = None
        self._tape.clear()
        each = self._net.params, params, self._grads, numbers, optimizer.steps
        settings, grads = optimizer.prepared(*each)
        noted = Noted(by_kernels=False, counts=[])
        if not optimizer.works_in_place(params, grads):
            self._tape.calls += optimizer.plan(self._net.params, self._grads).calls
        else:
            noted = self._tape.record(optimizer.note_steps, params, grads, memories, settings)
            if not is_current:
                self._tape.add(setattr, optimizer, "state", {**optimizer.state, **memories})
        self._tape.add(setattr, optimizer, "steps", 0)
        self._steps = self._tape.calls[-1]
        self._tape.add(self.done.append, "updated")
        if len(self._tape.renewals) < len(params):
            self._tape.renewals.clear()
        may_be_renewed = bool(self._tape.renewals) or not noted.counts
        # What makes the state anew would make others' states forgotten in the next step.
        if is_current and noted.by_kernels and grads is self._grads and may_be_renewed:
            self._settings = settings
            self._counts = [*zip(memories.values(), noted.counts, strict=bool(noted.counts))]
            self._made_for, self._groups = numbers, optimizer.own_groups
