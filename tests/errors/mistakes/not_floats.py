"""What is not an array of floats, in every place where one belongs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from errors.mistakes.arrays import (
    affine,
    after_forward,
    after_loss,
    booleans,
    complexes,
    floats,
    foreign,
    integers,
    labels,
    nested_list,
    nothing,
    probabilities,
)
from errors.mistakes.mistake import Mistake

import xpnet
from xpnet import (
    SGD,
    Adam,
    AddLayer,
    Affine,
    BackendMismatchError,
    DTypeError,
    MulLayer,
    ReLU,
    Sigmoid,
    SoftmaxWithLoss,
    ops,
)


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
    Place("xpnet.ops.affine", "x", (2, 3), lambda x: affine().forward(x)),
    Place("Affine", "W", (3, 4), lambda W: Affine(W, floats(4))),
    Place("Affine", "b", (4,), lambda b: Affine(floats(3, 4), b)),
    Place("xpnet.relu", "x", (2, 3), lambda x: ReLU().forward(x)),
    Place("xpnet.sigmoid", "x", (2, 3), lambda x: Sigmoid().forward(x)),
    Place("xpnet.ops.add", "x", (2, 3), lambda x: AddLayer().forward(x, floats(2, 3))),
    Place("xpnet.ops.add", "y", (2, 3), lambda y: AddLayer().forward(floats(2, 3), y)),
    Place("xpnet.ops.mul", "x", (2, 3), lambda x: MulLayer().forward(x, floats(2, 3))),
    Place("xpnet.ops.mul", "y", (2, 3), lambda y: MulLayer().forward(floats(2, 3), y)),
    Place(
        "xpnet.ops.softmax_with_loss",
        "x",
        (2, 3),
        lambda x: SoftmaxWithLoss().forward(x, labels([0, 1])),
    ),
    Place("xpnet.softmax", "x", (2, 3), lambda x: xpnet.softmax(x)),
    Place("xpnet.log_softmax", "x", (2, 3), lambda x: xpnet.log_softmax(x)),
    Place(
        "xpnet.cross_entropy_error",
        "y",
        (2, 3),
        lambda y: xpnet.cross_entropy_error(y, labels([0])),
    ),
    Place("numerical_gradient", "x", (3,), lambda x: xpnet.numerical_gradient(np.sum, x)),
    Place("SGD", "params['W']", (3,), lambda W: SGD().update({"W": W}, {"W": floats(3)})),
    Place("Adam", "params['W']", (3,), lambda W: Adam().update({"W": W}, {"W": floats(3)})),
    Place("xpnet.ops.sgd_update", "param", (3,), lambda W: ops.sgd_update(W, floats(3), 0.1)),
]

# These must fit an output as well.
BACKWARD = [
    Place(
        "xpnet.ops.affine_backward",
        "dout",
        (2, 4),
        lambda d: after_forward(affine(), floats(2, 3)).backward(d),
    ),
    Place(
        "xpnet.ops.relu_backward",
        "dout",
        (2, 3),
        lambda d: after_forward(ReLU(), floats(2, 3)).backward(d),
    ),
    Place(
        "xpnet.ops.sigmoid_backward",
        "dout",
        (2, 3),
        lambda d: after_forward(Sigmoid(), floats(2, 3)).backward(d),
    ),
    Place(
        "xpnet.ops.add_backward",
        "dout",
        (2, 3),
        lambda d: after_forward(AddLayer(), floats(2, 3), floats(3)).backward(d),
    ),
    Place(
        "xpnet.ops.mul_backward",
        "dout",
        (2, 3),
        lambda d: after_forward(MulLayer(), floats(2, 3), floats(3)).backward(d),
    ),
    Place("xpnet.ops.softmax_with_loss_backward", "dout", (), lambda d: after_loss().backward(d)),
    Place(
        "xpnet.ops.softmax_backward",
        "dout",
        (2, 3),
        lambda d: ops.softmax_backward(d, probabilities(2, 3)),
    ),
    Place(
        "xpnet.ops.log_softmax_backward",
        "dout",
        (2, 3),
        lambda d: ops.log_softmax_backward(d, floats(2, 3)),
    ),
    Place(
        "xpnet.ops.cross_entropy_error_backward",
        "dout",
        (),
        lambda d: ops.cross_entropy_error_backward(d, probabilities(2, 3), labels([0, 1])),
    ),
    Place("SGD", "grads['W']", (3,), lambda dW: SGD().update({"W": floats(3)}, {"W": dW})),
    Place("Adam", "grads['W']", (3,), lambda dW: Adam().update({"W": floats(3)}, {"W": dW})),
    Place(
        "xpnet.ops.momentum_update",
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


def in_each_place(
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
    *in_each_place(
        FORWARD + BACKWARD, "integers", integers, DTypeError, "int64", "dtype='float32'"
    ),
    *in_each_place(FORWARD + BACKWARD, "booleans", booleans, DTypeError, "bool", "dtype='float32'"),
    *in_each_place(FORWARD + BACKWARD, "complex", complexes, DTypeError, "complex128", "float64"),
    *in_each_place(FORWARD + BACKWARD, "none", nothing, BackendMismatchError, "None, not an array"),
    *in_each_place(
        [place for place in FORWARD + BACKWARD if place.shape],  # of shape (), it is a number
        "list",
        nested_list,
        BackendMismatchError,
        "of type list, not an array",
        "xpnet.asarray(",
    ),
    *in_each_place(SHARED + BACKWARD, "foreign", foreign, BackendMismatchError, ".to(", "xp="),
    Mistake(
        "affine-backward-x-integers",
        lambda: ops.affine_backward(floats(2, 4), integers(2, 3), floats(3, 4)),
        DTypeError,
        ("xpnet.ops.affine_backward", "x is int64"),
    ),
    Mistake(
        "relu-number", lambda: ReLU().forward(3.0), BackendMismatchError, ("xpnet.relu", "float")
    ),
    Mistake(
        "relu-strings",
        lambda: ReLU().forward(np.asarray(["a", "b"])),
        DTypeError,
        ("xpnet.relu", "x is str", "floats"),
    ),
    Mistake(
        "sigmoid-objects",
        lambda: Sigmoid().forward(np.asarray([1.0, None])),
        DTypeError,
        ("xpnet.sigmoid", "x is object", "floats"),
    ),
    Mistake(
        "add-string",
        lambda: AddLayer().forward(1, "2"),
        BackendMismatchError,
        ("xpnet.ops.add", "y is of type str"),
    ),
    Mistake(
        "mul-complex-number",
        lambda: MulLayer().forward(1j, floats(2)),
        BackendMismatchError,
        ("xpnet.ops.mul", "x is of type complex"),
    ),
    Mistake(
        "home-list",
        lambda: ReLU(xp=xpnet.get_backend()).forward([1.0]),
        BackendMismatchError,
        ("xpnet.relu", "x is of type list", "xpnet.asarray(x)"),
    ),
]
