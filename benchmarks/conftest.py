"""Everything around the benchmarks: pinned threads, contenders, measuring, and one summary."""

from __future__ import annotations

import time
from functools import partial

import numpy as np
import pytest

import xpnet
from benchmarks import machine
from benchmarks.contenders import all_contenders
from benchmarks.interleave import pair_ratios, settle, take_turn
from benchmarks.summary import Row, table
from benchmarks.verify import assert_close
from benchmarks.workloads import Work

# pytest-benchmark's own table, made to fit a terminal where the command line leaves it open.
TABLE = {"columns": ["min", "median", "iqr", "rounds"], "name": "short"}

# At most so many calls make a turn, and at least so many turns a measurement.
CALLS, TURNS = 20, 5

ROWS = pytest.StashKey[list[Row]]()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    machine.pin_threads()
    machine.settle_heap()
    config.stash[ROWS] = []
    given = " ".join(map(str, config.invocation_params.args))
    for name, value in TABLE.items():
        if f"--benchmark-{name}" not in given:
            setattr(config.option, f"benchmark_{name}", value)


def pytest_report_header():
    return _description()


def pytest_benchmark_update_machine_info(machine_info):
    machine_info["xpnet"] = _description()


def _description():
    return machine.describe([contender.backend for contender in all_contenders()])


@pytest.hookimpl(trylast=True)  # after the marks, so that the contenders of a shape are neighbours
def pytest_generate_tests(metafunc):
    if "contender" in metafunc.fixturenames:
        metafunc.parametrize("contender", all_contenders(), ids=str)


@pytest.fixture
def measure(benchmark, contender, pytestconfig):
    """Check a function against the book's, time the two turn by turn, and keep a row of it.

    Both take nothing and return a tuple of arrays, which are waited for. The book's is in
    float64. The two have turns in pytest-benchmark's untimed setup, which alone can come between
    its rounds: a round does too much around a call to be compared with any other loop. The option
    ``--benchmark-max-time`` is roughly what a row takes, unless TURNS turns take longer.
    """

    def measure(title, run, run_book, work: Work):
        assert_close(run(), run_book())
        benchmark.group = title
        if benchmark.disabled:
            benchmark(run)
            return

        ours, theirs = partial(_finished, run), partial(_finished, run_book)
        calls, turns = _plan(ours, theirs, float(pytestconfig.option.benchmark_max_time))
        pairs, done = {"book": [], "own": []}, 0

        def take_turns_first():
            nonlocal done
            if done % calls == 0:
                pairs["book"].append(take_turn(theirs, calls))
                pairs["own"].append(take_turn(ours, calls))
            done += 1

        benchmark.pedantic(ours, setup=take_turns_first, rounds=calls * turns)
        times = benchmark.stats.stats
        dtype = xpnet.to_numpy(xpnet.asarray(0.0, xp=contender.backend)).dtype
        row = Row(
            title,
            str(contender),
            minimum=times.min,
            median=times.median,
            faster=pair_ratios(np.asarray(pairs["book"]), np.asarray(pairs["own"])),
            work=work,
            itemsize=dtype.itemsize,
        )
        pytestconfig.stash[ROWS].append(row)
        benchmark.extra_info.update(
            {
                "GFLOP/s": row.gflops,
                "GB/s": row.gbytes,
                "times faster than the book, quartiles": list(row.faster),
                "contender": str(contender),
                "dtype": dtype.name,
                "device": machine.device_name(contender.backend),
                "library": f"{contender.backend.name} {contender.backend.adapter.version}",
                "xpnet": xpnet.__version__,
                "threads": machine.THREADS,
                "load": machine.load(),
            }
        )

    return measure


def _finished(run):
    """Run, and wait for the device."""
    xpnet.synchronize(*run())


def _plan(run, run_book, seconds: float) -> tuple[int, int]:
    """Return calls a turn and turns, for about so many seconds with the book's turns included."""
    start = time.perf_counter()
    settle(run)
    settle(run_book)
    pauses_and_calls = time.perf_counter() - start
    # The contender has a turn beside the book, and another in pytest-benchmark's rounds.
    all_three = 2 * min(take_turn(run, 2)) + min(take_turn(run_book, 2))
    calls = min(CALLS, max(1, int(pauses_and_calls / all_three)))
    return calls, max(TURNS, int(seconds / (pauses_and_calls + calls * all_three)))


@pytest.hookimpl(trylast=True)  # below pytest-benchmark's own table
def pytest_terminal_summary(terminalreporter, config):
    if rows := config.stash[ROWS]:
        terminalreporter.section("throughput")
        terminalreporter.write_line(table(rows))
