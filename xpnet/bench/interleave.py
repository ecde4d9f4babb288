"""Time jobs turn by turn, so that what slows the machine slows them all."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from xpnet.bench.contender import Contender, Job

__all__ = ["Entry", "Turns", "interleave", "pair_ratios"]

Turns: TypeAlias = list[list[float]]
"""The seconds of each call, turn by turn."""

# PyTorch's OpenMP threads go on spinning after their work, and slow whoever comes next.
_PAUSE = 0.02

_TURN = 0.01  # about what a turn should take, in seconds
_MOST_CALLS = 200
# The first calls may wait for threads that slept, for ten milliseconds each on some machines.
_CALLS_TO_PLAN = 10
_FEWEST_ROUNDS = 5


@dataclass
class Entry:
    """A contender's job on its way through the inputs.

    Attributes
    ----------
    run : callable
        Does the job ``burst`` times, and waits.
    around : callable
        Returns what must be in force meanwhile.
    burst : int
        How many jobs are waited for at once; several where a device works behind the host's back.
    calls : int
        How many times a turn calls ``run``.
    """

    run: Callable[[], None]
    around: Callable[[], AbstractContextManager[Any]]
    burst: int = 1
    calls: int = 1

    @classmethod
    def of(
        cls, contender: Contender, job: Job, inputs: Iterable[tuple[Any, ...]], burst: int = 1
    ) -> Entry:
        """Return an entry that takes the sets of inputs one after the other, again and again."""
        rotating = itertools.cycle(inputs)

        def run() -> None:
            contender.wait(job.run(*next(rotating)))

        def run_several() -> None:
            for _ in range(burst):
                result = job.run(*next(rotating))
            contender.wait(result)

        return cls(run if burst == 1 else run_several, contender.around, burst)

    def plan(self) -> None:
        """Choose how many calls a turn has: at least two, for a turn has a median."""
        self.calls = _CALLS_TO_PLAN
        taken = min(self.turn()) * self.burst
        self.calls = min(max(int(_TURN / taken), 2), _MOST_CALLS)

    def turn(self) -> list[float]:
        """Return the seconds that a job took in each of a few calls, after some untimed ones."""
        time.sleep(_PAUSE)
        seconds = []
        with self.around():
            for _ in range(1 + self.calls // 10):
                self.run()
            for _ in range(self.calls):
                start = time.perf_counter()
                self.run()
                seconds.append((time.perf_counter() - start) / self.burst)
        return seconds


def interleave(
    entries: Mapping[str, Entry],
    seconds: float,
    *,
    fewest: int = _FEWEST_ROUNDS,
    after_turn: Callable[[], object] = lambda: None,
) -> dict[str, Turns]:
    """Give all entries turns for about so many seconds, and return their times by name.

    The order turns around from round to round, so that none always follows the same one. The
    first round is for warming up and for planning.
    """
    end = time.perf_counter() + seconds
    for entry in entries.values():
        entry.plan()
    turns: dict[str, Turns] = {name: [] for name in entries}
    started, rounds = time.perf_counter(), 0
    while True:
        for name in list(entries)[:: -1 if rounds % 2 else 1]:
            turns[name].append(entries[name].turn())
            after_turn()
        rounds += 1
        now = time.perf_counter()
        if rounds >= fewest and now + (now - started) / rounds > end:
            return turns


def pair_ratios(slow: Turns, fast: Turns) -> list[float]:
    """Return how many times as long the first took, as quartiles over the rounds.

    Both had their turns in a round within a second or so: such a pair shares the state of the
    machine, and the ratio outlives what spoils the times.

    Examples
    --------
    >>> pair_ratios([[2.0], [20.0], [4.0]], [[1.0], [10.0], [2.0]])
    [2.0, 2.0, 2.0]
    """
    pairs = zip(slow, fast, strict=True)
    ratios = [float(np.median(theirs) / np.median(own)) for theirs, own in pairs]
    return [float(q) for q in np.quantile(ratios, [0.25, 0.5, 0.75])]
