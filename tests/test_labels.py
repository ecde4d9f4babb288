"""What counts as a label, and what a row of labels may sum to."""

from __future__ import annotations

import numpy as np
import pytest

import xpnet
from xpnet.ops import softmax_with_loss, softmax_with_loss_backward

GOOD = [
    pytest.param(np.asarray(2), id="a single index"),
    pytest.param(np.asarray([0, 1, 2]), id="as many indices as classes"),
    pytest.param(np.asarray([[0, 1, 2, 0]]), id="indices of sequences"),
    pytest.param(np.asarray([0.5, 0.25, 0.25]), id="a single row"),
    pytest.param(np.asarray([[1, 0, 0], [0, 0, 1]]), id="integer one-hot rows"),
    pytest.param(np.asarray([[0.335, 0.335, 0.335]]), id="a rounded row"),
    pytest.param(np.full((1, 3), 1 / 3, dtype=np.float16), id="half precision"),
]
BAD = [
    (np.asarray(3), "check_labels: label 3 at index () is not one of the classes 0 to 2"),
    (np.asarray([0, 1, 5]), "check_labels: label 5 at index (2,) is not one"),
    (np.asarray([[0, -1]]), "check_labels: label -1 at index (0, 1) is not one"),
    (np.asarray([0.5, 0.5, 0.5]), "check_labels: row 0 of t sums to 1.5 with a least entry of 0.5"),
    (np.asarray([[1, 0, 0], [1, 1, 0]]), "check_labels: row 1 of t sums to 2"),
    (
        np.asarray([[[1.0, 0, 0], [1.5, -0.5, 0]]]),
        "check_labels: row 1 of t sums to 1 with a least",
    ),
    (np.asarray([[1.0, 0, 0], [np.nan, 0, 0]]), "check_labels: row 1 of t sums to nan"),
]


@pytest.mark.parametrize("t", GOOD)
def test_labels_pass(t):
    assert xpnet.check_labels(t, classes=3) is None


@pytest.mark.parametrize(("t", "words"), BAD, ids=[words[14:40] for _, words in BAD])
def test_others_are_named(t, words):
    with pytest.raises(xpnet.LabelError) as raised:
        xpnet.check_labels(t, classes=3)

    assert str(raised.value).startswith(words)


def test_half_precision_does_not_add_up_its_own_rounding():
    # NumPy adds rows that lie behind each other in float32, but columns in float16, where the sum
    # stops at a quarter.
    t = np.asfortranarray(np.full((3, 10_000), 1e-4, dtype=np.float16))
    assert t.sum(axis=-1)[0] == 0.25

    assert xpnet.check_labels(t, classes=10_000) is None


def test_double_precision_tells_a_sum_that_single_precision_cannot_hold():
    with pytest.raises(xpnet.LabelError, match=r"row 0 of t sums to 1e\+39 with"):
        xpnet.check_labels(np.asarray([[1e39, 0.0]]), classes=2)


def test_a_single_sample_has_a_single_label():
    x, t = np.asarray([1.0, 2.0, 3.0]), np.asarray(1)

    loss, y = softmax_with_loss(x, t)

    assert float(loss) == pytest.approx(-np.log(y[1]))
    expected = y - np.asarray([0.0, 1.0, 0.0])
    np.testing.assert_allclose(softmax_with_loss_backward(1.0, y, t), expected)


def test_the_derivative_names_the_layer_too():
    with pytest.raises(xpnet.LabelError, match=r"_with_loss_backward: label 2 at index"):
        softmax_with_loss_backward(1.0, np.asarray([[0.5, 0.5]]), np.asarray([2]))


def test_rows_of_infinities_are_refused_without_a_warning():
    with pytest.raises(xpnet.LabelError, match="row 0 of t sums to nan"):
        xpnet.check_labels(np.asarray([[np.inf, -np.inf, 0.0]]), classes=3)


@pytest.mark.parametrize("dtype", ["int8", "int16"])
def test_a_negative_label_of_few_bits_is_wrong_among_however_many_classes(dtype):
    t = np.asarray([0, -1], dtype=dtype)
    with pytest.raises(xpnet.LabelError, match=r"label -1 at index \(1,\) is not one"):
        xpnet.check_labels(t, classes=70_000)
    with pytest.raises(xpnet.LabelError, match="label -1"):
        softmax_with_loss(np.zeros((2, 70_000), dtype="float32"), t)

    assert xpnet.check_labels(t[:1], classes=70_000) is None
    assert xpnet.check_labels(np.asarray([255], dtype="uint8"), classes=256) is None
