"""Time functions turn by turn, so that what slows the machine slows them all."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

# PyTorch's OpenMP threads go on spinning after their work, and slow whoever comes next.
_PAUSE = 0.02


def settle(function: Callable[[], Any]) -> None:
    """Let the threads of whoever ran before go to sleep, and make one untimed call."""
    time.sleep(_PAUSE)
    function()


def take_turn(function: Callable[[], Any], calls: int) -> list[float]:
    """Return the seconds of each of a few calls."""
    settle(function)
    seconds = []
    for _ in range(calls):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return seconds


def interleave(
    functions: Mapping[str, Callable[[], Any]], *, rounds: int, calls: int
) -> dict[str, np.ndarray]:
    """Return seconds by name, of shape (rounds, calls).

    The order turns around from round to round, so that none always follows the same one.
    """
    turns: dict[str, list[list[float]]] = {name: [] for name in functions}
    for number in range(rounds):
        for name in list(functions)[:: -1 if number % 2 else 1]:
            turns[name].append(take_turn(functions[name], calls))
    return {name: np.asarray(seconds) for name, seconds in turns.items()}


def pair_ratios(slow: np.ndarray, fast: np.ndarray) -> np.ndarray:
    """Return how many times as long the first took, as quartiles over the rounds.

    Both had their turns in a round within a fraction of a second: such a pair shares the state
    of the machine, and the ratio outlives what spoils the times.
    """
    return np.quantile(np.median(slow, axis=1) / np.median(fast, axis=1), [0.25, 0.5, 0.75])
