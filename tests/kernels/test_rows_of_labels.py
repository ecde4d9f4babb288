"""Rows of labels of every dtype, wrong ones, and scores of -inf: kernels against the generic op."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from kernels.arguments import LABELS

import xpnet
from xpnet import kernels, ops
from xpnet.backend import resolve_backend
from xpnet.dispatch import providers_of
from xpnet.kernels.tape import Tape
from xpnet.ops import softmax_with_loss_backward
from xpnet.quiet import quiet
from xpnet.testing import tolerance

ROWS = [name for name in LABELS if name != "indices"]
INTEGERS = ["int8", "int64", "uint8", "uint64"]
DTYPES = ["bool", *INTEGERS, "float16", "float32", "float64", ">i4", ">f8"]
ONLY_FOR_NUMPY = ["float16"]

each_provider = pytest.mark.parametrize("provider", ["numpy", "numba"])
each_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


@pytest.fixture(autouse=True)
def _only_where_it_is_installed(request):
    if request.node.callspec.params.get("provider") == "numba":
        pytest.importorskip("numba", reason="numba is not installed: run nox -s tests_backends")


def kernel_of(provider, op="softmax_with_loss"):
    for found in providers_of(resolve_backend("numpy").adapter):
        if found.name == provider:
            return found.kernels[op]
    raise AssertionError(provider)


def outcome(x, t):
    loss, y = ops.softmax_with_loss(x, t)
    return loss, y, ops.softmax_with_loss_backward(1.5, y, t)


def assert_agrees(provider, x, t, by=None):
    """Hold both kernels against the generic ops, and return the loss."""
    with kernels.only(provider), kernels.watch() as ran:
        found = outcome(x, t)
    assert [kernel.provider for kernel in ran] == ([provider] * 2 if by is None else by)
    with kernels.disabled():
        expected = outcome(x, t)
    allowed = tolerance(x.dtype, x.shape[-1])
    for actual, truth in zip(found, expected, strict=True):
        assert (actual.shape, actual.dtype) == (truth.shape, truth.dtype)
        np.testing.assert_allclose(actual, truth, rtol=allowed, atol=allowed)
    return found[0]


# Short rows and few of them, many for NumPy's columns, and long ones.
@pytest.mark.parametrize("shape", [(3, 5), (40, 5), (4, 70), (2, 3, 5), (7,)], ids=str)
@pytest.mark.parametrize("labels", DTYPES)
@each_dtype
@each_provider
def test_rows_may_be_of_any_real_dtype(provider, dtype, labels, shape):
    rng = np.random.default_rng(0)
    x = rng.standard_normal(shape).astype(dtype)
    t = LABELS["one-hot integers"](x, rng).astype(labels)

    by = [] if provider == "numba" and labels in ONLY_FOR_NUMPY else None
    assert_agrees(provider, x, t, by)


@each_provider
def test_rows_of_more_than_64_bits_are_refused_by_the_op(provider):
    x, t = np.zeros((1, 2)), np.asarray([[0, 1]], dtype=np.longdouble)

    assert kernel_of(provider).run(x, t) is None


SPECIAL = [
    [0.0, 1.0, -1.0, 2.0],
    [-np.inf, 0.0, 1.0, 2.0],
    [-np.inf, -np.inf, 1.0, -np.inf],
    [-np.inf, -np.inf, -np.inf, -np.inf],
    [np.inf, 0.0, 1.0, 2.0],
    [np.nan, 0.0, 1.0, 2.0],
    [0.0, 1.0, 2.0, np.nan],
    [1e30, -1e30, 0.0, 1.0],
]
PROBABILITIES = [*np.eye(4), [0.0, 0.0, 0.75, 0.25], [0.0, 0.25, 0.75, 0.0], [0.25] * 4]


@pytest.mark.parametrize(("rows", "classes"), [(1, 4), (40, 4), (2, 70)])
@each_dtype
@each_provider
def test_a_class_of_probability_0_counts_nothing_and_others_do(provider, dtype, rows, classes):
    losses = []
    for scores in SPECIAL:
        for probabilities in PROBABILITIES:
            # The classes beyond the fourth are impossible, by score and by label.
            x, t = np.full((rows, classes), -np.inf, dtype), np.zeros((rows, classes), dtype)
            x[:, :4], t[:, :4] = scores, probabilities
            losses.append(assert_agrees(provider, x, t))

    assert all(some.any() for some in (np.isfinite(losses), np.isinf(losses), np.isnan(losses)))


@each_provider
def test_only_the_rows_that_need_it_are_looked_at_twice(provider):
    x = np.random.default_rng(0).standard_normal((50, 6))
    x[::7, 2] = -np.inf
    t = LABELS["soft rows"](x, np.random.default_rng(1))

    assert np.isfinite(assert_agrees(provider, x, t))


WRONG = {
    "more than 1": [0.5, 0.5, 0.5],
    "less than 1": [0.5, 0.25, 0.125],
    "a little more": [1.0125, 0.0, 0.0],
    "negative": [1.5, -0.5, 0.0],
    "negative, but 0 in few bits": [1.0, -1e-60, 0.0],
    "NaN": [np.nan, 1.0, 0.0],
    "infinite": [np.inf, -np.inf, 1.0],
    "inf in few bits": [1e39, 0.0, 0.0],
    "zeros": [0.0, 0.0, 0.0],
    "two integers": np.asarray([1, 1, 0]),
    "negative integers": np.asarray([2, -1, 0]),
    "256 more than 1": np.asarray([255, 2, 0], dtype="uint8"),
    "two of bool": np.asarray([True, True, False]),
    "half precision": np.asarray([0.5, 0.25, 0.0], dtype="float16"),
}


@pytest.mark.parametrize("at", [0, 39])
@pytest.mark.parametrize("shape", [(40, 3), (2, 20, 3), (40, 70), (2000, 60)], ids=str)
@pytest.mark.parametrize("name", WRONG)
@each_provider
def test_a_wrong_row_is_named_as_by_the_generic_op(provider, name, shape, at):
    wrong = np.asarray(WRONG[name])
    if provider == "numba" and wrong.dtype == np.float16:
        pytest.skip("it goes to the generic op")
    x, t = np.zeros(shape, dtype="float32"), np.zeros(shape, wrong.dtype)
    t[..., 0] = 1
    t.reshape(-1, shape[-1])[at, :3] = wrong
    with kernels.disabled(), pytest.raises(xpnet.LabelError) as expected:
        ops.softmax_with_loss(x, t)

    with pytest.raises(xpnet.LabelError) as raised:
        kernel_of(provider).run(x, t)

    assert str(raised.value) == str(expected.value)
    assert f"row {at} of t" in str(raised.value)


@pytest.mark.parametrize("total", [0.9905, 0.994, 1.006, 1.0095])
@pytest.mark.parametrize("shape", [(1, 5), (40, 5), (40, 70), (2000, 60)], ids=str)
@each_provider
def test_rows_that_sum_to_1_nearly_count_as_they_are(provider, shape, total):
    rng = np.random.default_rng(0)
    x = rng.standard_normal(shape)
    t = LABELS["soft rows"](x, rng) * total

    assert_agrees(provider, x, t)


@pytest.mark.parametrize("labels", ROWS)
@each_dtype
@each_provider
def test_what_a_tape_replays_allocates_no_array(provider, dtype, labels):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((200_000, 3)).astype(dtype)
    t, tape = LABELS[labels](x, rng), Tape()
    with kernels.only(provider):
        _, y = tape.record(ops.softmax_with_loss, x, t)
        tape.record(softmax_with_loss_backward.trusted, 1, y, t)
    replay = quiet(tape.replay)
    replay()

    tracemalloc.start()
    try:
        replay()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    # NumPy's iterator has buffers for 8192 numbers, twice; they are no arrays and do not grow. A
    # mask of the rows would have 200,000 bytes.
    assert peak < 150_000


@pytest.mark.parametrize("labels", ROWS)
@each_provider
def test_what_a_tape_replays_looks_at_the_labels_anew(provider, labels):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((40, 5))
    t, tape = LABELS[labels](x, rng), Tape()
    with kernels.only(provider):
        loss, y = tape.record(ops.softmax_with_loss, x, t)
        dx = tape.record(softmax_with_loss_backward.trusted, 1, y, t)
        t[...] = LABELS[labels](x, rng)
        tape.replay()
        expected, _ = ops.softmax_with_loss(x, t)
        np.testing.assert_array_equal(loss, expected)
        np.testing.assert_array_equal(dx, softmax_with_loss_backward.trusted(1, y, t))

    t[3, 2] += 1
    with pytest.raises(
        xpnet.LabelError, match=r"^xpnet.ops.softmax_with_loss: row 3 of t sums to 2 "
    ):
        tape.replay()
