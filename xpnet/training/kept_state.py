"""An optimizer's memories in arrays that stay, for steps that are recorded with them."""

from __future__ import annotations

from xpnet.optimizers import Optimizer
from xpnet.optimizers.state import Memory

__all__ = ["KeptState"]


class KeptState:
    """The arrays in which an optimizer remembers, one set for all recordings.

    ``Optimizer.update`` makes new ones each time, so that a state may be kept and put back. One
    recording would then be of no use once another has taken its first step.

    Parameters
    ----------
    optimizer : Optimizer
    """

    def __init__(self, optimizer: Optimizer) -> None:
        self._optimizer = optimizer
        self._memories: dict[str, Memory] = {}

    def take_back(self) -> None:
        """After an update: copy what it remembers to the arrays of before, where they suit."""
        state = self._optimizer.state
        for name, memory in state.items():
            kept = self._memories.get(name)
            if kept is None or not _suits(kept, memory):
                self._memories[name] = memory
            elif kept is not memory:
                _copy(memory, kept)
        self._optimizer.state = {name: self._memories[name] for name in state}


def _suits(kept: Memory, memory: Memory) -> bool:
    return kept.keys() == memory.keys() and all(
        _kind(kept[key]) == _kind(value) for key, value in memory.items()
    )


def _kind(value: object) -> tuple[object, ...]:
    names = "shape", "dtype", "device"
    return type(value), *(getattr(value, name, None) for name in names)


def _copy(memory: Memory, kept: Memory) -> None:
    for key, value in memory.items():
        if hasattr(value, "shape"):
            kept[key][...] = value
        else:
            kept[key] = value
