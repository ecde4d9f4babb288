"""Rows that are divided among threads."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import xpnet
from xpnet import kernels

WHY = "numba is not installed: run nox -s tests_backends"
numba = pytest.importorskip("numba", reason=WHY)
team = pytest.importorskip("xpnet.kernels.numba.team", reason=WHY)
shares = pytest.importorskip("xpnet.kernels.numba.pieces", reason=WHY)
divide, thread_count, pieces = team.divide, team.thread_count, shares.pieces

MUCH = 1e9  # nanoseconds: each entry is worth all threads


@numba.njit(nogil=True)
def count(share, counts):
    for start, stop in pieces(share):
        counts[start:stop] += 1


@numba.njit(nogil=True)
def meet(share, _rows, threads, seen):
    """Set an entry of this thread's, and wait for a while until all have set theirs."""
    for _start, _stop in pieces(share):
        seen[share[2]] = 1
        for _ in range(10_000_000):
            if seen.sum() == threads:
                break


@pytest.fixture
def three_threads(monkeypatch):
    monkeypatch.setattr(team, "thread_count", lambda: 3)
    team._team.cache_clear()
    yield
    team._team.cache_clear()


@pytest.mark.parametrize("rows", [0, 1, 2, 3, 7, 100, 10_007])
def test_each_row_is_computed_once(rows, three_threads):
    counts = np.zeros(rows, dtype=int)

    for times in range(1, 100):  # helpers are asleep, awake, or on their way
        divide(count, MUCH, counts)
        assert counts.tolist() == [times] * rows


def test_the_threads_run_at_the_same_time(three_threads):
    seen = np.zeros(3, dtype=int)

    divide(meet, MUCH, np.zeros(100), 3, seen)

    assert seen.tolist() == [1, 1, 1]


def test_few_rows_stay_in_this_thread():
    seen = []

    divide(lambda share, *_: seen.append((share, threading.current_thread())), 10.0, np.zeros(100))

    assert seen == [(shares.alone(100), threading.current_thread())]


def test_a_call_within_a_call_is_computed_alone(three_threads):
    seen, counts = [], np.zeros(50, dtype=int)

    def kernel(share, counts):
        if share[2] == 0:
            divide(lambda share, _: seen.append(share[2]), MUCH, np.zeros(100))
        count(share, counts)

    divide(kernel, MUCH, counts)

    assert seen == [0]
    assert counts.tolist() == [1] * 50


def test_after_an_error_nobody_writes_any_more(three_threads):
    begun, counts = threading.Event(), np.zeros(1_000_000, dtype=int)

    def kernel(share, counts):
        if share[2] == 0:
            assert begun.wait(30)
            raise KeyboardInterrupt
        begun.set()
        count(share, counts)

    with pytest.raises(KeyboardInterrupt):
        divide(kernel, MUCH, counts)

    left = counts.copy()
    time.sleep(0.05)
    np.testing.assert_array_equal(counts, left)
    divide(count, MUCH, counts)
    np.testing.assert_array_equal(counts, left + 1)


def test_a_helper_rests_from_time_to_time_however_many_calls_there_are(monkeypatch):
    """At exit Python waits for it, while another thread may go on with calls."""
    monkeypatch.setattr(team, "_CALLS_PER_STAY", 5)
    crew, calls = team.Team(2), []

    def kernel(_share, number):
        calls.append(number)
        announce(number + 1)

    def announce(number):
        crew._announced = number, team.Job(kernel, 1, shares.common_work(1), (number,))

    announce(1)
    crew._help(1)

    assert calls == [1, 2, 3, 4, 5]


def test_helpers_let_go_of_the_arrays(three_threads):
    counts = np.zeros(1000, dtype=int)
    divide(count, MUCH, counts)
    still_there = weakref.ref(counts)
    del counts

    deadline = time.monotonic() + 30
    while still_there() is not None and time.monotonic() < deadline:
        time.sleep(0.01)
        gc.collect()

    assert still_there() is None


@pytest.mark.parametrize(
    ("asked", "expected"),
    [("5", 5), (" 3,2", 3), ("200000", 7), ("0", 7), ("-1", 7), ("many", 7), ("", 7)],
)
def test_the_environment_sets_the_number_of_threads_up_to_what_there_is(
    asked, expected, monkeypatch
):
    monkeypatch.setenv("OMP_NUM_THREADS", asked)
    monkeypatch.setattr(team, "processor_count", lambda: 7)

    assert thread_count.__wrapped__() == expected


FORKED = """
import os
import numba, numpy as np
from tests.kernels.test_team import meet
from xpnet.kernels.numba import team
from xpnet.kernels.numba.team import divide

team.thread_count = lambda: 2

def threads_that_meet():
    seen = np.zeros(2, dtype=int)
    divide(meet, 1e9, np.zeros(100), 2, seen)
    return seen.sum()

assert threads_that_meet() == 2
if os.fork() == 0:
    os._exit(threads_that_meet())
assert os.waitstatus_to_exitcode(os.wait()[1]) == 2
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_process_that_was_forked_has_threads_of_its_own():
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKED]

    assert subprocess.run(command, timeout=60, check=False).returncode == 0


@pytest.mark.parametrize("how", ["no helper yet", "helper awake", "helper asleep", "by signals"])
def test_an_update_that_is_interrupted_anywhere_can_be_finished(how):
    """No lock stays locked, and each row is computed once; see the script."""
    if how == "by signals" and not hasattr(signal, "setitimer"):
        pytest.skip("this system sends no signals by a timer")
    command = [sys.executable, "-m", "tests.kernels.interrupted", how]

    done = subprocess.run(command, timeout=120, check=False, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 10  # lines, or signals


def test_a_call_is_finished_without_having_begun_and_after_it_is_done(three_threads):
    counts = np.zeros(1000, dtype=int)
    divided = team.Divided(3, count, len(counts))

    divided.finish(counts)
    divided.finish(counts)
    assert counts.tolist() == [1] * 1000

    divided(counts)
    divided.finish(counts)
    assert counts.tolist() == [2] * 1000

    divided.reset()
    divided.finish(counts)
    assert counts.tolist() == [3] * 1000


def test_a_call_that_failed_halfway_is_finished_with_the_rows_that_are_left(three_threads):
    counts = np.zeros(1000, dtype=int)
    begun, failing = threading.Event(), [True]

    def kernel(share, counts):
        if failing and share[2] == 0:
            assert begun.wait(30)
            raise ZeroDivisionError
        count(share, counts)
        begun.set()

    divided = team.Divided(3, kernel, len(counts))
    with pytest.raises(ZeroDivisionError):
        divided(counts)
    assert counts.any()
    failing.clear()
    divided.finish(counts)

    assert counts.tolist() == [1] * 1000


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
    monkeypatch.setattr(team, "thread_count", lambda: 1)

    np.testing.assert_array_equal(xpnet.softmax(x), many)
    with kernels.watch() as ran:
        xpnet.softmax(x)
    assert ran
