"""Mistakes that people make, and what they must be told: one entry each.

Every entry is committed on every installed backend, inside ``use_backend``, and must raise the
same error there. A text is good if someone who has never seen the code knows what to do: it
names the layer, what was found and what was expected.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

import xpnet
from xpnet import (
    SGD,
    Adam,
    AddLayer,
    Affine,
    BackendMismatchError,
    BackendUnavailableError,
    BackwardError,
    DTypeError,
    LabelError,
    Momentum,
    MulLayer,
    ReLU,
    Sequential,
    ShapeError,
    Sigmoid,
    SoftmaxWithLoss,
    TwoLayerNet,
    ops,
)


@dataclass(frozen=True)
class Mistake:
    """One bad input.

    Attributes
    ----------
    name : str
        The test's id.
    commit : callable
        Makes the mistake on the current backend.
    error : type
        What must be raised, exactly.
    says : tuple of str
        What the text, or a note on it, must contain.
    """

    name: str
    commit: Callable[[], object]
    error: type[Exception]
    says: tuple[str, ...]


# Good arrays ---------------------------------------------------------------------------------


def floats(*shape: int, **home: Any) -> Any:
    """Ones in the current backend's dtype, which the tests set to float64."""
    return xpnet.asarray(np.ones(shape), **home)


def labels(values: Any, **home: Any) -> Any:
    return xpnet.asarray(np.asarray(values), **home)


def probabilities(*shape: int) -> Any:
    return floats(*shape) / shape[-1]


def affine() -> Affine:
    return Affine(floats(3, 4), floats(4))


def net() -> Sequential:
    return Sequential(Affine(floats(3, 4), floats(4)), ReLU(), Affine(floats(4, 2), floats(2)))


def after_forward(layer: Any, *inputs: Any) -> Any:
    layer.forward(*inputs)
    return layer


def after_loss() -> SoftmaxWithLoss:
    return after_forward(SoftmaxWithLoss(), floats(2, 3), labels([0, 2]))


# Bad arrays ----------------------------------------------------------------------------------


def integers(*shape: int) -> Any:
    return xpnet.asarray(np.ones(shape, dtype="int64"))


def booleans(*shape: int) -> Any:
    return xpnet.asarray(np.ones(shape, dtype="bool"))


def complexes(*shape: int) -> Any:
    return xpnet.get_backend().xp.asarray(np.ones(shape, dtype="complex128"))


def nested_list(*shape: int) -> Any:
    return np.ones(shape).tolist()


def nothing(*shape: int) -> None:
    return None


def other_library() -> str:
    """The name of a library that is not the current one."""
    return "array_api_strict" if xpnet.get_backend().name == "numpy" else "numpy"


def foreign(*shape: int) -> Any:
    return floats(*shape, xp=other_library(), dtype="float64")


def singles(*shape: int) -> Any:
    return floats(*shape, dtype="float32")


def doubles(*shape: int) -> Any:
    return floats(*shape, dtype="float64")


# What is not an array of floats, in every place where one belongs ----------------------------


@dataclass(frozen=True)
class Place:
    """An argument that takes floats of a shape, alone or beside others of the same home."""

    layer: str
    argument: str
    shape: tuple[int, ...]
    put: Callable[[Any], object]

    @property
    def name(self) -> str:
        return f"{self.layer}-{self.argument}"


FORWARD = [
    Place("Affine", "x", (2, 3), lambda x: affine().forward(x)),
    Place("Affine", "W", (3, 4), lambda W: Affine(W, floats(4))),
    Place("Affine", "b", (4,), lambda b: Affine(floats(3, 4), b)),
    Place("ReLU", "x", (2, 3), lambda x: ReLU().forward(x)),
    Place("Sigmoid", "x", (2, 3), lambda x: Sigmoid().forward(x)),
    Place("AddLayer", "x", (2, 3), lambda x: AddLayer().forward(x, floats(2, 3))),
    Place("AddLayer", "y", (2, 3), lambda y: AddLayer().forward(floats(2, 3), y)),
    Place("MulLayer", "x", (2, 3), lambda x: MulLayer().forward(x, floats(2, 3))),
    Place("MulLayer", "y", (2, 3), lambda y: MulLayer().forward(floats(2, 3), y)),
    Place("SoftmaxWithLoss", "x", (2, 3), lambda x: SoftmaxWithLoss().forward(x, labels([0, 1]))),
    Place("softmax", "x", (2, 3), lambda x: xpnet.softmax(x)),
    Place("log_softmax", "x", (2, 3), lambda x: xpnet.log_softmax(x)),
    Place("cross_entropy_error", "y", (2, 3), lambda y: xpnet.cross_entropy_error(y, labels([0]))),
    Place("numerical_gradient", "x", (3,), lambda x: xpnet.numerical_gradient(np.sum, x)),
    Place("SGD", "params['W']", (3,), lambda W: SGD().update({"W": W}, {"W": floats(3)})),
    Place("Adam", "params['W']", (3,), lambda W: Adam().update({"W": W}, {"W": floats(3)})),
    Place("SGD", "param", (3,), lambda W: ops.sgd_update(W, floats(3), 0.1)),
]

# These must fit an output as well.
BACKWARD = [
    Place("Affine", "dout", (2, 4), lambda d: after_forward(affine(), floats(2, 3)).backward(d)),
    Place("ReLU", "dout", (2, 3), lambda d: after_forward(ReLU(), floats(2, 3)).backward(d)),
    Place("Sigmoid", "dout", (2, 3), lambda d: after_forward(Sigmoid(), floats(2, 3)).backward(d)),
    Place(
        "AddLayer",
        "dout",
        (2, 3),
        lambda d: after_forward(AddLayer(), floats(2, 3), floats(3)).backward(d),
    ),
    Place(
        "MulLayer",
        "dout",
        (2, 3),
        lambda d: after_forward(MulLayer(), floats(2, 3), floats(3)).backward(d),
    ),
    Place("SoftmaxWithLoss", "dout", (), lambda d: after_loss().backward(d)),
    Place("softmax", "dout", (2, 3), lambda d: ops.softmax_backward(d, probabilities(2, 3))),
    Place("log_softmax", "dout", (2, 3), lambda d: ops.log_softmax_backward(d, floats(2, 3))),
    Place(
        "cross_entropy_error",
        "dout",
        (),
        lambda d: ops.cross_entropy_error_backward(d, probabilities(2, 3), labels([0, 1])),
    ),
    Place("SGD", "grads['W']", (3,), lambda dW: SGD().update({"W": floats(3)}, {"W": dW})),
    Place("Adam", "grads['W']", (3,), lambda dW: Adam().update({"W": floats(3)}, {"W": dW})),
    Place(
        "Momentum",
        "velocity",
        (3,),
        lambda v: ops.momentum_update(floats(3), floats(3), v, 0.1, 0.9),
    ),
]

# Beside another array: here a stranger is a mistake too.
SHARED = [
    place for place in FORWARD if place.layer in {"Affine", "AddLayer", "MulLayer", "SGD", "Adam"}
]


def _put(place: Place, make: Callable[..., Any], *shape: int) -> object:
    return place.put(make(*shape))


def _in_place(
    places: list[Place],
    kind: str,
    make: Callable[..., Any],
    error: type[Exception],
    *says: str,
) -> list[Mistake]:
    return [
        Mistake(
            f"{place.name}-{kind}",
            partial(_put, place, make, *place.shape),
            error,
            (place.layer, place.argument, *says),
        )
        for place in places
    ]


NOT_FLOATS = [
    *_in_place(FORWARD + BACKWARD, "integers", integers, DTypeError, "int64", "dtype='float32'"),
    *_in_place(FORWARD + BACKWARD, "booleans", booleans, DTypeError, "bool", "dtype='float32'"),
    *_in_place(FORWARD + BACKWARD, "complex", complexes, DTypeError, "complex128", "float64"),
    *_in_place(FORWARD + BACKWARD, "none", nothing, BackendMismatchError, "None, not an array"),
    *_in_place(
        [place for place in FORWARD + BACKWARD if place.shape],  # of shape (), it is a number
        "list",
        nested_list,
        BackendMismatchError,
        "of type list, not an array",
        "xpnet.asarray(",
    ),
    *_in_place(SHARED + BACKWARD, "float32", singles, DTypeError, "float32", "float64", ".to("),
    *_in_place(SHARED + BACKWARD, "foreign", foreign, BackendMismatchError, ".to(", "xp="),
    Mistake(
        "affine-backward-x-integers",
        lambda: ops.affine_backward(floats(2, 4), integers(2, 3), floats(3, 4)),
        DTypeError,
        ("Affine", "x is int64"),
    ),
    Mistake(
        "affine-backward-W-float32",
        lambda: ops.affine_backward(floats(2, 4), floats(2, 3), singles(3, 4)),
        DTypeError,
        ("Affine", "W is float32"),
    ),
    Mistake("relu-number", lambda: ReLU().forward(3.0), BackendMismatchError, ("ReLU", "float")),
    Mistake(
        "relu-strings",
        lambda: ReLU().forward(np.asarray(["a", "b"])),
        DTypeError,
        ("ReLU", "x is str", "floats"),
    ),
    Mistake(
        "sigmoid-objects",
        lambda: Sigmoid().forward(np.asarray([1.0, None])),
        DTypeError,
        ("Sigmoid", "x is object", "floats"),
    ),
    Mistake(
        "add-string",
        lambda: AddLayer().forward(1, "2"),
        BackendMismatchError,
        ("AddLayer", "y is of type str"),
    ),
    Mistake(
        "mul-complex-number",
        lambda: MulLayer().forward(1j, floats(2)),
        BackendMismatchError,
        ("MulLayer", "x is of type complex"),
    ),
    Mistake(
        "home-list",
        lambda: ReLU(xp=xpnet.get_backend()).forward([1.0]),
        BackendMismatchError,
        ("ReLU", "x is of type list", "xpnet.asarray(x)"),
    ),
]

# Shapes --------------------------------------------------------------------------------------

SHAPES = [
    Mistake(
        "affine-x-too-long",
        lambda: affine().forward(floats(2, 5)),
        ShapeError,
        (
            "Affine",
            "x has shape (2, 5)",
            "W has shape (3, 4); they must be (..., D) and (D, M), with the same D",
        ),
    ),
    Mistake(
        "affine-x-scalar",
        lambda: affine().forward(floats()),
        ShapeError,
        ("Affine", "x has shape ()", "(3, 4)"),
    ),
    Mistake(
        "affine-x-image-not-flat",
        lambda: Affine(floats(784, 10), floats(10)).forward(floats(2, 28, 28)),
        ShapeError,
        ("Affine", "(2, 28, 28)", "(784, 10)"),
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
        ("Affine", "dout has shape (3, 4)", "(2, 4)"),
    ),
    Mistake(
        "affine-dout-of-input",
        lambda: after_forward(affine(), floats(2, 3)).backward(floats(2, 3)),
        ShapeError,
        ("Affine", "dout has shape (2, 3)", "(2, 4)"),
    ),
    Mistake(
        "affine-dout-number",
        lambda: after_forward(affine(), floats(2, 3)).backward(1.0),
        BackendMismatchError,
        ("Affine", "dout is of type float", "xpnet.asarray(dout)"),
    ),
    Mistake(
        "affine-dout-without-dx",
        lambda: after_forward(affine(), floats(2, 3)).backward_params(floats(4)),
        ShapeError,
        ("Affine", "dout has shape (4,)", "(2, 4)"),
    ),
    # Without a check the product would come out, of a shape that is not that of x.
    Mistake(
        "affine-backward-op-x",
        lambda: ops.affine_backward(floats(2, 4), floats(2, 5), floats(3, 4)),
        ShapeError,
        ("Affine", "x has shape (2, 5)", "W has shape (3, 4)"),
    ),
    Mistake(
        "affine-backward-op-W",
        lambda: ops.affine_backward(floats(2, 3), floats(2, 3), floats(3)),
        ShapeError,
        ("Affine", "W has shape (3,)", "(D, M)"),
    ),
    Mistake(
        "affine-gradients-op-x-scalar",
        lambda: ops.affine_param_gradients(floats(4), floats(), floats(3, 4)),
        ShapeError,
        ("Affine", "x has shape ()", "W has shape (3, 4)"),
    ),
    Mistake(
        "relu-dout",
        lambda: after_forward(ReLU(), floats(2, 3)).backward(floats(3, 2)),
        ShapeError,
        ("ReLU", "dout has shape (3, 2)", "(2, 3)"),
    ),
    # It would broadcast, and give a gradient of the wrong value.
    Mistake(
        "relu-dout-broadcasts",
        lambda: after_forward(ReLU(), floats(2, 3)).backward(floats(1, 3)),
        ShapeError,
        ("ReLU", "dout has shape (1, 3)", "(2, 3)"),
    ),
    Mistake(
        "relu-dout-number",
        lambda: after_forward(ReLU(), floats(2, 3)).backward(1),
        BackendMismatchError,
        ("ReLU", "dout is of type int", "xpnet.asarray(dout)"),
    ),
    Mistake(
        "sigmoid-dout",
        lambda: after_forward(Sigmoid(), floats(2, 3)).backward(floats(2)),
        ShapeError,
        ("Sigmoid", "dout has shape (2,)", "(2, 3)"),
    ),
    Mistake(
        "sigmoid-dout-scalar",
        lambda: after_forward(Sigmoid(), floats(2, 3)).backward(floats()),
        ShapeError,
        ("Sigmoid", "dout has shape ()", "(2, 3)"),
    ),
    Mistake(
        "add-do-not-broadcast",
        lambda: AddLayer().forward(floats(2, 3), floats(2)),
        ShapeError,
        (
            "AddLayer",
            "(2, 3)",
            "(2,) do not broadcast; counted from the last axis, lengths must be equal or 1",
        ),
    ),
    Mistake(
        "mul-do-not-broadcast",
        lambda: MulLayer().forward(floats(2, 3), floats(4, 3)),
        ShapeError,
        ("MulLayer", "(2, 3)", "(4, 3)", "broadcast"),
    ),
    Mistake(
        "add-empty-does-not-broadcast",
        lambda: AddLayer().forward(floats(0), floats(2)),
        ShapeError,
        ("AddLayer", "(0,)", "(2,)"),
    ),
    Mistake(
        "add-dout",
        lambda: after_forward(AddLayer(), floats(2, 3), floats(3)).backward(floats(3)),
        ShapeError,
        ("AddLayer", "dout has shape (3,)", "(2, 3)"),
    ),
    Mistake(
        "mul-dout-number",
        lambda: after_forward(MulLayer(), floats(2, 3), 2.0).backward(1.0),
        ShapeError,
        ("MulLayer", "dout has shape ()", "(2, 3)"),
    ),
    Mistake(
        "add-dout-of-numbers",
        lambda: after_forward(AddLayer(), 1, 2).backward(floats(2)),
        ShapeError,
        ("AddLayer", "dout has shape (2,)", "()"),
    ),
    Mistake(
        "softmax-dout",
        lambda: ops.softmax_backward(floats(3), probabilities(2, 3)),
        ShapeError,
        ("softmax", "dout has shape (3,)", "(2, 3)"),
    ),
    Mistake(
        "log-softmax-dout",
        lambda: ops.log_softmax_backward(floats(3, 3), floats(2, 3)),
        ShapeError,
        ("log_softmax", "dout has shape (3, 3)", "(2, 3)"),
    ),
    Mistake(
        "loss-dout",
        lambda: after_loss().backward(floats(1)),
        ShapeError,
        ("SoftmaxWithLoss", "dout has shape (1,)", "()"),
    ),
    Mistake(
        "loss-dout-of-rows",
        lambda: after_loss().backward(floats(2, 3)),
        ShapeError,
        ("SoftmaxWithLoss", "dout has shape (2, 3)", "()"),
    ),
    Mistake(
        "loss-dout-list",
        lambda: after_loss().backward([1.0]),
        BackendMismatchError,
        ("SoftmaxWithLoss", "dout is of type list"),
    ),
    Mistake(
        "cross-entropy-dout",
        lambda: ops.cross_entropy_error_backward(floats(2), probabilities(2, 3), labels([0, 1])),
        ShapeError,
        ("cross_entropy_error", "dout has shape (2,)", "()"),
    ),
]

AXES = [
    Mistake(
        "softmax-axis-too-large",
        lambda: xpnet.softmax(floats(2, 3), axis=2),
        ShapeError,
        ("softmax", "axis 2", "(2, 3)", "-2 to 1"),
    ),
    Mistake(
        "softmax-axis-too-small",
        lambda: xpnet.softmax(floats(2, 3), axis=-3),
        ShapeError,
        ("softmax", "axis -3", "(2, 3)"),
    ),
    Mistake(
        "softmax-axis-none",
        lambda: xpnet.softmax(floats(2, 3), axis=None),
        TypeError,
        ("softmax", "axis is None", "integer"),
    ),
    Mistake(
        "softmax-axis-float",
        lambda: xpnet.softmax(floats(2, 3), axis=1.0),
        TypeError,
        ("softmax", "axis is 1.0", "integer"),
    ),
    Mistake(
        "softmax-axis-pair",
        lambda: xpnet.softmax(floats(2, 3), axis=(0, 1)),
        TypeError,
        ("softmax", "axis is (0, 1)", "integer"),
    ),
    Mistake(
        "softmax-scalar", lambda: xpnet.softmax(floats()), ShapeError, ("softmax", "of shape ()")
    ),
    Mistake(
        "softmax-no-classes",
        lambda: xpnet.softmax(floats(2, 0)),
        ShapeError,
        ("softmax", "(2, 0)", "no classes"),
    ),
    Mistake(
        "log-softmax-axis",
        lambda: xpnet.log_softmax(floats(3), axis=1),
        ShapeError,
        ("log_softmax", "axis 1", "(3,)"),
    ),
    Mistake(
        "log-softmax-no-classes",
        lambda: xpnet.log_softmax(floats(0, 3), axis=0),
        ShapeError,
        ("log_softmax", "(0, 3)", "axis 0"),
    ),
    Mistake(
        "softmax-backward-axis",
        lambda: ops.softmax_backward(floats(2, 3), probabilities(2, 3), axis=5),
        ShapeError,
        ("softmax", "axis 5", "(2, 3)"),
    ),
    Mistake(
        "log-softmax-backward-axis",
        lambda: ops.log_softmax_backward(floats(2, 3), floats(2, 3), axis=5),
        ShapeError,
        ("log_softmax", "axis 5", "(2, 3)"),
    ),
    Mistake(
        "cross-entropy-backward-of-no-classes",
        lambda: ops.cross_entropy_error_backward(1.0, floats(2, 0), labels([0, 0])),
        ShapeError,
        ("cross_entropy_error", "(2, 0)", "no classes"),
    ),
    Mistake(
        "loss-scalar",
        lambda: SoftmaxWithLoss().forward(floats(), labels(0)),
        ShapeError,
        ("SoftmaxWithLoss", "of shape ()"),
    ),
    Mistake(
        "loss-no-classes",
        lambda: SoftmaxWithLoss().forward(floats(2, 0), labels([0, 0])),
        ShapeError,
        ("SoftmaxWithLoss", "(2, 0)", "no classes"),
    ),
    Mistake(
        "accuracy-no-classes",
        lambda: Sequential(Affine(floats(3, 0), floats(0))).accuracy(floats(2, 3), labels([0, 0])),
        ShapeError,
        ("accuracy", "(2, 0)", "no classes"),
    ),
]

# Labels --------------------------------------------------------------------------------------


def loss(t: Any) -> object:
    return SoftmaxWithLoss().forward(floats(2, 3), t)


TARGETS = [
    Mistake(
        "labels-column",
        lambda: loss(labels([[0], [2]])),
        ShapeError,
        (
            "SoftmaxWithLoss",
            "t has shape (2, 1)",
            "x has shape (2, 3)",
            "class indices of shape (2,) or rows of shape (2, 3)",
        ),
    ),
    Mistake(
        "labels-too-many",
        lambda: loss(labels([0, 1, 2])),
        ShapeError,
        ("SoftmaxWithLoss", "t has shape (3,)", "(2, 3)"),
    ),
    Mistake(
        "labels-scalar", lambda: loss(labels(0)), ShapeError, ("SoftmaxWithLoss", "t has shape ()")
    ),
    Mistake(
        "labels-rank-3",
        lambda: loss(labels([[[0, 1, 0]], [[0, 1, 0]]])),
        ShapeError,
        ("SoftmaxWithLoss", "t has shape (2, 1, 3)", "rows of shape (2, 3)"),
    ),
    Mistake(
        "labels-of-sequences-too-few-axes",
        lambda: SoftmaxWithLoss().forward(floats(2, 4, 3), labels([0, 1])),
        ShapeError,
        ("t has shape (2,)", "class indices of shape (2, 4) or rows of shape (2, 4, 3)"),
    ),
    Mistake(
        "labels-rows-of-other-classes",
        lambda: loss(labels(np.eye(4)[:2])),
        ShapeError,
        ("SoftmaxWithLoss", "t has shape (2, 4)", "(2, 3)"),
    ),
    Mistake(
        "labels-float",
        lambda: loss(labels([0.0, 1.0])),
        DTypeError,
        ("SoftmaxWithLoss", "integers, not float64; use xpnet.asarray(t, dtype='int32')"),
    ),
    Mistake(
        "labels-bool",
        lambda: loss(labels([True, False])),
        DTypeError,
        ("SoftmaxWithLoss", "integers, not bool"),
    ),
    Mistake(
        "labels-complex-rows",
        lambda: loss(complexes(2, 3)),
        DTypeError,
        ("SoftmaxWithLoss", "t holds rows", "complex128"),
    ),
    Mistake(
        "labels-list",
        lambda: loss([0, 1]),
        BackendMismatchError,
        ("SoftmaxWithLoss", "t is of type list", "xpnet.asarray(t)"),
    ),
    Mistake(
        "labels-none",
        lambda: loss(None),
        BackendMismatchError,
        ("SoftmaxWithLoss", "t is None"),
    ),
    Mistake(
        "labels-foreign",
        lambda: loss(labels([0, 1], xp=other_library())),
        BackendMismatchError,
        ("SoftmaxWithLoss", "t is", "x is", "xpnet.asarray(t, xp="),
    ),
    Mistake(
        "cross-entropy-labels-foreign",
        lambda: xpnet.cross_entropy_error(probabilities(2, 3), labels([0, 1], xp=other_library())),
        BackendMismatchError,
        ("cross_entropy_error", "t is", "y is", "xpnet.asarray(t, xp="),
    ),
    Mistake(
        "cross-entropy-labels-shape",
        lambda: xpnet.cross_entropy_error(probabilities(2, 3), labels([[0], [1]])),
        ShapeError,
        ("cross_entropy_error", "t has shape (2, 1)", "y has shape (2, 3)"),
    ),
    Mistake(
        "cross-entropy-labels-float",
        lambda: xpnet.cross_entropy_error(probabilities(2, 3), labels([0.0, 1.0])),
        DTypeError,
        ("cross_entropy_error", "float64", "integers"),
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
        ("SoftmaxWithLoss", "label 3", "index (1,)", "0 to 2"),
    ),
    Mistake(
        "label-negative",
        lambda: loss(labels([-1, 2])),
        LabelError,
        ("SoftmaxWithLoss", "label -1", "index (0,)", "0 to 2"),
    ),
    Mistake(
        "label-in-a-matrix",
        lambda: SoftmaxWithLoss().forward(floats(2, 2, 3), labels([[0, 1], [7, 2]])),
        LabelError,
        ("SoftmaxWithLoss", "label 7", "index (1, 0)"),
    ),
    Mistake(
        "rows-nan",
        lambda: loss(labels([[0.0, 1.0, 0.0], [np.nan, 1.0, 0.0]])),
        LabelError,
        ("SoftmaxWithLoss", "row 1", "nan"),
    ),
    Mistake(
        "rows-do-not-sum-to-one",
        lambda: loss(labels([[0.5, 0.5, 0.5], [0.0, 1.0, 0.0]])),
        LabelError,
        ("SoftmaxWithLoss", "row 0", "1.5", "must sum to 1"),
    ),
    Mistake(
        "rows-empty",
        lambda: loss(labels(np.zeros((2, 3)))),
        LabelError,
        ("SoftmaxWithLoss", "row 0", "sums to 0", "must sum to 1"),
    ),
    Mistake(
        "rows-negative",
        lambda: loss(labels([[0.0, 1.0, 0.0], [1.5, -0.5, 0.0]])),
        LabelError,
        ("SoftmaxWithLoss", "row 1", "-0.5", "must not be negative"),
    ),
    Mistake(
        "rows-infinite",
        lambda: loss(labels([[np.inf, 0.0, 0.0], [0.0, 1.0, 0.0]])),
        LabelError,
        ("SoftmaxWithLoss", "row 0", "inf"),
    ),
    Mistake(
        "rows-with-two-classes",
        lambda: loss(labels([[1, 1, 0], [0, 1, 0]])),
        LabelError,
        ("SoftmaxWithLoss", "row 0", "sums to 2"),
    ),
    Mistake(
        "cross-entropy-label",
        lambda: xpnet.cross_entropy_error(probabilities(2, 3), labels([0, 3])),
        LabelError,
        ("cross_entropy_error", "label 3", "0 to 2"),
    ),
    Mistake(
        "net-loss-label",
        lambda: net().loss(floats(2, 3), labels([0, 2])),
        LabelError,
        ("SoftmaxWithLoss", "label 2", "0 to 1"),
    ),
    Mistake(
        "net-gradient-label",
        lambda: net().gradient(floats(2, 3), labels([0, 2])),
        LabelError,
        ("SoftmaxWithLoss", "label 2", "0 to 1"),
    ),
    Mistake(
        "net-accuracy-label",
        lambda: net().accuracy(floats(2, 3), labels([5, 1])),
        LabelError,
        ("accuracy", "label 5", "0 to 1"),
    ),
]

# The order of calls --------------------------------------------------------------------------


def _backward_first(name: str, call: Callable[[], object]) -> Mistake:
    says = (f"{name}: backward was called before forward", "call forward first")
    return Mistake(f"backward-before-forward-{name}", call, BackwardError, says)


ORDER = [
    _backward_first("Affine", lambda: affine().backward(floats(2, 4))),
    _backward_first("ReLU", lambda: ReLU().backward(floats(2))),
    _backward_first("Sigmoid", lambda: Sigmoid().backward(floats(2))),
    _backward_first("AddLayer", lambda: AddLayer().backward(floats(2))),
    _backward_first("MulLayer", lambda: MulLayer().backward(floats(2))),
    _backward_first("SoftmaxWithLoss", lambda: SoftmaxWithLoss().backward()),
    Mistake(
        "backward-params-before-forward",
        lambda: affine().backward_params(floats(2, 4)),
        BackwardError,
        ("Affine: backward was called before forward",),
    ),
    Mistake(
        "net-backward-before-forward",
        lambda: net().backward(floats(2, 2)),
        BackwardError,
        ("Affine: backward was called before forward",),
    ),
    # What forward saved lives where the layer was before.
    Mistake(
        "backward-after-to",
        lambda: after_forward(affine(), floats(2, 3)).to(dtype="float32").backward(singles(2, 4)),
        BackwardError,
        ("Affine: backward was called before forward",),
    ),
]

# Nets and their parameters -------------------------------------------------------------------


def rebound(**params: Any) -> Sequential:
    """A net with new arrays in the place of some parameters."""
    result = net()
    result.params.update(params)
    return result


def affine_with(**params: Any) -> Affine:
    layer = affine()
    for name, array in params.items():
        setattr(layer, name, array)
    return layer


def twice() -> Sequential:
    layer = ReLU()
    return Sequential(affine(), layer, affine(), layer)


def net_in_itself() -> Sequential:
    part = net()
    return Sequential(part, part)


def loss_among_the_layers() -> Sequential:
    layer = SoftmaxWithLoss()
    return Sequential(affine(), layer, last_layer=layer)


def delete(name: str) -> None:
    del net().params[name]


NETS = [
    Mistake(
        "rebound-shape",
        lambda: rebound(W1=floats(3, 5)).predict(floats(2, 3)),
        ShapeError,
        ("Affine", "W has shape (3, 5)", "b has shape (4,)", "layer Affine1"),
    ),
    Mistake(
        "rebound-bias-shape",
        lambda: rebound(b2=floats(2, 1)).predict(floats(2, 3)),
        ShapeError,
        ("Affine", "b has shape (2, 1)", "layer Affine2"),
    ),
    Mistake(
        "rebound-dtype",
        lambda: rebound(W2=singles(4, 2)).predict(floats(2, 3)),
        DTypeError,
        ("Affine", "x is float64", "W is float32", "layer Affine2"),
    ),
    Mistake(
        "rebound-integers",
        lambda: rebound(W1=integers(3, 4)).predict(floats(2, 3)),
        DTypeError,
        ("Affine", "W is int64", "layer Affine1"),
    ),
    Mistake(
        "rebound-library",
        lambda: rebound(b1=foreign(4)).predict(floats(2, 3)),
        BackendMismatchError,
        ("Affine", "b is", "layer Affine1"),
    ),
    Mistake(
        "rebound-list",
        lambda: rebound(W1=nested_list(3, 4)).predict(floats(2, 3)),
        BackendMismatchError,
        ("Affine", "W is of type list", "layer Affine1"),
    ),
    Mistake(
        "rebound-layer-shape",
        lambda: affine_with(W=floats(5, 4)).forward(floats(2, 3)),
        ShapeError,
        ("Affine", "x has shape (2, 3)", "W has shape (5, 4)"),
    ),
    Mistake(
        "rebound-layer-bias",
        lambda: affine_with(b=floats(3)).forward(floats(2, 3)),
        ShapeError,
        ("Affine", "W has shape (3, 4)", "b has shape (3,)"),
    ),
    Mistake(
        "rebound-layer-dtype",
        lambda: affine_with(W=singles(3, 4), b=singles(4)).forward(floats(2, 3)),
        DTypeError,
        ("Affine", "float64", "float32", "layer.to(dtype='float64')"),
    ),
    Mistake(
        "rebound-layer-library",
        lambda: affine_with(W=foreign(3, 4), b=foreign(4)).forward(floats(2, 3)),
        BackendMismatchError,
        ("Affine", "x is", "W is", "layer.to("),
    ),
    Mistake(
        "rebound-layer-none",
        lambda: affine_with(b=None).forward(floats(2, 3)),
        BackendMismatchError,
        ("Affine", "b is None"),
    ),
    Mistake(
        "unknown-parameter",
        lambda: net().params["W3"],
        KeyError,
        ("no parameter 'W3'", "W1, b1, W2, b2"),
    ),
    Mistake(
        "unknown-parameter-set",
        lambda: rebound(w1=floats(3, 4)),
        KeyError,
        ("no parameter 'w1'", "W1, b1, W2, b2"),
    ),
    Mistake("deleted-parameter", lambda: delete("W1"), TypeError, ("W1", "a layer needs all its")),
    Mistake("deleted-unknown-parameter", lambda: delete("W9"), TypeError, ("W9",)),
    Mistake("layer-twice", twice, ValueError, ("ReLU1 and ReLU2", "same layer", "make two")),
    Mistake("net-twice", net_in_itself, ValueError, ("Affine1 and Affine3", "same layer")),
    Mistake(
        "loss-twice",
        loss_among_the_layers,
        ValueError,
        ("SoftmaxWithLoss1 and last_layer", "same layer"),
    ),
    Mistake(
        "layer-class",
        lambda: Sequential(affine(), ReLU),
        TypeError,
        ("Sequential", "<class", "ReLU", "is no layer"),
    ),
    Mistake(
        "layers-in-a-list",
        lambda: Sequential([affine(), ReLU()]),
        TypeError,
        ("Sequential", "a list is no layer", "forward, backward, params and grads"),
    ),
    Mistake(
        "net-x",
        lambda: net().predict(floats(2, 4)),
        ShapeError,
        ("Affine", "(2, 4)", "(3, 4)", "layer Affine1"),
    ),
    Mistake(
        "net-x-library",
        lambda: net().loss(foreign(2, 3), labels([0, 1])),
        BackendMismatchError,
        ("Affine", "x is", "W is", "layer Affine1"),
    ),
    Mistake(
        "net-layers-do-not-fit",
        lambda: Sequential(affine(), affine()).predict(floats(2, 3)),
        ShapeError,
        ("x has shape (2, 4)", "W has shape (3, 4)", "layer Affine2"),
    ),
    Mistake(
        "net-dout",
        lambda: after_forward(net(), floats(2, 3)).backward(floats(2, 3)),
        ShapeError,
        ("Affine", "dout has shape (2, 3)", "(2, 2)"),
    ),
    Mistake(
        "net-numerical-gradient-labels",
        lambda: net().numerical_gradient(floats(2, 3), labels([0.0, 1.0])),
        DTypeError,
        ("SoftmaxWithLoss", "integers, not float64"),
    ),
]

# Numbers that are set once -------------------------------------------------------------------

SIZES = [
    Mistake(
        "random-negative-size",
        lambda: Affine.random(-1, 3),
        ValueError,
        ("Affine: input_size is -1", "positive integer"),
    ),
    Mistake(
        "random-zero-size",
        lambda: Affine.random(3, 0),
        ValueError,
        ("Affine: output_size is 0", "positive integer"),
    ),
    Mistake(
        "random-float-size",
        lambda: Affine.random(3, 2.0),
        ValueError,
        ("Affine: output_size is 2.0", "positive integer"),
    ),
    Mistake(
        "random-shape-as-size",
        lambda: Affine.random((28, 28), 10),
        ValueError,
        ("Affine: input_size is (28, 28)", "positive integer"),
    ),
    Mistake(
        "random-negative-std",
        lambda: Affine.random(3, 2, weight_init_std=-0.01),
        ValueError,
        ("Affine: weight_init_std is -0.01", "not negative"),
    ),
    Mistake(
        "random-nan-std",
        lambda: Affine.random(3, 2, weight_init_std=float("nan")),
        ValueError,
        ("Affine: weight_init_std is nan", "finite"),
    ),
    # The book has this word, later: weight_init_std="he".
    Mistake(
        "random-word-as-std",
        lambda: Affine.random(3, 2, weight_init_std="he"),
        ValueError,
        ("Affine: weight_init_std is 'he'", "number"),
    ),
    Mistake(
        "random-negative-seed",
        lambda: Affine.random(3, 2, seed=-1),
        ValueError,
        ("Affine: seed is -1", "integer from 0 on"),
    ),
    Mistake(
        "random-float-seed",
        lambda: Affine.random(3, 2, seed=0.5),
        ValueError,
        ("Affine: seed is 0.5", "integer"),
    ),
    Mistake(
        "net-negative-size",
        lambda: TwoLayerNet(784, -50, 10),
        ValueError,
        ("TwoLayerNet: hidden_size is -50", "positive integer"),
    ),
    Mistake(
        "net-float-size",
        lambda: TwoLayerNet(28 * 28 / 1, 50, 10),
        ValueError,
        ("TwoLayerNet: input_size is 784.0", "positive integer"),
    ),
    Mistake(
        "net-no-classes",
        lambda: TwoLayerNet(784, 50, 0),
        ValueError,
        ("TwoLayerNet: output_size is 0", "positive integer"),
    ),
    Mistake(
        "net-infinite-std",
        lambda: TwoLayerNet(4, 3, 2, float("inf")),
        ValueError,
        ("weight_init_std is inf", "finite"),
    ),
    Mistake(
        "net-seed",
        lambda: TwoLayerNet(4, 3, 2, seed="0"),
        ValueError,
        ("TwoLayerNet: seed is '0'", "integer"),
    ),
]


def with_state(optimizer: Any, **memory: Any) -> Any:
    optimizer.state = {"W": memory}
    return optimizer


OPTIMIZERS = [
    Mistake("lr-negative", lambda: SGD(lr=-0.1), ValueError, ("SGD: lr is -0.1", "not negative")),
    Mistake("lr-nan", lambda: SGD(lr=float("nan")), ValueError, ("SGD: lr is nan", "finite")),
    Mistake("lr-infinite", lambda: SGD(lr=float("inf")), ValueError, ("SGD: lr is inf", "finite")),
    Mistake("lr-text", lambda: SGD(lr="0.1"), ValueError, ("SGD: lr is '0.1'", "number")),
    Mistake("lr-none", lambda: SGD(lr=None), ValueError, ("SGD: lr is None", "number")),
    Mistake("lr-complex", lambda: SGD(lr=1j), ValueError, ("SGD: lr is 1j", "number")),
    Mistake(
        "sgd-no-gradient",
        lambda: SGD().update({"W": floats(2)}, {}),
        KeyError,
        ("SGD", "no gradient for 'W'", "call backward"),
    ),
    Mistake(
        "sgd-net-without-backward",
        lambda: SGD().update(net().params, net().grads),
        KeyError,
        ("SGD", "no gradient for 'W1'", "call backward"),
    ),
    Mistake(
        "sgd-gradient-shape",
        lambda: SGD().update({"W": floats(2, 3)}, {"W": floats(3, 2)}),
        ShapeError,
        ("SGD", "params['W'] has shape (2, 3)", "grads['W'] has shape (3, 2)"),
    ),
    # It would broadcast, and change every row alike.
    Mistake(
        "sgd-gradient-broadcasts",
        lambda: SGD().update({"W": floats(2, 3)}, {"W": floats(3)}),
        ShapeError,
        ("SGD", "(2, 3)", "(3,)"),
    ),
    Mistake("lr-set-later", lambda: setattr(SGD(), "lr", -1), ValueError, ("SGD: lr is -1",)),
    Mistake(
        "momentum-one",
        lambda: Momentum(momentum=1),
        ValueError,
        ("Momentum: momentum is 1", "less than 1"),
    ),
    Mistake(
        "beta-nan",
        lambda: Adam(beta2=float("nan")),
        ValueError,
        ("Adam: beta2 is nan", "less than 1"),
    ),
    Mistake(
        "state-shape",
        lambda: with_state(Momentum(), velocity=floats(2)).update(
            {"W": floats(3)}, {"W": floats(3)}
        ),
        ShapeError,
        ("Momentum: params['W'] has shape (3,)", "state['W']['velocity'] has shape (2,)", "Delete"),
    ),
    Mistake(
        "state-of-another-optimizer",
        lambda: with_state(Adam(), velocity=floats(3)).update({"W": floats(3)}, {"W": floats(3)}),
        KeyError,
        ("Adam: state['W'] has velocity; it must have mean, square, step",),
    ),
    Mistake(
        "state-of-words",
        lambda: with_state(Momentum(), velocity=["a", "b", "c"]).update(
            {"W": floats(3)}, {"W": floats(3)}
        ),
        DTypeError,
        ("no real numbers", "Delete state['W']"),
    ),
]


def no_return(x: Any) -> None:
    """Forget the return."""


def divide_by_zero(x: Any) -> float:
    return 1 / 0


GRADIENTS = [
    Mistake(
        "gradient-vector",
        lambda: xpnet.numerical_gradient(lambda x: x * 2, floats(3)),
        ShapeError,
        ("numerical_gradient", "f returned", "(3,)", "scalar"),
    ),
    Mistake(
        "gradient-one-entry",
        lambda: xpnet.numerical_gradient(lambda x: x * 2, floats(1)),
        ShapeError,
        ("numerical_gradient", "(1,)", "scalar"),
    ),
    Mistake(
        "gradient-none",
        lambda: xpnet.numerical_gradient(no_return, floats(3)),
        DTypeError,
        ("numerical_gradient", "f returned None", "scalar"),
    ),
    Mistake(
        "gradient-f-raises",
        lambda: xpnet.numerical_gradient(divide_by_zero, floats(3)),
        ZeroDivisionError,
        ("zero",),
    ),
]

# Backends ------------------------------------------------------------------------------------


def enter(*args: Any, **kwargs: Any) -> None:
    with xpnet.use_backend(*args, **kwargs):
        pass


def here() -> str:
    return xpnet.get_backend().name


BACKENDS = [
    Mistake(
        "backend-unknown",
        lambda: enter("numpie"),
        ValueError,
        ("unknown backend 'numpie'", "'numpy'", "'torch'", "'cupy'", "'jax'"),
    ),
    Mistake("backend-unknown-set", lambda: xpnet.set_backend("gpu"), ValueError, ("'gpu'",)),
    Mistake(
        "backend-number", lambda: enter(3), TypeError, ("3 is no array namespace", "backend's name")
    ),
    Mistake(
        "backend-module-without-arrays",
        lambda: Affine(floats(3, 4), floats(4), xp=dataclass),
        TypeError,
        ("no array namespace", "backend's name"),
    ),
    Mistake(
        "backend-device",
        lambda: enter(here(), device="nowhere"),
        BackendUnavailableError,
        ("device 'nowhere'",),
    ),
    Mistake(
        "backend-integer-dtype",
        lambda: enter(here(), dtype="int32"),
        DTypeError,
        ("'int32'", "float16, bfloat16, float32, float64"),
    ),
    Mistake(
        "backend-unknown-dtype",
        lambda: enter(here(), dtype="float8"),
        DTypeError,
        ("'float8'", "float16, bfloat16, float32, float64"),
    ),
    Mistake(
        "random-unknown-backend", lambda: Affine.random(3, 4, xp="numpie"), ValueError, ("numpie",)
    ),
    Mistake(
        "net-unknown-backend", lambda: TwoLayerNet(4, 3, 2, xp="numpie"), ValueError, ("numpie",)
    ),
    Mistake("layer-unknown-backend", lambda: ReLU(xp="numpie"), ValueError, ("numpie",)),
    Mistake("to-unknown-backend", lambda: affine().to("numpie"), ValueError, ("numpie", "known")),
    Mistake("to-number", lambda: net().to(3), TypeError, ("3 is no array namespace",)),
    Mistake(
        "to-unknown-device",
        lambda: affine().to(device="nowhere"),
        BackendUnavailableError,
        ("device 'nowhere'",),
    ),
    Mistake(
        "net-to-unknown-device",
        lambda: net().to(here(), device="nowhere"),
        BackendUnavailableError,
        ("device 'nowhere'",),
    ),
    Mistake(
        "to-unknown-dtype",
        lambda: affine().to(dtype="float8"),
        DTypeError,
        ("'float8'", "float16, bfloat16, float32, float64"),
    ),
    # A layer of integers could not compute any more.
    Mistake(
        "to-integer-dtype",
        lambda: net().to(dtype="int32"),
        DTypeError,
        ("'int32'", "float16, bfloat16, float32, float64"),
    ),
    Mistake(
        "to-integer-dtype-there",
        lambda: net().to("numpy", dtype="int32"),
        DTypeError,
        ("'int32'", "float16, bfloat16, float32, float64"),
    ),
    Mistake(
        "to-with-list",
        lambda: affine_with(b=nested_list(4)).to("numpy"),
        BackendMismatchError,
        ("Affine", "b is of type list", "xpnet.asarray(b)"),
    ),
    Mistake(
        "home-relu",
        lambda: ReLU(xp=xpnet.get_backend()).forward(foreign(2)),
        BackendMismatchError,
        ("ReLU", "the layer lives on", "layer.to("),
    ),
    Mistake(
        "home-sigmoid",
        lambda: Sigmoid(xp=xpnet.get_backend()).forward(foreign(2)),
        BackendMismatchError,
        ("Sigmoid", "the layer lives on", "layer.to("),
    ),
    Mistake(
        "home-add",
        lambda: AddLayer(xp=xpnet.get_backend()).forward(1.0, foreign(2)),
        BackendMismatchError,
        ("AddLayer", "the layer lives on", "layer.to("),
    ),
    Mistake(
        "home-mul",
        lambda: MulLayer(xp=xpnet.get_backend()).forward(foreign(2), 2),
        BackendMismatchError,
        ("MulLayer", "the layer lives on", "layer.to("),
    ),
    Mistake(
        "home-loss",
        lambda: SoftmaxWithLoss(xp=xpnet.get_backend()).forward(
            foreign(2, 3), labels([0, 1], xp=other_library())
        ),
        BackendMismatchError,
        ("SoftmaxWithLoss", "the layer lives on", "layer.to("),
    ),
    Mistake(
        "asarray-complex", lambda: xpnet.asarray([1j]), DTypeError, ("complex128", "real numbers")
    ),
    Mistake("asarray-text", lambda: xpnet.asarray("abc"), DTypeError, ("real numbers",)),
    Mistake(
        "asarray-none", lambda: xpnet.asarray([1.0, None]), DTypeError, ("object", "real numbers")
    ),
    Mistake("asarray-ragged", lambda: xpnet.asarray([[1.0], [1.0, 2.0]]), DTypeError, ("list",)),
    Mistake(
        "asarray-unknown-dtype",
        lambda: floats(2, dtype="float8"),
        DTypeError,
        ("dtype 'float8'",),
    ),
    Mistake("asarray-unknown-backend", lambda: floats(2, xp="numpie"), ValueError, ("numpie",)),
    Mistake(
        "asarray-unknown-device",
        lambda: floats(2, device="nowhere"),
        BackendUnavailableError,
        ("device 'nowhere'",),
    ),
    Mistake(
        "to-numpy-complex", lambda: xpnet.to_numpy(complexes(2)), DTypeError, ("complex128", "real")
    ),
    Mistake("synchronize-list", lambda: xpnet.synchronize([1.0]), BackendMismatchError, ("list",)),
]

BAD_INPUTS = [
    *NOT_FLOATS,
    *SHAPES,
    *AXES,
    *TARGETS,
    *BAD_LABELS,
    *ORDER,
    *NETS,
    *SIZES,
    *OPTIMIZERS,
    *GRADIENTS,
    *BACKENDS,
]

# Devices -------------------------------------------------------------------------------------
# Only array-api-strict has several of them on every machine.


def elsewhere(*shape: int) -> Any:
    return floats(*shape, device="device1")


BAD_ON_STRICT = [
    *_in_place(
        SHARED + BACKWARD, "device", elsewhere, BackendMismatchError, "CPU_DEVICE", "device1"
    ),
    Mistake(
        "labels-device",
        lambda: loss(labels([0, 1], device="device1")),
        BackendMismatchError,
        ("SoftmaxWithLoss", "t is", "CPU_DEVICE", "device1"),
    ),
    Mistake(
        "accuracy-labels-device",
        lambda: net().accuracy(floats(2, 3), labels([0, 1], device="device1")),
        BackendMismatchError,
        ("accuracy", "t is", "CPU_DEVICE", "device1"),
    ),
    Mistake(
        "rebound-device",
        lambda: rebound(b2=elsewhere(2)).predict(floats(2, 3)),
        BackendMismatchError,
        ("Affine", "CPU_DEVICE", "device1", "layer Affine2"),
    ),
    Mistake(
        "home-device",
        lambda: ReLU(xp=xpnet.get_backend()).forward(elsewhere(2)),
        BackendMismatchError,
        ("ReLU", "CPU_DEVICE", "device1", "layer.to("),
    ),
    Mistake(
        "net-moved-alone",
        lambda: net().to(device="device1").predict(floats(2, 3)),
        BackendMismatchError,
        ("Affine", "CPU_DEVICE", "device1", "layer Affine1"),
    ),
]
