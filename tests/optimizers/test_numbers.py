"""Python numbers as parameters, as in the book's pictures of optimizers."""

from __future__ import annotations

import math

import numpy as np
import pytest

import xpnet
from xpnet import SGD, AdaGrad, Adam, Momentum, Nesterov, clip_norm, clip_value, noise, weight_decay

# The book's rules, on numbers: what each makes of a parameter, a gradient, a memory and the step.


def book_sgd(x, g, memory, step):
    return x - 0.95 * g, memory


def book_momentum(x, g, v, step):
    v = 0.9 * (v or 0.0) - 0.1 * g
    return x + v, v


def book_nesterov(x, g, v, step):
    v = 0.9 * (v or 0.0) - 0.1 * g
    return x + 0.9 * v - 0.1 * g, v


def book_adagrad(x, g, h, step):
    h = (h or 0.0) + g * g
    return x - 1.5 * g / (math.sqrt(h) + 1e-7), h


def book_adam(x, g, memory, step):
    m, v = memory or (0.0, 0.0)
    m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
    size = math.sqrt(v / (1 - 0.999**step)) + 1e-8
    return x - 0.3 * m / (1 - 0.9**step) / size, (m, v)


BOOK = {
    "SGD": (lambda: SGD(lr=0.95), book_sgd),
    "Momentum": (lambda: Momentum(lr=0.1), book_momentum),
    "Nesterov": (lambda: Nesterov(lr=0.1), book_nesterov),
    "AdaGrad": (lambda: AdaGrad(lr=1.5), book_adagrad),
    "Adam": (lambda: Adam(lr=0.3), book_adam),
}


@pytest.mark.parametrize("name", BOOK)
def test_the_way_down_is_that_of_the_books_picture(name, xpnet_backend):
    make, rule = BOOK[name]
    with xpnet.use_backend(xpnet_backend):
        optimizer = make()
        params = {"x": -7.0, "y": 2.0}
        expected, memory = dict(params), dict.fromkeys(params)
        for step in range(30):
            optimizer.update(params, {"x": params["x"] / 10.0, "y": 2.0 * params["y"]})
            grads = {"x": expected["x"] / 10.0, "y": 2.0 * expected["y"]}
            for key, g in grads.items():
                expected[key], memory[key] = rule(expected[key], g, memory[key], step + 1)

    assert all(type(number) is float for number in params.values())
    for key, number in expected.items():
        assert params[key] == pytest.approx(number, rel=1e-12, abs=1e-12)


def test_every_optimizer_takes_numbers_and_is_the_same_as_on_arrays(entry, xpnet_backend):
    params, arrays = {"x": -7.0, "y": 2}, {"x": np.asarray(-7.0), "y": np.asarray(2.0)}
    transforms = [weight_decay(0.1), noise(0.1, seed=1), clip_norm(5.0), clip_value(3.0)]
    with xpnet.use_backend(xpnet_backend):
        optimizer = entry.make(transforms=transforms, groups={"y": {"lr": 0.25}})
        for step in range(3):
            optimizer.update(params, {"x": step - 7, "y": np.float32(step)})
    twin = entry.make(transforms=transforms, groups={"y": {"lr": 0.25}})
    for step in range(3):
        twin.update(arrays, {"x": np.asarray(step - 7.0), "y": np.asarray(float(step))})

    for key, array in arrays.items():
        assert type(params[key]) is float
        assert params[key] == pytest.approx(float(array), rel=1e-15, abs=1e-15)
    assert optimizer.steps == 3
    for memory in optimizer.state.values():
        assert all(np.asarray(value).dtype in ("float64", "int64") for value in memory.values())


@pytest.mark.parametrize("kind", [float, int, np.float64, np.float32, np.int64])
def test_whatever_kind_a_number_is_of_a_float_comes_out(kind):
    params = {"x": kind(3)}

    SGD(0.5).update(params, {"x": kind(2)})

    assert params == {"x": 2.0}
    assert type(params["x"]) is float


def test_numbers_may_stand_beside_arrays(xpnet_backend):
    W = xpnet.asarray(np.ones(2), xp=xpnet_backend)
    params, grads = {"x": 1.0, "W": W}, {"x": 1.0, "W": W * 0 + 1}

    optimizer = Momentum(0.5)
    optimizer.update(params, grads)

    assert params["x"] == 0.5
    np.testing.assert_array_equal(xpnet.to_numpy(params["W"]), 0.5)
    assert grads["x"] == 1.0


def test_a_pure_step_takes_numbers_too():
    params = {"x": 1.0}
    optimizer = Momentum(0.5, momentum=0.5)

    found, state = optimizer.apply(params, {"x": 1.0}, {})
    again, _ = optimizer.apply(found, {"x": 1.0}, state)

    assert (params, found, again) == ({"x": 1.0}, {"x": 0.5}, {"x": -0.25})


def test_a_number_that_is_not_finite_is_passed_on():
    params = {"x": 1.0, "y": math.inf}
    SGD(0.5).update(params, {"x": math.nan, "y": 1.0})

    assert math.isnan(params["x"])
    assert params["y"] == math.inf


def test_a_function_of_ones_own_may_return_numbers_for_numbers():
    params = {"x": 1.0}
    SGD(0.5, transforms=[lambda g, w, step: {"x": g["x"] / 2 + w["x"] * step}]).update(
        params, {"x": 1.0}
    )

    assert params == {"x": 0.75}
