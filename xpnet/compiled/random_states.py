"""The streams of random numbers that all Python code shares."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

__all__ = ["are_equal", "put_back", "random_states"]


def random_states() -> tuple[Any, Any]:
    """Return the states of Python's own stream, and of NumPy's."""
    return random.getstate(), np.random.get_state(legacy=False)  # noqa: NPY002


def are_equal(states: tuple[Any, Any], others: tuple[Any, Any]) -> bool:
    """Whether nothing was drawn between them."""
    return repr(states) == repr(others)


def put_back(states: tuple[Any, Any]) -> None:
    """Let the streams go on as from these states."""
    random.setstate(states[0])
    np.random.set_state(states[1])  # noqa: NPY002
