"""Ignored and smoothed labels and weighted classes, where they are neither PyTorch's nor usual."""

from __future__ import annotations

import numpy as np
import pytest

import xpnet
from xpnet import SoftmaxWithLoss, kernels, ops
from xpnet.backends import adapter_of

X = np.asarray([[1.0, 2.0, 0.5], [0.0, 0.0, 0.0], [3.0, -1.0, 1.0]])
T = np.asarray([0, 1, 2])
WEIGHTS = [0.1, 0.2, 0.7]


@pytest.fixture
def here(xpnet_backend):
    with xpnet.use_backend(xpnet_backend):
        yield xpnet_backend


def gradient(layer, x, t):
    layer.forward(xpnet.asarray(x), xpnet.asarray(t))
    return xpnet.to_numpy(layer.backward())


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    "options", [{}, {"class_weights": WEIGHTS}, {"label_smoothing": 0.5, "class_weights": WEIGHTS}]
)
def test_where_no_sample_counts_loss_and_gradient_are_0(options):
    layer = SoftmaxWithLoss(ignore_index=-100, **options)

    assert not gradient(layer, X, np.full(3, -100)).any()
    assert float(layer.loss) == 0


@pytest.mark.usefixtures("here")
def test_classes_that_weigh_nothing_have_no_gradient():
    layer = SoftmaxWithLoss(class_weights=[0, 0, 1])

    assert not gradient(layer, X[:2], T[:2]).any()
    assert float(layer.loss) == 0


@pytest.mark.usefixtures("here")
def test_what_is_ignored_may_be_nan_and_what_counts_may_not():
    layer, strange = SoftmaxWithLoss(ignore_index=1), X.copy()
    strange[1] = np.nan

    dx = gradient(layer, strange, T)

    assert np.isfinite(float(layer.loss))
    assert np.isfinite(dx).all()
    assert not dx[1].any()
    assert np.isnan(gradient(SoftmaxWithLoss(ignore_index=2), strange, T)[1]).all()


@pytest.mark.parametrize("weights", [WEIGHTS, tuple(WEIGHTS), np.asarray(WEIGHTS, "float32")])
def test_weights_come_from_the_host_to_where_the_scores_are_once(weights, here):
    layer = SoftmaxWithLoss(class_weights=weights)

    dx = gradient(layer, X, T)
    first = layer._memory[3][2]
    gradient(layer, X + 1, T)

    assert adapter_of(first) is here.adapter
    assert layer._memory[3][2] is first
    expected = gradient(SoftmaxWithLoss(class_weights=xpnet.asarray(weights)), X, T)
    np.testing.assert_allclose(dx, expected, rtol=2e-2)


def test_weights_follow_the_dtype_of_the_scores_without_loss():
    layer = SoftmaxWithLoss(class_weights=WEIGHTS)
    expected = ops.softmax_with_loss(X, T, class_weights=WEIGHTS)[0]

    layer.forward(X.astype("float32"), T)

    assert layer.forward(X, T) == expected
    with pytest.raises(ValueError, match="read-only"):
        layer.class_weights[0] = 2


def test_weights_that_are_set_anew_count_at_once():
    layer = SoftmaxWithLoss(class_weights=WEIGHTS)
    layer.forward(X, T)

    layer.class_weights = [1, 1, 1]

    assert layer.forward(X, T) == pytest.approx(SoftmaxWithLoss().forward(X, T))
    layer.class_weights = None
    assert layer.forward(X, T) == SoftmaxWithLoss().forward(X, T)


def test_without_options_the_kernels_run_and_with_options_none():
    with kernels.watch() as ran:
        SoftmaxWithLoss(ignore_index=None, label_smoothing=0).forward(X, T)
        assert [kernel.op for kernel in ran] == ["softmax_with_loss"]
        SoftmaxWithLoss(ignore_index=7).forward(X, T)
    assert len(ran) == 1


def test_backward_has_the_options_of_forward():
    layer = SoftmaxWithLoss(label_smoothing=0.5)
    layer.forward(X, T)
    expected = layer.backward()

    layer.label_smoothing = 0.0

    np.testing.assert_array_equal(layer.backward(), expected)


def test_other_integers_may_be_ignored_than_the_dtype_can_hold():
    t = np.asarray([0, 1, 2], "uint8")

    ignored = SoftmaxWithLoss(ignore_index=-100).forward(X, t)

    assert ignored == pytest.approx(SoftmaxWithLoss().forward(X, t))
    assert SoftmaxWithLoss(ignore_index=255).forward(X, np.asarray([0, 255, 2], "uint8")) > 0


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"ignore_index": 1.5}, ValueError, "ignore_index is 1.5"),
        ({"ignore_index": 2**31}, ValueError, "32 bits"),
        ({"label_smoothing": 1.5}, ValueError, "label_smoothing is 1.5"),
        ({"label_smoothing": float("nan")}, ValueError, "label_smoothing is nan"),
        ({"label_smoothing": None}, ValueError, "label_smoothing is None"),
        ({"class_weights": [1, -1]}, ValueError, "the weight of class 1 is -1.0"),
        ({"class_weights": [np.nan, 1]}, ValueError, "the weight of class 0 is nan"),
        ({"class_weights": [1, np.inf]}, ValueError, "finite and not negative"),
        ({"class_weights": [[1, 2]]}, xpnet.ShapeError, r"has shape \(1, 2\); it must be \(C,\)"),
        ({"class_weights": []}, xpnet.ShapeError, r"it must be \(C,\)"),
        ({"class_weights": ["a"]}, xpnet.DTypeError, "no real numbers"),
    ],
)
def test_options_that_are_none_are_refused_when_they_are_set(options, error, words):
    with pytest.raises(error, match=words):
        SoftmaxWithLoss(**options)
    with pytest.raises(error, match=words):
        ops.softmax_with_loss(X, T, **options)
    with pytest.raises(error, match=words):
        ops.softmax_with_loss_backward(1.0, X, T, **options)


@pytest.mark.usefixtures("here")
def test_there_must_be_a_weight_for_each_class_and_rows_cannot_be_ignored():
    x = xpnet.asarray(X)
    with pytest.raises(xpnet.ShapeError, match="a weight for each of the 3 classes"):
        SoftmaxWithLoss(class_weights=[1, 2]).forward(x, xpnet.asarray(T))
    with pytest.raises(xpnet.ShapeError, match="ignore_index is a class index"):
        SoftmaxWithLoss(ignore_index=1).forward(x, xpnet.asarray(np.eye(3)))


def test_other_labels_than_the_ignored_one_are_told_by_their_place():
    with pytest.raises(xpnet.LabelError, match=r"label 3 at index \(2,\)"):
        SoftmaxWithLoss(ignore_index=-1).forward(X, np.asarray([0, -1, 3]))


def test_weights_of_another_library_are_not_brought_silently():
    strict = xpnet.asarray(WEIGHTS, xp="array_api_strict")

    with pytest.raises(xpnet.BackendMismatchError, match="class_weights is array_api_strict"):
        SoftmaxWithLoss(class_weights=strict).forward(X, T)


def test_a_label_that_the_host_cannot_read_makes_its_own_row_nan():
    with xpnet.use_backend("array_api_strict", device="device1"):
        t = xpnet.asarray(np.asarray([0, 7, -1]))
        layer = SoftmaxWithLoss(ignore_index=-1, class_weights=WEIGHTS, label_smoothing=0.25)
        dx = xpnet.to_numpy(gradient(layer, X, t))
        loss = xpnet.to_numpy(layer.loss)

    assert np.isnan(loss)
    assert np.isnan(dx).all(axis=-1).tolist() == [False, True, False]


@pytest.mark.parametrize("dtype", ["uint64", "int64"])
def test_rows_of_integers_whose_sum_wraps_around_are_refused(dtype):
    largest = np.iinfo(dtype).max
    wrapping = np.asarray([[largest, 2, 0] if dtype == "uint64" else [largest, largest, 3]], dtype)

    for check in (
        lambda: xpnet.check_labels(wrapping, 3),
        lambda: ops.softmax_with_loss(X[:1], wrapping),
        lambda: SoftmaxWithLoss(label_smoothing=0.5).forward(X[:1], wrapping),
        lambda: xpnet.metrics.accuracy(X[:1], wrapping),
    ):
        with kernels.disabled(), pytest.raises(xpnet.LabelError, match="row 0 of t sums to 1"):
            check()
