"""An optimizer's memories in arrays that stay, for steps that are recorded with them."""

from __future__ import annotations

from collections.abc import Mapping

from xpnet._typing import Array
from xpnet.optimizers import Optimizer
from xpnet.optimizers.state import Memory, State, copied

__all__ = ["KeptState"]


class KeptState:
    """The arrays in which an optimizer remembers, one set for all recordings.

    ``Optimizer.update`` makes new ones each time, so that a state may be kept and put back. A
    recorded update writes to the same ones.

    Parameters
    ----------
    optimizer : Optimizer
    """

    def __init__(self, optimizer: Optimizer) -> None:
        self._optimizer = optimizer
        self._memories: dict[str, Memory] = {}

    def beside(self, params: Mapping[str, Array], grads: Mapping[str, Array]) -> State:
        """Return what is remembered of each parameter, having made sure that all fits.

        Where the optimizer remembers something else than what is kept, that is copied: to the same
        arrays if it suits them, for other recordings have these.
        """
        state = self._optimizer.state
        for name, memory in self._optimizer.memories(params, grads, state).items():
            kept = self._memories.get(name)
            if kept is None or not _suits(kept, memory):
                self._memories[name] = copied(memory)
            elif state.get(name) is not kept or not _are_same(kept, memory):
                _copy(memory, kept)
        return {name: self._memories[name] for name in params}

    def is_current(self, memories: State) -> bool:
        """Whether the optimizer still remembers these, and nothing else of their parameters."""
        state = self._optimizer.state
        for name, memory in memories.items():  # noqa: SIM110 - each step waits for it
            if state.get(name) is not memory:
                return False
        return True


def _suits(kept: Memory, memory: Memory) -> bool:
    return kept.keys() == memory.keys() and all(
        _kind(kept[key]) == _kind(value) for key, value in memory.items()
    )


def _kind(value: object) -> tuple[object, ...]:
    names = "shape", "dtype", "device"
    return type(value), *(getattr(value, name, None) for name in names)


def _copy(memory: Memory, kept: Memory) -> None:
    for key, value in memory.items():
        if not hasattr(value, "shape"):
            kept[key] = value
        elif value is not kept[key]:
            kept[key][...] = value


def _are_same(kept: Memory, memory: Memory) -> bool:
    return all(
        value is kept[key] or (not hasattr(value, "shape") and value == kept[key])
        for key, value in memory.items()
    )
