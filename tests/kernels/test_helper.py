"""The thread that helps: it sleeps, wakes beside its caller, and may then run anywhere."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from _thread import start_new_thread
from types import SimpleNamespace

import pytest

WHY = "numba is not installed: run nox -s tests_backends"
pytest.importorskip("numba", reason=WHY)
helper = pytest.importorskip("xpnet.kernels.numba.helper", reason=WHY)

on_linux = pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity"), reason="this system lets no thread be confined"
)


def wait_until_asleep(one):
    deadline = time.monotonic() + 30
    while not one.is_asleep:
        assert time.monotonic() < deadline
        time.sleep(0.001)


def run(one, work=lambda: None):
    """Let a helper work, and wait until it is asleep again; return its number."""
    found = []
    one.wake(lambda: (work(), found.append(threading.get_native_id())))
    wait_until_asleep(one)
    (number,) = found
    return number


def test_it_is_one_thread_and_not_the_callers():
    one = helper.Helper()

    assert run(one) == run(one) != threading.get_native_id()


def test_who_is_awake_is_not_woken():
    one, go = helper.Helper(), threading.Event()
    seen = []

    one.wake(lambda: (go.wait(30), seen.append("first")))
    one.wake(lambda: seen.append("second"))
    go.set()
    wait_until_asleep(one)

    assert seen == ["first"]


def test_it_can_be_woken_after_an_error():
    one = helper.Helper()

    def fail():
        raise ZeroDivisionError

    one.wake(fail)
    wait_until_asleep(one)

    run(one)


def test_where_no_thread_can_be_started_nothing_piles_up(monkeypatch):
    one, asked = helper.Helper(), []

    def refuse(*args):
        asked.append(args)
        raise RuntimeError

    monkeypatch.setattr(helper, "start_new_thread", refuse)
    for _ in range(3):
        one.wake(lambda: None)

    assert len(asked) == 1


def test_who_was_interrupted_while_it_started_starts_no_second_one(monkeypatch):
    one, started, go = helper.Helper(), [], threading.Event()

    def start(function, arguments):
        started.append(function)
        start_new_thread(lambda: (go.wait(30), function()), arguments)

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(helper, "start_new_thread", start)
    with monkeypatch.context() as patch:
        patch.setattr(helper, "_processors", lambda: {0})
        patch.setattr(one, "_orders", SimpleNamespace(empty=lambda: True, put=interrupt))
        with pytest.raises(KeyboardInterrupt):
            one.wake(lambda: None)
    seen = []
    one.wake(lambda: seen.append(threading.get_native_id()))
    go.set()
    wait_until_asleep(one)
    run(one, lambda: seen.append(threading.get_native_id()))

    assert len(started) == 2
    assert seen == [one._thread] * 2


def test_python_ends_when_those_who_help_are_asleep():
    code = (
        "import atexit, time\n"
        "atexit.register(lambda: print(ended))\n"
        "from xpnet.kernels.numba.helper import Helper\n"
        "ended = []\n"
        "Helper().wake(lambda: (time.sleep(0.3), ended.append(1)))\n"
        "time.sleep(0.1)"
    )
    command = [sys.executable, "-c", code]

    done = subprocess.run(command, timeout=120, check=True, capture_output=True, text=True)

    assert (done.stdout.strip(), done.stderr) == ("[1]", "")


def test_at_exit_the_caller_computes_alone():
    code = (
        "import atexit, numpy as np, xpnet\n"
        "x = np.ones((1000, 1000), dtype='float32')\n"
        "atexit.register(lambda: print(xpnet.softmax(x).sum()))"
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "2"}
    command = [sys.executable, "-c", code]

    done = subprocess.run(
        command, env=environment, timeout=120, check=True, capture_output=True, text=True
    )

    assert float(done.stdout) == pytest.approx(1000)
    assert not done.stderr


@on_linux
def test_it_starts_elsewhere_and_then_runs_anywhere(monkeypatch):
    one, confined = helper.Helper(), []
    monkeypatch.setattr(helper, "_confine", lambda *args: confined.append(args))
    monkeypatch.setattr(helper, "_current_processor", lambda: 1)
    monkeypatch.setattr(helper, "_processors", lambda: {0, 1, 2})

    number = run(one)
    assert confined == [(0, {0, 1, 2})]  # a new thread starts where the system sees fit
    run(one)

    assert confined[1:] == [(number, {0, 2}), (0, {0, 1, 2})]


@on_linux
def test_it_ends_with_the_processors_of_its_caller():
    one, seen = helper.Helper(), []

    for _ in range(2):
        run(one, lambda: seen.append(os.sched_getaffinity(0)))

    assert seen == [os.sched_getaffinity(0)] * 2
    assert helper._current_processor() in os.sched_getaffinity(0)


@on_linux
def test_one_processor_is_enough():
    code = (
        "import os, numpy as np, xpnet\n"
        "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
        "x = np.ones((1000, 1000), dtype='float32')\n"
        "for _ in range(20): y = xpnet.softmax(x)\n"
        "assert abs(y - 0.001).max() < 1e-9"
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "2"}

    subprocess.run([sys.executable, "-c", code], env=environment, timeout=120, check=True)
