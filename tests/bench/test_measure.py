"""Are wrong results found, and times what they are said to be?"""

from __future__ import annotations

from contextlib import contextmanager
from itertools import count

import numpy as np
import pytest

from xpnet.bench import book
from xpnet.bench.book import Book
from xpnet.bench.contender import Contender, Job, Unavailable
from xpnet.bench.interleave import Entry, interleave, pair_ratios
from xpnet.bench.limit import Limit
from xpnet.bench.measure import measure, prepare
from xpnet.bench.own import Compiled, Eager, numpy_contenders
from xpnet.bench.record import record
from xpnet.bench.table import block
from xpnet.bench.workloads import (
    AffineForward,
    AffineForwardBackward,
    Loss,
    LossBackward,
    Softmax,
    Step,
)

WORKLOADS = [
    Softmax(4, 3),
    Loss(4, 3),
    LossBackward(4, 3),
    AffineForward(4, 3, 2),
    AffineForwardBackward(4, 3, 2),
    Step(4, 5, 3, 2),
]
each_workload = pytest.mark.parametrize("workload", WORKLOADS, ids=str)


class Wrong(Book):
    """Is right but for one result of each op."""

    name = "wrong"

    def __init__(self):
        super().__init__("float64")
        self.name = "wrong"

    def _spoiled(self, job, which):
        def outputs(result):
            arrays = list(job.outputs(result))
            arrays[which] = np.asarray(arrays[which]) + 0.1
            return arrays

        return Job(job.run, outputs)

    def softmax(self, x):
        return self._spoiled(super().softmax(x), 0)

    def loss(self, x, t):
        return self._spoiled(super().loss(x, t), 1)

    def loss_backward(self, x, t):
        return self._spoiled(super().loss_backward(x, t), 1)

    def affine(self, x, W, b):
        return self._spoiled(super().affine(x, W, b), 0)

    def affine_backward(self, x, dout, W, b):
        return self._spoiled(super().affine_backward(x, dout, W, b), 2)

    def step(self, params, lr):
        return self._spoiled(super().step(params, lr), 3)


@each_workload
def test_all_that_need_only_numpy_are_right(workload):
    contenders = [Limit(), Book("float64"), Book("float32"), *numpy_contenders()]
    field = prepare(workload, contenders)
    assert field.failures == {}
    assert {"limit", "book float64", "book float32", "xpnet numpy"} <= set(field.entries)


@each_workload
def test_wrong_results_are_found(workload):
    field = prepare(workload, [Wrong()])
    assert field.entries == {}
    assert isinstance(field.failures["wrong"], AssertionError)


def test_loss_without_the_number_inside_the_logarithm():
    x, t = Loss(4, 3).inputs()
    loss, _y = Loss(4, 3).expected(x, t)
    capped, _ = book.softmax_with_loss(x.astype("float64"), t)
    assert 0 < loss - capped < 1e-5


def test_step_at_another_rate_is_found(monkeypatch):
    monkeypatch.setattr("xpnet.bench.workloads._VERIFIED_RATE", 1.01)
    workload = Step(4, 5, 3, 2)
    expected = workload.expected(*workload.inputs())
    monkeypatch.undo()
    with pytest.raises(AssertionError, match="of the norm"):
        workload.verified_job(Book("float64"), workload.inputs(), expected)


def test_who_is_unavailable_is_named_with_the_reason():
    class Absent(Contender):
        name = "absent"

        def load(self):
            reason = "no compiler"
            raise Unavailable(reason)

        def softmax(self, x):
            raise AssertionError

    field = prepare(Softmax(4, 3), [Absent()])
    assert (field.entries, field.failures) == ({}, {})
    assert field.missing == {"absent": "no compiler"}
    shown = block(record(Softmax(4, 3), [Absent()], {}, field.missing))
    assert "absent: not available, no compiler" in shown


def test_who_cannot_do_an_op_is_not_in_its_field():
    field = prepare(Softmax(4, 3), [Compiled("numpy")])
    assert (field.entries, field.missing, field.failures) == ({}, {}, {})


def test_inputs_take_turns():
    seen = []

    class Watching(Contender):
        name = "watching"

        def softmax(self, x):
            return Job(lambda x: (seen.append(x.tobytes()), book.softmax(x))[1:])

    workload = Softmax(4, 3)
    measure(prepare(workload, [Watching()]), 0.0)
    count = len(workload.rotated_inputs())
    assert count > 1
    assert len(set(seen)) == count
    assert seen[1 : 1 + count] == seen[1 + count : 1 + 2 * count]


def test_large_inputs_fill_no_more_memory_than_two_sets():
    assert len(Softmax(4096, 4096).rotated_inputs()) == 2


def test_order_turns_around_and_the_context_is_in_force():
    order = []

    @contextmanager
    def around():
        order.append("(")
        yield
        order.append(")")

    def entry(name):
        return Entry(lambda: order.append(name), around)

    turns = interleave({"a": entry("a"), "b": entry("b")}, 0.0, fewest=2)
    assert {name: len(rounds) for name, rounds in turns.items()} == {"a": 2, "b": 2}
    who = [turn.strip(")")[0] for turn in "".join(order).split("(") if turn]
    assert who == ["a", "b", *"ab", *"ba"]  # the first two are for planning


@pytest.mark.parametrize("burst", [1, 4])
def test_work_of_a_device_is_waited_for_inside_the_time(burst, monkeypatch):
    now = 0.0
    queued = []

    class Device(Contender):
        name = "device"

        def softmax(self, x):
            return Job(lambda x: (queued.append(x), book.softmax(x))[1:])

        def wait(self, result):
            nonlocal now
            now += 8.0 * len(queued)  # which no call but this one takes
            queued.clear()

    field = prepare(Softmax(4, 3), [Device()], burst)
    monkeypatch.setattr("time.perf_counter", lambda: now)
    entry = field.entries["device"]
    entry.calls = 3

    assert entry.turn() == [8.0] * 3
    assert queued == []


def test_a_burst_is_shared_out(monkeypatch):
    calls = []
    entry = Entry.of(Limit(), Job(lambda: calls.append(1)), [()], burst=5)
    monkeypatch.setattr("time.perf_counter", count(step=2.0).__next__)
    assert entry.turn() == [0.4]
    assert len(calls) == 10  # one untimed burst, one timed


def test_ratios_are_those_of_pairs():
    slow, fast = [[2.0], [20.0], [6.0]], [[1.0], [10.0], [2.0]]
    assert pair_ratios(slow, fast) == [2.0, 2.0, 2.5]


def test_record_of_known_times():
    workload = Softmax(10, 10)
    contenders = [Limit(), Book("float64"), Eager("numpy")]
    times = {
        "limit": [[1e-6, 1e-6]],
        "book float64": [[8e-6, 8e-6]],
        "xpnet numpy": [[4e-6, 2e-6, 4e-6]],
    }
    own = record(workload, contenders, times, {})["rows"][-1]
    assert own == {
        "name": "xpnet numpy",
        "role": "own",
        "dtype": "float32",
        "us_min": 2.0,
        "us_median": 4.0,
        "rate": 0.4,  # 100 elements in, 100 out, of 4 bytes, in 2 microseconds
        "percent_of_limit": 25.0,
        "times_as_fast_as": {"book float64": [2.0, 2.0, 2.0]},
        "us_rounds": [4.0],
    }


@pytest.mark.parametrize(
    ("workload", "flops", "elements"),
    [
        (Softmax(2, 3), 5 * 6, 2 * 6),
        (Loss(2, 3), 5 * 6 + 3 * 2, 2 * 6),
        (LossBackward(2, 3), 7 * 6 + 3 * 2, 4 * 6),
        (AffineForward(2, 3, 4), 2 * 24 + 8, 6 + 12 + 4 + 8),
        (AffineForwardBackward(2, 3, 4), 6 * 24 + 16, 3 * 6 + 3 * 12 + 2 * 4 + 2 * 8),
    ],
    ids=str,
)
def test_work(workload, flops, elements):
    assert (workload.work.flops, workload.work.elements) == (flops, elements)


def test_products_of_a_step_are_five():
    step = Step(64, 512, 256, 128)
    first, second = 2 * 64 * 512 * 256, 2 * 64 * 256 * 128
    assert 0 < step.work.flops - (2 * first + 3 * second) < 0.05 * step.work.flops
