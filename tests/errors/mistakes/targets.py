"""Targets that are no labels."""

from __future__ import annotations

from typing import Any

import numpy as np
from errors.mistakes.arrays import complexes, floats, labels, net, other_library, probabilities
from errors.mistakes.mistake import Mistake

import xpnet
from xpnet import BackendMismatchError, DTypeError, LabelError, ShapeError, SoftmaxWithLoss


def loss(t: Any) -> object:
    return SoftmaxWithLoss().forward(floats(2, 3), t)


TARGETS = [
    Mistake(
        "labels-column",
        lambda: loss(labels([[0], [2]])),
        ShapeError,
        (
            "xpnet.ops.softmax_with_loss",
            "t has shape (2, 1)",
            "x has shape (2, 3)",
            "class indices of shape (2,) or rows of shape (2, 3)",
        ),
    ),
    Mistake(
        "labels-too-many",
        lambda: loss(labels([0, 1, 2])),
        ShapeError,
        ("xpnet.ops.softmax_with_loss", "t has shape (3,)", "(2, 3)"),
    ),
    Mistake(
        "labels-scalar",
        lambda: loss(labels(0)),
        ShapeError,
        ("xpnet.ops.softmax_with_loss", "t has shape ()"),
    ),
    Mistake(
        "labels-rank-3",
        lambda: loss(labels([[[0, 1, 0]], [[0, 1, 0]]])),
        ShapeError,
        ("xpnet.ops.softmax_with_loss", "t has shape (2, 1, 3)", "rows of shape (2, 3)"),
    ),
    Mistake(
        "labels-of-sequences-too-few-axes",
        lambda: SoftmaxWithLoss().forward(floats(2, 4, 3), labels([0, 1])),
        ShapeError,
        ("xpnet.ops.softmax_with_loss", "class indices of shape (2, 4) or rows of shape (2, 4, 3)"),
    ),
    Mistake(
        "labels-rows-of-other-classes",
        lambda: loss(labels(np.eye(4)[:2])),
        ShapeError,
        ("xpnet.ops.softmax_with_loss", "t has shape (2, 4)", "(2, 3)"),
    ),
    Mistake(
        "labels-float",
        lambda: loss(labels([0.0, 1.0])),
        DTypeError,
        (
            "xpnet.ops.softmax_with_loss",
            "integers, not float64; use xpnet.asarray(t, dtype='int32')",
        ),
    ),
    Mistake(
        "labels-bool",
        lambda: loss(labels([True, False])),
        DTypeError,
        ("xpnet.ops.softmax_with_loss", "integers, not bool"),
    ),
    Mistake(
        "labels-complex-rows",
        lambda: loss(complexes(2, 3)),
        DTypeError,
        ("xpnet.ops.softmax_with_loss", "t holds rows", "complex128"),
    ),
    Mistake(
        "labels-list",
        lambda: loss([0, 1]),
        BackendMismatchError,
        ("xpnet.ops.softmax_with_loss", "t is of type list", "xpnet.asarray(t)"),
    ),
    Mistake(
        "labels-none",
        lambda: loss(None),
        BackendMismatchError,
        ("xpnet.ops.softmax_with_loss", "t is None"),
    ),
    Mistake(
        "labels-foreign",
        lambda: loss(labels([0, 1], xp=other_library())),
        BackendMismatchError,
        ("xpnet.ops.softmax_with_loss", "t is", "x is", "xpnet.asarray(t, xp="),
    ),
    Mistake(
        "cross-entropy-labels-foreign",
        lambda: xpnet.cross_entropy_error(probabilities(2, 3), labels([0, 1], xp=other_library())),
        BackendMismatchError,
        ("xpnet.cross_entropy_error", "t is", "y is", "xpnet.asarray(t, xp="),
    ),
    Mistake(
        "cross-entropy-labels-shape",
        lambda: xpnet.cross_entropy_error(probabilities(2, 3), labels([[0], [1]])),
        ShapeError,
        ("xpnet.cross_entropy_error", "t has shape (2, 1)", "y has shape (2, 3)"),
    ),
    Mistake(
        "cross-entropy-labels-float",
        lambda: xpnet.cross_entropy_error(probabilities(2, 3), labels([0.0, 1.0])),
        DTypeError,
        ("xpnet.cross_entropy_error", "float64", "integers"),
    ),
    Mistake(
        "accuracy-labels-shape",
        lambda: net().accuracy(floats(2, 3), labels([[0], [1]])),
        ShapeError,
        ("accuracy", "t has shape (2, 1)", "y has shape (2, 2)"),
    ),
    Mistake(
        "accuracy-labels-list",
        lambda: net().accuracy(floats(2, 3), [0, 1]),
        BackendMismatchError,
        ("accuracy", "t is of type list"),
    ),
    Mistake(
        "check-labels-range",
        lambda: xpnet.check_labels(labels([3, 10]), classes=10),
        LabelError,
        ("check_labels", "label 10", "index (1,)", "0 to 9"),
    ),
    Mistake(
        "check-labels-rows",
        lambda: xpnet.check_labels(labels([[0.5, 0.5], [0.5, 0.4]]), classes=2),
        LabelError,
        ("check_labels", "row 1", "sums to 0.9", "must sum to 1"),
    ),
    Mistake(
        "check-labels-float",
        lambda: xpnet.check_labels(labels([0.0, 1.0, 2.0]), classes=10),
        DTypeError,
        ("check_labels", "float64", "integers"),
    ),
    Mistake(
        "check-labels-complex",
        lambda: xpnet.check_labels(complexes(2, 3), classes=3),
        DTypeError,
        ("check_labels", "complex128", "real numbers"),
    ),
    Mistake(
        "check-labels-list",
        lambda: xpnet.check_labels([0, 1], classes=10),
        BackendMismatchError,
        ("check_labels", "t is of type list", "xpnet.asarray(t)"),
    ),
]

# Values, which the layers read where it costs nothing: not on a GPU.
BAD_LABELS = [
    Mistake(
        "label-too-large",
        lambda: loss(labels([0, 3])),
        LabelError,
        ("xpnet.ops.softmax_with_loss", "label 3", "index (1,)", "0 to 2"),
    ),
    Mistake(
        "label-negative",
        lambda: loss(labels([-1, 2])),
        LabelError,
        ("xpnet.ops.softmax_with_loss", "label -1", "index (0,)", "0 to 2"),
    ),
    Mistake(
        "label-in-a-matrix",
        lambda: SoftmaxWithLoss().forward(floats(2, 2, 3), labels([[0, 1], [7, 2]])),
        LabelError,
        ("xpnet.ops.softmax_with_loss", "label 7", "index (1, 0)"),
    ),
    Mistake(
        "rows-nan",
        lambda: loss(labels([[0.0, 1.0, 0.0], [np.nan, 1.0, 0.0]])),
        LabelError,
        ("xpnet.ops.softmax_with_loss", "row 1", "nan"),
    ),
    Mistake(
        "rows-do-not-sum-to-one",
        lambda: loss(labels([[0.5, 0.5, 0.5], [0.0, 1.0, 0.0]])),
        LabelError,
        ("xpnet.ops.softmax_with_loss", "row 0", "1.5", "must sum to 1"),
    ),
    Mistake(
        "rows-empty",
        lambda: loss(labels(np.zeros((2, 3)))),
        LabelError,
        ("xpnet.ops.softmax_with_loss", "row 0", "sums to 0", "must sum to 1"),
    ),
    Mistake(
        "rows-negative",
        lambda: loss(labels([[0.0, 1.0, 0.0], [1.5, -0.5, 0.0]])),
        LabelError,
        ("xpnet.ops.softmax_with_loss", "row 1", "-0.5", "must not be negative"),
    ),
    Mistake(
        "rows-infinite",
        lambda: loss(labels([[np.inf, 0.0, 0.0], [0.0, 1.0, 0.0]])),
        LabelError,
        ("xpnet.ops.softmax_with_loss", "row 0", "inf"),
    ),
    Mistake(
        "rows-with-two-classes",
        lambda: loss(labels([[1, 1, 0], [0, 1, 0]])),
        LabelError,
        ("xpnet.ops.softmax_with_loss", "row 0", "sums to 2"),
    ),
    Mistake(
        "cross-entropy-label",
        lambda: xpnet.cross_entropy_error(probabilities(2, 3), labels([0, 3])),
        LabelError,
        ("xpnet.cross_entropy_error", "label 3", "0 to 2"),
    ),
    Mistake(
        "net-loss-label",
        lambda: net().loss(floats(2, 3), labels([0, 2])),
        LabelError,
        ("xpnet.ops.softmax_with_loss", "label 2", "0 to 1"),
    ),
    Mistake(
        "net-gradient-label",
        lambda: net().gradient(floats(2, 3), labels([0, 2])),
        LabelError,
        ("xpnet.ops.softmax_with_loss", "label 2", "0 to 1"),
    ),
    Mistake(
        "net-accuracy-label",
        lambda: net().accuracy(floats(2, 3), labels([5, 1])),
        LabelError,
        ("accuracy", "label 5", "0 to 1"),
    ),
]
