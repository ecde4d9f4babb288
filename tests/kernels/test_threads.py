"""Rows that are divided among threads."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import xpnet
from xpnet import kernels
from xpnet.kernels import threads
from xpnet.kernels.threads import divide, thread_count

MUCH = 1e9  # nanoseconds: worth all threads


@pytest.fixture
def three_threads(monkeypatch):
    monkeypatch.setattr(threads, "thread_count", lambda: 3)
    threads._pool.cache_clear()
    yield
    threads._pool.cache_clear()


@pytest.mark.parametrize("rows", [1, 2, 3, 7, 100])
def test_each_row_is_computed_once(rows, three_threads):
    counts = np.zeros(rows, dtype=int)

    def count(start, stop):
        counts[start:stop] += 1

    divide(count, rows, MUCH)

    assert counts.tolist() == [1] * rows


def test_the_parts_run_at_the_same_time(three_threads):
    meet = threading.Barrier(3, timeout=30)

    divide(lambda _start, _stop: meet.wait(), 3, MUCH)  # would time out in one thread

    assert not meet.broken


def test_few_rows_stay_in_this_thread(three_threads):
    seen = []

    divide(lambda *part: seen.append((part, threading.current_thread())), 100, 1000.0)

    assert seen == [((0, 100), threading.current_thread())]


@pytest.mark.parametrize("wrong", [0, 2])
def test_an_error_in_any_part_is_raised(wrong, three_threads):
    def fail(start, _stop):
        if start == wrong:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        divide(fail, 3, MUCH)


@pytest.mark.parametrize(("asked", "expected"), [("5", 5), ("0", None), ("many", None), ("", None)])
def test_the_environment_sets_the_number_of_threads(asked, expected, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", asked)

    assert thread_count.__wrapped__() == (expected or len(os.sched_getaffinity(0)))


FORKED = """
import os, threading
from xpnet.kernels.threads import divide

def count_threads():
    seen = set()
    divide(lambda *_: (meet.wait(30), seen.add(threading.get_ident())), 2, 1e9)
    return len(seen)

meet = threading.Barrier(2)
assert count_threads() == 2
if os.fork() == 0:
    meet = threading.Barrier(2)
    os._exit(count_threads())
assert os.waitstatus_to_exitcode(os.wait()[1]) == 2
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_process_that_was_forked_has_threads_of_its_own():
    environment = {**os.environ, "OMP_NUM_THREADS": "2"}
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKED]

    assert subprocess.run(command, env=environment, timeout=60, check=False).returncode == 0


def test_kernels_in_several_threads_at_once_give_the_bits_of_one(three_threads):
    xs = [np.random.default_rng(i).standard_normal((600, 1000), dtype="float32") for i in range(4)]
    expected = [xpnet.softmax(x) for x in xs]

    with ThreadPoolExecutor(4) as pool:
        for _ in range(5):
            for found, truth in zip(pool.map(xpnet.softmax, xs), expected, strict=True):
                np.testing.assert_array_equal(found, truth)


def test_a_result_has_the_same_bits_in_one_thread_and_in_many(three_threads, monkeypatch):
    x = np.random.default_rng(0).standard_normal((700, 1000), dtype="float32")
    many = xpnet.softmax(x)
    monkeypatch.setattr(threads, "thread_count", lambda: 1)

    np.testing.assert_array_equal(xpnet.softmax(x), many)
    with kernels.watch() as ran:
        xpnet.softmax(x)
    assert ran
