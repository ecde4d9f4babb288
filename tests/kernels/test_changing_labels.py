"""Labels that change while they are read: by the op itself, or by another thread."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import numpy as np
import pytest

from xpnet import kernels, ops
from xpnet.ops import softmax_with_loss_backward

INTEGERS = ["i1", "u1", "i2", "i4", "u4", "i8", "u8", ">i4"]


@pytest.fixture(params=["numpy", "numba", "generic"])
def provider(request):
    if request.param == "numba":
        pytest.importorskip("numba", reason="numba is not installed: run nox -s tests_backends")
    with kernels.only(request.param):
        yield request.param


def overlapping(dtype, labels, start):
    """Return labels in the memory of an array of shape (4, 8), from its entry ``start`` on."""
    memory = np.zeros(64, "f4")
    t = memory[start:].view("u1")[: len(labels) * np.dtype(dtype).itemsize].view(dtype)
    t[:] = labels
    return t, memory[:32].reshape(4, 8)


@pytest.mark.parametrize("start", [0, 7, 30, 31])
@pytest.mark.parametrize("dtype", INTEGERS)
def test_the_gradient_may_be_written_over_indices(dtype, start, provider):
    y = ops.softmax(np.random.default_rng(0).standard_normal((4, 8), dtype="float32"))
    labels = [1, 7, 0, 2]
    expected = ops.softmax_with_loss_backward(1.5, y, np.asarray(labels))
    t, out = overlapping(dtype, labels, start)

    assert ops.softmax_with_loss_backward(1.5, y, t, out=out) is out

    np.testing.assert_allclose(out, expected, rtol=1e-6)


@pytest.mark.parametrize("dtype", ["f4", "f8", "i4", "u1", "?"])
def test_the_gradient_may_be_written_over_rows(dtype, provider):
    y = ops.softmax(np.random.default_rng(0).standard_normal((4, 8), dtype="float32"))
    rows = np.eye(8)[[1, 7, 0, 2]].astype(dtype)
    expected = ops.softmax_with_loss_backward(1.5, y, rows)
    memory = np.zeros(128, "f4")
    t = memory[3:].view("u1")[: rows.nbytes].view(dtype).reshape(4, 8)
    t[...] = rows
    out = memory[:32].reshape(4, 8)

    assert ops.softmax_with_loss_backward(1.5, y, t, out=out) is out

    np.testing.assert_allclose(out, expected, rtol=1e-6)


def test_the_result_of_dropout_may_be_written_over_its_step(provider):
    x, memory = np.ones(1000, "f4"), np.zeros(1000, "f4")
    step = memory[:2].view("u8")[0:1].reshape(())
    step[...] = 2**40
    expected, _ = ops.dropout(x, 0.5, 3, step.copy())

    y, mask = ops.dropout(x, 0.5, 3, step, out=memory)

    assert y is memory
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(mask, expected / 2)


@pytest.mark.parametrize("dtype", ["i1", "i4", "i8"])
def test_the_gradient_of_what_is_no_class_any_more_is_nan(dtype, provider):
    if provider == "generic":
        pytest.skip("it has no index to go wrong with")
    t = np.asarray([100, -1, 2, 4, 0], dtype)

    dx = softmax_with_loss_backward.trusted(1.0, np.full((5, 4), 0.25, "f4"), t)

    assert np.isnan(dx[[0, 1, 3]]).all()
    np.testing.assert_allclose(dx[2], [0.05, 0.05, -0.15, 0.05], rtol=1e-6)
    np.testing.assert_allclose(dx[4], [-0.15, 0.05, 0.05, 0.05], rtol=1e-6)


@pytest.mark.parametrize("rows", [3, 60_000])
def test_labels_that_were_wrong_for_a_moment_are_read_again(rows, monkeypatch):
    pytest.importorskip("numba", reason="numba is not installed: run nox -s tests_backends")
    cross_entropy = import_module("xpnet.kernels.numba.cross_entropy")
    x, t, found_wrong = np.random.default_rng(0).standard_normal((rows, 4)), np.ones(rows, int), []

    def repair(_layer, labels, _classes):
        found_wrong.append(labels[1])
        t[1] = 1

    with kernels.only("numba"):
        expected, _ = ops.softmax_with_loss(x, t)
        t[1] = 9
        monkeypatch.setattr(cross_entropy, "check_indices", repair)
        loss, _ = ops.softmax_with_loss.trusted(x, t)

    assert found_wrong == [9]
    assert loss == expected


REFILLED = """
import sys, threading, time
import numpy as np
from xpnet import LabelError, kernels, ops
from xpnet.ops import softmax_with_loss_backward

rows, goes_on = int(sys.argv[2]), True
y = ops.softmax(np.random.default_rng(0).standard_normal((rows, 4), dtype="float32"))
right, wrong = np.full(rows, 3), np.full(rows, 10**12)
t, dx = right.copy(), np.empty_like(y)

def refill():
    while goes_on:
        t[...] = wrong
        t[...] = right

thread = threading.Thread(target=refill)
thread.start()
sys.setswitchinterval(1e-5)
deadline, seen = time.monotonic() + 0.5, set()
with kernels.only(sys.argv[1]):
    while time.monotonic() < deadline:
        try:
            loss, _ = ops.softmax_with_loss(y, t)
            seen.add("right")
            assert 0 < loss < 10, loss
        except (LabelError, IndexError):
            seen.add("wrong")
        softmax_with_loss_backward.trusted(1.0, y, t, out=dx)
goes_on = False
thread.join()
assert seen
"""


@pytest.mark.parametrize("rows", [1_000, 100_000])
def test_another_thread_may_refill_labels_meanwhile(provider, rows):
    """In a process of its own: an index that was checked and then changed would end it."""
    command = [sys.executable, "-c", REFILLED, provider, str(rows)]

    done = subprocess.run(command, timeout=120, check=False, capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "")


def test_tensors_of_one_memory_that_do_not_know_of_each_other():
    torch = pytest.importorskip("torch")
    memory = np.random.default_rng(0).standard_normal(60).astype("f4")
    x, out = torch.from_numpy(memory[:48]), torch.from_numpy(memory[12:])
    for op in (ops.softmax, ops.log_softmax):
        for axis in (0, 1):
            before = memory.copy()
            expected = op(x.clone().reshape(4, 12), axis)

            op(x.reshape(4, 12), axis, out=out.reshape(4, 12))

            np.testing.assert_allclose(out.reshape(4, 12), expected, rtol=1e-5)
            memory[...] = before
