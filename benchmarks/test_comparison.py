"""Every workload, by everyone who can do it."""

from __future__ import annotations

from itertools import chain

import pytest

from benchmarks.comparison import Missing


class Replay:
    """A clock that shows times which were taken before.

    pytest-benchmark times one function after another; here, all contenders of a workload have had
    their turns in the same rounds. Its statistics, files and comparisons work on what it is shown.
    """

    def load(self, seconds):
        self._instants = chain.from_iterable((0.0, taken) for taken in seconds)

    def __call__(self):
        return next(self._instants)


CLOCK = Replay()


# Other libraries' warnings are their own affair.
@pytest.mark.filterwarnings("ignore")
@pytest.mark.benchmark(timer=CLOCK)
def test_contender(benchmark, comparison, workload, contender):
    try:
        turns = comparison.turns(workload, contender)
    except Missing as reason:
        pytest.skip(str(reason))
    benchmark.group = str(workload)
    seconds = list(chain.from_iterable(turns or [[0.0]]))
    CLOCK.load(seconds)
    benchmark.pedantic(lambda: None, rounds=len(seconds))
