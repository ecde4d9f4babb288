"""Nets that are none, and parameters that do not fit."""

from __future__ import annotations

from typing import Any

from errors.mistakes.arrays import (
    affine,
    after_forward,
    floats,
    foreign,
    integers,
    labels,
    nested_list,
    net,
)
from errors.mistakes.mistake import Mistake

from xpnet import (
    Affine,
    BackendMismatchError,
    DTypeError,
    ReLU,
    Sequential,
    ShapeError,
    SoftmaxWithLoss,
)


def rebound(name: str, array: Any) -> Sequential:
    """A net with a new array in the place of a parameter."""
    result = net()
    result.params[name] = array
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
        lambda: rebound("Affine1.W", floats(3, 5)).predict(floats(2, 3)),
        ShapeError,
        ("xpnet.ops.affine", "W has shape (3, 5)", "b has shape (4,)", "layer Affine1"),
    ),
    Mistake(
        "rebound-bias-shape",
        lambda: rebound("Affine2.b", floats(2, 1)).predict(floats(2, 3)),
        ShapeError,
        ("xpnet.ops.affine", "b has shape (2, 1)", "layer Affine2"),
    ),
    Mistake(
        "rebound-integers",
        lambda: rebound("Affine1.W", integers(3, 4)).predict(floats(2, 3)),
        DTypeError,
        ("xpnet.ops.affine", "W is int64", "layer Affine1"),
    ),
    Mistake(
        "rebound-library",
        lambda: rebound("Affine1.b", foreign(4)).predict(floats(2, 3)),
        BackendMismatchError,
        ("xpnet.ops.affine", "b is", "layer Affine1"),
    ),
    Mistake(
        "rebound-list",
        lambda: rebound("Affine1.W", nested_list(3, 4)).predict(floats(2, 3)),
        BackendMismatchError,
        ("xpnet.ops.affine", "W is of type list", "layer Affine1"),
    ),
    Mistake(
        "rebound-layer-shape",
        lambda: affine_with(W=floats(5, 4)).forward(floats(2, 3)),
        ShapeError,
        ("xpnet.ops.affine", "x has shape (2, 3)", "W has shape (5, 4)"),
    ),
    Mistake(
        "rebound-layer-bias",
        lambda: affine_with(b=floats(3)).forward(floats(2, 3)),
        ShapeError,
        ("xpnet.ops.affine", "W has shape (3, 4)", "b has shape (3,)"),
    ),
    Mistake(
        "rebound-layer-library",
        lambda: affine_with(W=foreign(3, 4), b=foreign(4)).forward(floats(2, 3)),
        BackendMismatchError,
        ("xpnet.ops.affine", "x is", "W is", "layer.to("),
    ),
    Mistake(
        "rebound-layer-none",
        lambda: affine_with(b=None).forward(floats(2, 3)),
        BackendMismatchError,
        ("xpnet.ops.affine", "b is None"),
    ),
    Mistake(
        "unknown-parameter",
        lambda: net().params["Affine3.W"],
        KeyError,
        ("no parameter 'Affine3.W'", "Affine1.W, Affine1.b, Affine2.W, Affine2.b"),
    ),
    Mistake(
        "unknown-parameter-set",
        lambda: rebound("w1", floats(3, 4)),
        KeyError,
        ("no parameter 'w1'", "Affine1.W, Affine1.b, Affine2.W, Affine2.b"),
    ),
    Mistake("deleted-parameter", lambda: delete("W1"), TypeError, ("W1", "a layer needs all its")),
    Mistake("deleted-unknown-parameter", lambda: delete("W9"), TypeError, ("W9",)),
    Mistake("layer-twice", twice, ValueError, ("ReLU1 and ReLU2", "same layer", "make two")),
    Mistake("net-twice", net_in_itself, ValueError, ("Sequential1 and Sequential2", "same layer")),
    Mistake(
        "loss-twice",
        loss_among_the_layers,
        ValueError,
        ("SoftmaxWithLoss1 and last_layer", "same layer"),
    ),
    Mistake(
        "affine-sizes",
        lambda: Affine(2, 3),
        BackendMismatchError,
        ("Affine: W and b are arrays", "Affine.random(2, 3)"),
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
        (
            "Sequential",
            "a list is no layer",
            "forward, backward, params and grads",
            "Sequential(*layers)",
        ),
    ),
    Mistake(
        "net-x",
        lambda: net().predict(floats(2, 4)),
        ShapeError,
        ("xpnet.ops.affine", "(2, 4)", "(3, 4)", "layer Affine1"),
    ),
    Mistake(
        "net-x-library",
        lambda: net().loss(foreign(2, 3), labels([0, 1])),
        BackendMismatchError,
        ("xpnet.ops.affine", "x is", "W is", "layer Affine1"),
    ),
    Mistake(
        "net-layers-do-not-fit",
        lambda: Sequential(affine(), affine()).predict(floats(2, 3)),
        ShapeError,
        ("xpnet.ops.affine", "W has shape (3, 4)", "layer Affine2"),
    ),
    Mistake(
        "net-dout",
        lambda: after_forward(net(), floats(2, 3)).backward(floats(2, 3)),
        ShapeError,
        ("xpnet.ops.affine_backward", "dout has shape (2, 3)", "(2, 2)"),
    ),
    Mistake(
        "net-numerical-gradient-labels",
        lambda: net().numerical_gradient(floats(2, 3), labels([0.0, 1.0])),
        DTypeError,
        ("xpnet.ops.softmax_with_loss", "integers, not float64"),
    ),
]
