"""Arguments of examples that are no normal numbers, drawn when tests ask for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

__all__ = ["indices", "probabilities"]

_Host: TypeAlias = np.ndarray[Any, Any]


def indices(*shape: int, classes: int) -> Callable[[np.random.Generator], _Host]:
    """Return what draws indices of some classes."""
    return lambda rng: rng.integers(0, classes, size=shape)


def probabilities(*shape: int) -> Callable[[np.random.Generator], _Host]:
    """Return what draws rows that sum to 1."""

    def drawn(rng: np.random.Generator) -> _Host:
        positive = rng.random(shape)
        return np.asarray(positive / positive.sum(axis=-1, keepdims=True))

    return drawn
