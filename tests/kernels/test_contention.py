"""Steps have one thread of BLAS while other processes keep its threads waiting, and else all."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import numpy as np
import pytest

import xpnet
from xpnet import kernels
from xpnet.kernels import blas, contention
from xpnet.kernels.contention import Contention, waited

MILLISECOND = 1_000_000


class Machine:
    """Has a clock, a BLAS, and other processes that keep its threads waiting, or do not."""

    def __init__(self):
        self.time = self.waited = 0
        self.threads, self.told = 2, []
        self.is_busy, self.alone, self.together = False, 1, 1
        self.contention = Contention(lambda: self.time, lambda: self.waited)

    def tell(self, count):
        self.threads = count
        self.told.append(count)

    def product(self):
        taken = self.alone if self.threads == 1 else self.together
        self.time += taken * MILLISECOND
        self.waited += taken * MILLISECOND * self.is_busy
        return self.threads

    def steps(self, milliseconds):
        """Return with how many threads the steps of some time were taken."""
        end, counts = self.time + milliseconds * MILLISECOND, []
        while self.time < end:
            counts.append(self.contention.run(self.product))
        return counts


@pytest.fixture
def machine(monkeypatch):
    machine = Machine()
    monkeypatch.setattr(contention, "blas_thread_count", lambda: machine.threads)
    monkeypatch.setattr(contention, "set_blas_thread_count", machine.tell)
    return machine


def test_a_quiet_machine_is_left_alone(machine):
    machine.together = 40  # long steps, but none that has waited

    assert set(machine.steps(2_000)) == {2}
    assert machine.told == []


def test_on_a_busy_machine_a_step_has_one_thread_and_all_else_has_all(machine):
    machine.is_busy, machine.together = True, 10

    counts = machine.steps(60_000)

    assert counts[0] == 2
    assert np.mean(np.asarray(counts[-10_000:]) == 1) > 0.99
    assert machine.threads == 2


def test_all_threads_are_tried_again_and_kept_when_it_is_quiet(machine):
    machine.is_busy, machine.together = True, 10
    machine.steps(1_000)
    machine.is_busy, machine.together = False, 1
    machine.steps(8_100)

    assert set(machine.steps(1_000)) == {2}


def test_where_one_thread_is_not_faster_all_stay_for_seconds(machine):
    machine.is_busy, machine.together, machine.alone = True, 10, 9
    machine.steps(1_200)
    told = len(machine.told)

    assert told > 0
    assert set(machine.steps(5_000)) == {2}


def test_long_ago_is_not_now(machine):
    machine.together = 10
    machine.steps(50)
    machine.waited += 10_000 * MILLISECOND  # while no steps were taken
    machine.time += 20_000 * MILLISECOND

    assert set(machine.steps(1_000)) == {2}


@pytest.mark.parametrize("why", ["one thread", "not told"])
def test_where_nothing_can_be_won_nothing_is_changed(why, machine):
    machine.is_busy, machine.together = True, 10
    if why == "one thread":
        machine.threads = 1
    else:
        machine.contention = Contention(lambda: machine.time, lambda: None)

    machine.steps(1_000)

    assert machine.told == []


def test_after_an_exception_there_are_all_threads(machine):
    machine.is_busy, machine.together = True, 10
    while machine.contention.run(machine.product) == 2:
        pass

    def fails():
        assert machine.threads == 1
        raise KeyError

    with pytest.raises(KeyError):
        machine.contention.run(fails)
    assert machine.threads == 2


def test_parts_of_products_are_cut_for_all_threads(machine, monkeypatch):
    monkeypatch.setattr(contention, "_of_process", machine.contention)
    machine.is_busy, machine.together = True, 10
    machine.steps(100)

    assert machine.contention.run(lambda: (machine.threads, contention.usual_thread_count())) == (
        1,
        2,
    )


def test_the_system_tells_how_long_this_process_has_waited():
    if waited() is None:
        pytest.skip("this system does not tell")
    processors = len(os.sched_getaffinity(0))
    busy = [sys.executable, "-c", "while True: pass"]
    others = [subprocess.Popen(busy) for _ in range(processors)]
    try:
        before, end = waited(), time.monotonic() + 30
        while waited() < before + 10 * MILLISECOND and time.monotonic() < end:
            sum(range(100_000))
        assert waited() >= before + 10 * MILLISECOND
    finally:
        for process in others:
            process.kill()
            process.wait()


def test_openblas_does_what_it_is_told():
    before = blas.blas_thread_count()
    if before < 2:
        pytest.skip("BLAS has one thread here, or does not tell")
    try:
        blas.set_blas_thread_count(1)
        assert blas.blas_thread_count() == 1
    finally:
        blas.set_blas_thread_count(before)
    assert blas.blas_thread_count() == before


@pytest.mark.parametrize("name", ["OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "XPNET_KERNELS"])
def test_what_the_user_has_chosen_stays(name):
    code = """
from xpnet.kernels import contention
contention._of_process.run = None
print(contention.run(lambda x: x, 5))
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, name: "numpy" if name == "XPNET_KERNELS" else "2"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "5\n"


def test_where_kernels_are_chosen_nothing_is_changed(machine, monkeypatch):
    monkeypatch.setattr(contention, "_CHOSEN", False)
    monkeypatch.setattr(contention, "_of_process", machine.contention)
    machine.contention.threads, machine.contention._next = 2, 10**18

    with kernels.disabled():
        assert contention.run(machine.product) == 2

    assert machine.told == []


@pytest.mark.parametrize("compiled", [False, True])
def test_steps_are_looked_at(compiled, machine, monkeypatch):
    monkeypatch.setattr(contention, "_CHOSEN", False)
    monkeypatch.setattr(contention, "_of_process", machine.contention)
    machine.contention.threads, machine.contention._next = 2, 10**18
    net = xpnet.TwoLayerNet(4, 3, 2, seed=0)
    optimizer = xpnet.SGD(0.1)
    x, t = np.ones((2, 4), "float32"), np.asarray([0, 1])
    step = xpnet.compile(net, optimizer)
    step(x, t)
    machine.told.clear()

    if compiled:
        step(x, t)
    else:
        net.gradient(x, t)

    assert machine.told == [1, 2]
