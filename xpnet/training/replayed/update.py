"""The update of parameters that have been checked, from a tape."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np

from xpnet.kernels.tape import Tape
from xpnet.optimizers.optimizer import Optimizer
from xpnet.optimizers.state import Memory
from xpnet.quiet import quiet

__all__ = ["Update"]

_Host: TypeAlias = np.ndarray[Any, Any]


class Update:
    """The update of arrays that have been checked, and its calls once they have been made."""

    def __init__(
        self, optimizer: Optimizer, params: Mapping[str, _Host], grads: Mapping[str, _Host]
    ) -> None:
        self._optimizer = optimizer
        self._memories = {name: optimizer.state[name] for name in params}
        self._moving = [
            (param, grads[name], self._memories[name]) for name, param in params.items()
        ]
        self._counts = any("step" in memory for memory in self._memories.values())
        self._replay: Callable[[], None] | None = None
        self._made_with: tuple[dict[str, float], list[tuple[Memory, str, _Host]]] = {}, []

    def is_current(self) -> bool:
        """Whether the optimizer still remembers what it did, and may write to the parameters."""
        for param, *_ in self._moving:
            if not param.flags.writeable:
                return False
        state = self._optimizer.state
        for name, memory in self._memories.items():  # noqa: SIM110 - each step waits for it
            if state.get(name) is not memory:
                return False
        return True

    def __call__(self) -> None:
        settings, remembered = self._made_with
        if (
            self._replay is not None
            and self._optimizer.settings == settings
            and all(memory[name] is array for memory, name, array in remembered)
        ):
            self._replay()
        else:
            self._record()

    def _record(self) -> None:
        settings, tape = self._optimizer.settings, Tape()
        with tape.recording():
            for param, grad, memory in self._moving:
                self._optimizer.step_in_place(param, grad, memory, settings)
        # Each by a kernel, and with nothing that changes from step to step.
        if len(tape.calls) == len(self._moving) and not self._counts:
            remembered = [(m, name, array) for *_, m in self._moving for name, array in m.items()]
            self._replay, self._made_with = quiet(tape.replay), (settings, remembered)
