"""Sizes, rates and other numbers that are set once, and functions to differentiate."""

from __future__ import annotations

from typing import Any

from errors.mistakes.arrays import floats, net
from errors.mistakes.mistake import Mistake

import xpnet
from xpnet import SGD, Adam, Affine, DTypeError, Momentum, SettingError, ShapeError, TwoLayerNet

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
    Mistake("lr-negative", lambda: SGD(lr=-0.1), SettingError, ("SGD: lr is -0.1", "not negative")),
    Mistake("lr-nan", lambda: SGD(lr=float("nan")), SettingError, ("SGD: lr is nan", "finite")),
    Mistake(
        "lr-infinite", lambda: SGD(lr=float("inf")), SettingError, ("SGD: lr is inf", "finite")
    ),
    Mistake("lr-text", lambda: SGD(lr="0.1"), SettingError, ("SGD: lr is '0.1'", "number")),
    Mistake("lr-none", lambda: SGD(lr=None), SettingError, ("SGD: lr is None", "number")),
    Mistake("lr-complex", lambda: SGD(lr=1j), SettingError, ("SGD: lr is 1j", "number")),
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
        ("SGD", "no gradient for 'Affine1.W'", "call backward"),
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
    Mistake("lr-set-later", lambda: setattr(SGD(), "lr", -1), SettingError, ("SGD: lr is -1",)),
    Mistake(
        "momentum-one",
        lambda: Momentum(momentum=1),
        SettingError,
        ("Momentum: momentum is 1", "less than 1"),
    ),
    Mistake(
        "beta-nan",
        lambda: Adam(beta2=float("nan")),
        SettingError,
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
