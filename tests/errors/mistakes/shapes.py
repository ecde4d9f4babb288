"""Shapes and axes that do not fit."""

from __future__ import annotations

import numpy as np
from errors.mistakes.arrays import affine, after_forward, after_loss, floats, labels, probabilities
from errors.mistakes.mistake import Mistake

import xpnet
from xpnet import (
    AddLayer,
    Affine,
    BackendMismatchError,
    MulLayer,
    ReLU,
    Sequential,
    ShapeError,
    Sigmoid,
    SoftmaxWithLoss,
    ops,
)

SHAPES = [
    Mistake(
        "affine-x-too-long",
        lambda: affine().forward(floats(2, 5)),
        ShapeError,
        (
            "xpnet.ops.affine",
            "x has shape (2, 5)",
            "W has shape (3, 4); they must be (..., D) and (D, M), with the same D",
        ),
    ),
    Mistake(
        "affine-x-scalar",
        lambda: affine().forward(floats()),
        ShapeError,
        ("xpnet.ops.affine", "x has shape ()", "(3, 4)"),
    ),
    Mistake(
        "affine-x-image-not-flat",
        lambda: Affine(floats(784, 10), floats(10)).forward(floats(2, 28, 28)),
        ShapeError,
        ("xpnet.ops.affine", "(2, 28, 28)", "(784, 10)"),
    ),
    Mistake(
        "affine-W-vector",
        lambda: Affine(floats(3), floats(3)),
        ShapeError,
        ("Affine", "W has shape (3,)", "(D, M)"),
    ),
    Mistake(
        "affine-W-transposed",
        lambda: Affine(floats(4, 3), floats(4)),
        ShapeError,
        ("Affine", "W has shape (4, 3)", "b has shape (4,); they must be (D, M) and (M,)"),
    ),
    Mistake(
        "affine-b-column",
        lambda: Affine(floats(3, 4), floats(4, 1)),
        ShapeError,
        ("Affine", "b has shape (4, 1)", "(M,)"),
    ),
    Mistake(
        "affine-b-scalar",
        lambda: Affine(floats(3, 4), floats()),
        ShapeError,
        ("Affine", "b has shape ()", "(M,)"),
    ),
    Mistake(
        "affine-dout-wrong-batch",
        lambda: after_forward(affine(), floats(2, 3)).backward(floats(3, 4)),
        ShapeError,
        ("xpnet.ops.affine_backward", "dout has shape (3, 4)", "(2, 4)"),
    ),
    Mistake(
        "affine-dout-of-input",
        lambda: after_forward(affine(), floats(2, 3)).backward(floats(2, 3)),
        ShapeError,
        ("xpnet.ops.affine_backward", "dout has shape (2, 3)", "(2, 4)"),
    ),
    Mistake(
        "affine-dout-number",
        lambda: after_forward(affine(), floats(2, 3)).backward(1.0),
        BackendMismatchError,
        ("xpnet.ops.affine_backward", "dout is of type float", "xpnet.asarray(dout)"),
    ),
    Mistake(
        "affine-dout-without-dx",
        lambda: after_forward(affine(), floats(2, 3)).backward(floats(4), need_dx=False),
        ShapeError,
        ("xpnet.ops.affine_param_gradients", "dout has shape (4,)", "(2, 4)"),
    ),
    # Without a check the product would come out, of a shape that is not that of x.
    Mistake(
        "affine-backward-op-x",
        lambda: ops.affine_backward(floats(2, 4), floats(2, 5), floats(3, 4)),
        ShapeError,
        ("xpnet.ops.affine_backward", "x has shape (2, 5)", "W has shape (3, 4)"),
    ),
    Mistake(
        "affine-backward-op-W",
        lambda: ops.affine_backward(floats(2, 3), floats(2, 3), floats(3)),
        ShapeError,
        ("xpnet.ops.affine_backward", "W has shape (3,)", "(D, M)"),
    ),
    Mistake(
        "affine-gradients-op-x-scalar",
        lambda: ops.affine_param_gradients(floats(4), floats(), floats(3, 4)),
        ShapeError,
        ("xpnet.ops.affine_param_gradients", "x has shape ()", "W has shape (3, 4)"),
    ),
    Mistake(
        "relu-dout",
        lambda: after_forward(ReLU(), floats(2, 3)).backward(floats(3, 2)),
        ShapeError,
        ("xpnet.ops.relu_backward", "dout has shape (3, 2)", "(2, 3)"),
    ),
    # It would broadcast, and give a gradient of the wrong value.
    Mistake(
        "relu-dout-broadcasts",
        lambda: after_forward(ReLU(), floats(2, 3)).backward(floats(1, 3)),
        ShapeError,
        ("xpnet.ops.relu_backward", "dout has shape (1, 3)", "(2, 3)"),
    ),
    Mistake(
        "relu-dout-number",
        lambda: after_forward(ReLU(), floats(2, 3)).backward(1),
        BackendMismatchError,
        ("xpnet.ops.relu_backward", "dout is of type int", "xpnet.asarray(dout)"),
    ),
    Mistake(
        "sigmoid-dout",
        lambda: after_forward(Sigmoid(), floats(2, 3)).backward(floats(2)),
        ShapeError,
        ("xpnet.ops.sigmoid_backward", "dout has shape (2,)", "(2, 3)"),
    ),
    Mistake(
        "sigmoid-dout-scalar",
        lambda: after_forward(Sigmoid(), floats(2, 3)).backward(floats()),
        ShapeError,
        ("xpnet.ops.sigmoid_backward", "dout has shape ()", "(2, 3)"),
    ),
    Mistake(
        "add-do-not-broadcast",
        lambda: AddLayer().forward(floats(2, 3), floats(2)),
        ShapeError,
        (
            "xpnet.ops.add",
            "(2, 3)",
            "(2,) do not broadcast; counted from the last axis, lengths must be equal or 1",
        ),
    ),
    Mistake(
        "mul-do-not-broadcast",
        lambda: MulLayer().forward(floats(2, 3), floats(4, 3)),
        ShapeError,
        ("xpnet.ops.mul", "(2, 3)", "(4, 3)", "broadcast"),
    ),
    Mistake(
        "add-empty-does-not-broadcast",
        lambda: AddLayer().forward(floats(0), floats(2)),
        ShapeError,
        ("xpnet.ops.add", "(0,)", "(2,)"),
    ),
    Mistake(
        "add-dout",
        lambda: after_forward(AddLayer(), floats(2, 3), floats(3)).backward(floats(3)),
        ShapeError,
        ("xpnet.ops.add_backward", "dout has shape (3,)", "(2, 3)"),
    ),
    Mistake(
        "mul-dout-number",
        lambda: after_forward(MulLayer(), floats(2, 3), 2.0).backward(1.0),
        ShapeError,
        ("xpnet.ops.mul_backward", "dout has shape ()", "(2, 3)"),
    ),
    Mistake(
        "add-dout-of-numbers",
        lambda: after_forward(AddLayer(), 1, 2).backward(floats(2)),
        ShapeError,
        ("xpnet.ops.add_backward", "dout has shape (2,)", "()"),
    ),
    Mistake(
        "xpnet.ops.softmax_backward-dout",
        lambda: ops.softmax_backward(floats(3), probabilities(2, 3)),
        ShapeError,
        ("softmax", "dout has shape (3,)", "(2, 3)"),
    ),
    Mistake(
        "log-softmax-dout",
        lambda: ops.log_softmax_backward(floats(3, 3), floats(2, 3)),
        ShapeError,
        ("xpnet.ops.log_softmax_backward", "dout has shape (3, 3)", "(2, 3)"),
    ),
    Mistake(
        "loss-dout",
        lambda: after_loss().backward(floats(1)),
        ShapeError,
        ("xpnet.ops.softmax_with_loss_backward", "dout has shape (1,)", "()"),
    ),
    Mistake(
        "loss-dout-of-rows",
        lambda: after_loss().backward(floats(2, 3)),
        ShapeError,
        ("xpnet.ops.softmax_with_loss_backward", "dout has shape (2, 3)", "()"),
    ),
    Mistake(
        "loss-dout-list",
        lambda: after_loss().backward([1.0]),
        BackendMismatchError,
        ("xpnet.ops.softmax_with_loss_backward", "dout is of type list"),
    ),
    Mistake(
        "cross-entropy-dout",
        lambda: ops.cross_entropy_error_backward(floats(2), probabilities(2, 3), labels([0, 1])),
        ShapeError,
        ("xpnet.ops.cross_entropy_error_backward", "dout has shape (2,)", "()"),
    ),
]

AXES = [
    Mistake(
        "xpnet.softmax-axis-too-large",
        lambda: xpnet.softmax(floats(2, 3), axis=2),
        ShapeError,
        ("softmax", "axis 2", "(2, 3)", "-2 to 1"),
    ),
    Mistake(
        "xpnet.softmax-axis-too-small",
        lambda: xpnet.softmax(floats(2, 3), axis=-3),
        ShapeError,
        ("softmax", "axis -3", "(2, 3)"),
    ),
    Mistake(
        "xpnet.softmax-axis-none",
        lambda: xpnet.softmax(floats(2, 3), axis=None),
        TypeError,
        ("softmax", "axis is None", "integer"),
    ),
    Mistake(
        "xpnet.softmax-axis-float",
        lambda: xpnet.softmax(floats(2, 3), axis=1.0),
        TypeError,
        ("softmax", "axis is 1.0", "integer"),
    ),
    Mistake(
        "xpnet.softmax-axis-array-of-floats",
        lambda: xpnet.softmax(floats(2, 3), axis=np.asarray(1.0)),
        TypeError,
        ("softmax", "axis is array(1.)", "integer"),
    ),
    Mistake(
        "xpnet.softmax-axis-pair",
        lambda: xpnet.softmax(floats(2, 3), axis=(0, 1)),
        TypeError,
        ("softmax", "axis is (0, 1)", "integer"),
    ),
    Mistake(
        "xpnet.softmax-scalar",
        lambda: xpnet.softmax(floats()),
        ShapeError,
        ("softmax", "of shape ()"),
    ),
    Mistake(
        "xpnet.softmax-no-classes",
        lambda: xpnet.softmax(floats(2, 0)),
        ShapeError,
        ("softmax", "(2, 0)", "no classes"),
    ),
    Mistake(
        "log-softmax-axis",
        lambda: xpnet.log_softmax(floats(3), axis=1),
        ShapeError,
        ("xpnet.log_softmax", "axis 1", "(3,)"),
    ),
    Mistake(
        "log-softmax-no-classes",
        lambda: xpnet.log_softmax(floats(0, 3), axis=0),
        ShapeError,
        ("xpnet.log_softmax", "(0, 3)", "axis 0"),
    ),
    Mistake(
        "xpnet.ops.softmax_backward-backward-axis",
        lambda: ops.softmax_backward(floats(2, 3), probabilities(2, 3), axis=5),
        ShapeError,
        ("softmax", "axis 5", "(2, 3)"),
    ),
    Mistake(
        "log-softmax-backward-axis",
        lambda: ops.log_softmax_backward(floats(2, 3), floats(2, 3), axis=5),
        ShapeError,
        ("xpnet.ops.log_softmax_backward", "axis 5", "(2, 3)"),
    ),
    Mistake(
        "cross-entropy-backward-of-no-classes",
        lambda: ops.cross_entropy_error_backward(1.0, floats(2, 0), labels([0, 0])),
        ShapeError,
        ("xpnet.ops.cross_entropy_error_backward", "(2, 0)", "no classes"),
    ),
    Mistake(
        "loss-scalar",
        lambda: SoftmaxWithLoss().forward(floats(), labels(0)),
        ShapeError,
        ("xpnet.ops.softmax_with_loss", "of shape ()"),
    ),
    Mistake(
        "loss-no-classes",
        lambda: SoftmaxWithLoss().forward(floats(2, 0), labels([0, 0])),
        ShapeError,
        ("xpnet.ops.softmax_with_loss", "(2, 0)", "no classes"),
    ),
    Mistake(
        "accuracy-no-classes",
        lambda: Sequential(Affine(floats(3, 0), floats(0))).accuracy(floats(2, 3), labels([0, 0])),
        ShapeError,
        ("accuracy", "(2, 0)", "no classes"),
    ),
]
