"""Everything around the comparison: pinned threads, whole fields, and one set of results."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import results, threads
from benchmarks.comparison import Comparison
from benchmarks.contenders import all_contenders
from benchmarks.workloads import SMOKE, WORKLOADS
from xpnet.bench import machine
from xpnet.bench.table import block

COMPARISON = pytest.StashKey[Comparison]()


def pytest_addoption(parser):
    group = parser.getgroup("comparison")
    group.addoption(
        "--smoke", action="store_true", help="check all results at a few shapes, and time nothing"
    )
    group.addoption(
        "--seconds",
        type=float,
        default=1.0,
        help="about what each contender gets for a workload (default: %(default)s)",
    )
    group.addoption(
        "--results",
        type=Path,
        metavar="FILE",
        help="where the figures go as JSON (default: benchmarks/results/cpu-DATE.json, but nowhere "
        "when only a part was selected)",
    )
    group.addoption(
        "--young-heap",
        action="store_true",
        help="start with the heap of a new process, where the book's float64 page-faults",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    threads.pin()
    if not config.option.young_heap:
        machine.settle_heap()
    config.option.doctestmodules = False  # there are none, and it would import every script
    config.option.benchmark_disable |= config.option.smoke
    config.option.benchmark_quiet = True  # there is one table, with the limit in it
    config.stash[COMPARISON] = Comparison(config.option.seconds, timed=not config.option.smoke)


def pytest_report_header():
    return machine.lines(machine.describe())


def pytest_generate_tests(metafunc):
    if "workload" in metafunc.fixturenames:
        workloads = SMOKE if metafunc.config.option.smoke else WORKLOADS
        field = [
            pytest.param(workload, contender, id=f"{workload.op}: {workload.shape}: {contender}")
            for workload in workloads
            for contender in all_contenders()
            if contender.can(workload.op)
        ]
        metafunc.parametrize(("workload", "contender"), field)


def pytest_collection_finish(session):
    """Give those the same field that were not deselected; they cannot run without each other."""
    for item in session.items:
        if callspec := getattr(item, "callspec", None):
            session.config.stash[COMPARISON].enter(**callspec.params)


@pytest.fixture
def comparison(request):
    return request.config.stash[COMPARISON]


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter, config):
    records = config.stash[COMPARISON].records
    if not records:
        return
    terminalreporter.section("comparison")
    terminalreporter.write_line("\n\n".join(map(block, records)))
    terminalreporter.write_line("\n" + "\n".join(machine.lines(machine.describe())))
    path = config.option.results
    if path is None and len(records) == len(WORKLOADS) and not config.option.keyword:
        path = results.dated("cpu")
    if path is not None:
        results.save(path, records)
        terminalreporter.write_line(f"\nThe figures are in {path}")
