"""Kernels that share their rows among threads, called from several threads at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from kernels.arguments import arguments, call, labels_of

from xpnet import kernels
from xpnet.backends import adapter_by_name
from xpnet.dispatch import providers_of

WHY = "numba is not installed: run nox -s tests_backends"
pytest.importorskip("numba", reason=WHY)
pytest.importorskip("xpnet.kernels.numba", reason=WHY)
team = pytest.importorskip("xpnet.kernels.numba.team", reason=WHY)

CALLERS = 4


@pytest.fixture(autouse=True)
def _three_threads_for_each_large_call(monkeypatch):
    monkeypatch.setattr(team, "thread_count", lambda: 3)
    team._team.cache_clear()
    yield
    team._team.cache_clear()


def numba_ops():
    numpy = adapter_by_name("numpy")
    return next(each.kernels for each in providers_of(numpy) if each.name == "numba")


def as_tuple(result):
    return result if isinstance(result, tuple) else (result,)


def computed(op, args):
    """Return the arrays of five calls, none of which may overwrite those of another."""
    with kernels.only("numba"), kernels.watch() as ran:
        results = [call(op, *args) for _ in range(5)]
    assert [kernel.op for kernel in ran] == [op] * 5
    return [array for result in results for array in as_tuple(result)]


# The threads of a team help with the first of these; the second is computed by each caller.
@pytest.mark.parametrize("shape", [(600, 1000), (300, 12)], ids=str)
@pytest.mark.parametrize(
    ("op", "labels"),
    [(op, labels) for op in numba_ops() if not op.endswith("_update") for labels in labels_of(op)],
)
def test_an_op_in_four_threads_at_once_gives_the_bits_of_one(op, labels, shape):
    rngs = [np.random.default_rng(seed) for seed in range(CALLERS)]
    calls = [
        arguments(op, labels, rng.standard_normal(shape, dtype="float32"), rng) for rng in rngs
    ]
    expected = [computed(op, args) for args in calls]
    begin = threading.Barrier(CALLERS)

    def computed_at_once(args):
        begin.wait(30)
        return computed(op, args)

    with ThreadPoolExecutor(CALLERS) as pool:
        for _ in range(5):
            for found, truth in zip(pool.map(computed_at_once, calls), expected, strict=True):
                for array, bits in zip(found, truth, strict=True):
                    np.testing.assert_array_equal(array, bits, strict=True)
