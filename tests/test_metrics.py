"""Metrics, and what losses say of their labels."""

from __future__ import annotations

import numpy as np
import pytest

import xpnet
from xpnet.layers import MeanSquaredError, SigmoidWithLoss, SoftmaxWithLoss
from xpnet.metrics import accuracy, binary_accuracy, mean_absolute_error

INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]


@pytest.fixture(autouse=True)
def _here(xpnet_backend):
    with xpnet.use_backend(xpnet_backend):
        yield


SCORES = [[0.1, 0.7, 0.2], [0.5, 0.3, 0.2], [0.1, 0.1, 0.8], [0.3, 0.4, 0.3]]
LABELS = [1, 0, 2, 0]


def scores():
    return xpnet.asarray(np.asarray(SCORES))


@pytest.mark.parametrize("dtype", INTEGERS)
def test_class_indices_of_any_integers(dtype):
    t = xpnet.asarray(np.asarray(LABELS, dtype=dtype))

    assert float(accuracy(scores(), t)) == 0.75


@pytest.mark.parametrize("dtype", ["bool", *INTEGERS, "float32"])
def test_one_hot_rows_of_any_dtype_are_right_for_the_loss_and_for_its_metric(dtype):
    loss, rows = SoftmaxWithLoss(), xpnet.asarray(np.eye(3)[LABELS].astype(dtype))
    indices = xpnet.asarray(np.asarray(LABELS))

    assert float(loss.metric(scores(), rows)) == 0.75
    assert float(loss.forward(scores(), rows)) == pytest.approx(
        float(loss.forward(scores(), indices)), rel=1e-2
    )
    loss.check_labels(rows, (4, 3))


def test_the_largest_of_a_soft_row_is_right():
    t = xpnet.asarray(np.asarray([[0.25, 0.5, 0.25], [0.0, 0.5, 0.5], [0, 0, 1.0], [0.5, 0.5, 0]]))

    assert float(accuracy(scores(), t)) == 0.5


def test_ignored_samples_are_neither_hits_nor_misses():
    t = xpnet.asarray(np.asarray([1, -1, 0, -1]))

    assert float(SoftmaxWithLoss(ignore_index=-1).metric(scores(), t)) == 0.5
    assert float(accuracy(scores(), xpnet.asarray(np.full(4, 7)), ignore_index=7)) == 0.0


def test_scores_of_nan_are_wrong():
    y = xpnet.asarray(np.asarray([[np.nan, 0.0], [0.0, np.nan], [1.0, 0.0]]))

    assert float(accuracy(y, xpnet.asarray(np.asarray([0, 1, 0])))) == pytest.approx(
        1 / 3, rel=4e-3
    )
    flat = xpnet.asarray(np.asarray([np.nan, np.nan, -1.0, 1.0]))
    assert float(binary_accuracy(flat, xpnet.asarray(np.asarray([0, 1, 0, 1])))) == 0.5


def test_yes_is_a_positive_score():
    y = xpnet.asarray(np.asarray([[2.0], [-1.0], [0.0], [3.0]]))

    for t in (
        [1, 0, 0, 0],
        [[1], [0], [0], [0]],
        [0.75, 0.25, 0.5, 0.5],
        [True, False, False, False],
    ):
        assert float(SigmoidWithLoss().metric(y, xpnet.asarray(np.asarray(t)))) == 0.75


def test_the_mean_distance_of_numbers():
    y, t = scores(), xpnet.asarray(np.add(SCORES, [0.5, -0.5, 0.0]))

    found = MeanSquaredError().metric(y, t)

    assert float(found) == pytest.approx(1 / 3, rel=1e-2)
    assert found.dtype == y.dtype


def test_an_empty_batch_has_the_metric_0():
    none = xpnet.asarray(np.zeros((0, 3)))

    assert float(accuracy(none, xpnet.asarray(np.zeros(0, "int32")))) == 0
    assert float(binary_accuracy(none, none)) == 0
    assert float(mean_absolute_error(none, none)) == 0


REFUSED = [
    (SoftmaxWithLoss(), [0, 3], (2, 3), xpnet.LabelError),
    (SoftmaxWithLoss(), [0, -1], (2, 3), xpnet.LabelError),
    (SoftmaxWithLoss(ignore_index=-1), [-2, -1], (2, 3), xpnet.LabelError),
    (SoftmaxWithLoss(ignore_index=-1), [[1, 0, 0]], (1, 3), xpnet.ShapeError),
    (SoftmaxWithLoss(), [[1, 1, 0]], (1, 3), xpnet.LabelError),
    (SoftmaxWithLoss(), [0, 1, 2], (2, 3), xpnet.ShapeError),
    (SoftmaxWithLoss(), [], (0, 0), xpnet.ShapeError),
    (SoftmaxWithLoss(), 0, (), xpnet.ShapeError),
    (SoftmaxWithLoss(), [0.0, 1.0], (2, 3), xpnet.DTypeError),
    (SoftmaxWithLoss(), [True, False], (2, 3), xpnet.DTypeError),
    (SigmoidWithLoss(), [0, 2], (2, 1), xpnet.LabelError),
    (SigmoidWithLoss(), [0.5, np.nan], (2,), xpnet.LabelError),
    (SigmoidWithLoss(), [0, 1], (2, 2), xpnet.ShapeError),
    (SigmoidWithLoss(), [[0], [1]], (2,), xpnet.ShapeError),
    (MeanSquaredError(), [0.0, np.inf], (2,), xpnet.LabelError),
    (MeanSquaredError(), [0.0, 1.0], (2, 1), xpnet.ShapeError),
    (MeanSquaredError(), 1.0, (1,), xpnet.ShapeError),
]


@pytest.mark.parametrize(("loss", "t", "shape", "error"), REFUSED)
def test_what_are_no_labels_is_refused_wherever_they_live(loss, t, shape, error):
    with pytest.raises(error, match=f"^{type(loss).__name__}: "):
        loss.check_labels(xpnet.asarray(np.asarray(t)), shape)


@pytest.mark.parametrize(
    ("loss", "t", "shape"),
    [
        (SoftmaxWithLoss(), [[0, 1]], (1, 2, 3)),
        (SoftmaxWithLoss(ignore_index=-1), [-1, 2], (2, 3)),
        (SoftmaxWithLoss(), 2, (3,)),
        (SigmoidWithLoss(), [0, 1], (2, 1)),
        (SigmoidWithLoss(), [[0.5]], (1, 1)),
        (MeanSquaredError(), [[3, 4]], (1, 2)),
    ],
)
def test_labels_pass(loss, t, shape):
    assert loss.check_labels(xpnet.asarray(np.asarray(t)), shape) is None


def test_what_a_loss_remembers_can_be_read_and_not_set():
    for loss in (SoftmaxWithLoss(), SigmoidWithLoss(), MeanSquaredError()):
        assert (loss.loss, loss.y, loss.t) == (None, None, None)
        t = xpnet.asarray(np.eye(3)[LABELS])
        value = loss.forward(scores(), t)
        assert loss.loss is value
        assert loss.t is t
        assert loss.y.shape == (4, 3)
        with pytest.raises(AttributeError):
            loss.loss = 0.0
