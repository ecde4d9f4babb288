"""Schedules: the numbers they give, and how an optimizer follows them."""

from __future__ import annotations

import copy
import math
import pickle
from dataclasses import FrozenInstanceError, dataclass

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import xpnet
from xpnet import (
    SGD,
    Adam,
    Constant,
    CosineDecay,
    ExponentialDecay,
    Momentum,
    OneCycle,
    Schedule,
    SettingError,
    StepDecay,
)

SCHEDULES = {
    "constant": (Constant(0.5), [0.5] * 6),
    "steps": (StepDecay(0.5, every=2), [0.5, 0.5, 0.05, 0.05, 0.005, 0.005]),
    "exponential": (ExponentialDecay(0.5, 0.5), [0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015625]),
    "exponential, slow": (ExponentialDecay(9.0, 0.25, every=2), [9, 4.5, 2.25, 1.125, 0.5625]),
    "growing": (ExponentialDecay(1.0, 2.0), [1, 2, 4, 8]),
    "to nothing": (StepDecay(0.5, every=1, factor=0), [0.5, 0, 0]),
    "cosine": (CosineDecay(1.0, steps=4), [1, (2 + 2**0.5) / 4, 0.5, (2 - 2**0.5) / 4, 0, 0, 0]),
    "cosine to 2": (CosineDecay(4.0, steps=2, end=2.0), [4, 3, 2, 2]),
    "warm-up": (
        CosineDecay(3.0, steps=5, warmup=3, start=0.75, end=1.0),
        [0.75, 1.5, 2.25, 3, 2, 1, 1],
    ),
    "one step of warm-up": (CosineDecay(3.0, steps=2, warmup=1), [0, 3, 0]),
    "one cycle": (
        OneCycle(3.0, steps=6, rise=0.5, start=1.0, end=0.0),
        [1, 2, 3, 2.25, 0.75, 0, 0],
    ),
    "defaults of one cycle": (
        OneCycle(25.0, steps=10),
        [1, 13, 25, 23.762, 20.294, 15.281, 9.719, 4.706, 1.238, 1e-4, 1e-4],
    ),
    "one cycle down alone": (OneCycle(2.0, steps=3, rise=0.3, end=0.0), [2, 1, 0, 0]),
    "one cycle of one step": (OneCycle(2.0, steps=1, end=0.5), [0.5, 0.5]),
    "nearly all up": (OneCycle(2.0, steps=3, rise=0.99, start=0.0, end=0.5), [0, 1.0247, 0.5]),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_numbers_are_those_of_the_formula(name):
    schedule, expected = SCHEDULES[name]

    found = [schedule(step) for step in range(len(expected))]

    rough = name in ("defaults of one cycle", "nearly all up")
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-3 if rough else 1e-15)
    assert all(number >= 0 for number in found)


def test_one_cycle_begins_and_ends_far_below_its_peak():
    assert OneCycle(25.0, steps=10)(0) == 1
    assert OneCycle(25.0, steps=10)(9) == 1e-4
    assert OneCycle(25.0, steps=10, start=2.0)(20) == 2e-4


@pytest.mark.parametrize("schedule", [each for each, _ in SCHEDULES.values()], ids=repr)
def test_a_schedule_is_copied_compared_and_frozen(schedule):
    assert pickle.loads(pickle.dumps(schedule)) == copy.deepcopy(schedule) == schedule
    assert isinstance(schedule, Schedule)
    with pytest.raises(FrozenInstanceError):
        schedule.start = 2.0
    assert math.isfinite(schedule(10**9)) or schedule == ExponentialDecay(1.0, 2.0)


def test_the_base_class_has_no_formula():
    with pytest.raises(NotImplementedError):
        Schedule()(0)


def moves(optimizer, steps):
    """Return by how much each step moves a parameter whose gradient is 1."""
    params, moved = {"x": 0.0}, []
    for _ in range(steps):
        before = params["x"]
        optimizer.update(params, {"x": 1.0})
        moved.append(before - params["x"])
    return moved


def test_a_rate_is_that_of_the_step():
    assert moves(SGD(StepDecay(1.0, every=2, factor=0.5)), 5) == [1, 1, 0.5, 0.5, 0.25]
    assert moves(SGD(lambda step: 2.0**-step), 4) == [1, 0.5, 0.25, 0.125]


def test_every_setting_may_follow_a_schedule(entry):
    for name, value in entry.settings.items():
        plain, scheduled = entry.make(), entry.make(**{name: lambda step: 0.5 if step else value})  # noqa: B023
        params, expected = {"W": np.ones(3)}, {"W": np.ones(3)}
        for step in range(3):
            if step == 1:
                setattr(plain, name, 0.5)
            assert scheduled.settings == plain.settings
            plain.update(expected, {"W": np.full(3, step - 0.5)})
            scheduled.update(params, {"W": np.full(3, step - 0.5)})
            assert_array_equal(params["W"], expected["W"])


def test_the_rate_shows_the_schedule_and_settings_show_the_number():
    optimizer = SGD(StepDecay(1.0, every=1, factor=0.5))
    assert moves(optimizer, 2) == [1, 0.5]

    assert optimizer.lr == StepDecay(1.0, every=1, factor=0.5)
    assert optimizer.settings == {"lr": 0.25}
    assert repr(optimizer) == "SGD(lr=StepDecay(start=1.0, every=1, factor=0.5))"
    assert optimizer.numbers(step=0).settings == {"lr": 1}


def test_steps_are_counted_without_a_schedule_too():
    optimizer = SGD(1.0)
    moves(optimizer, 2)
    optimizer.lr = StepDecay(1.0, every=1, factor=0.5)

    assert optimizer.steps == 2
    assert moves(optimizer, 2) == [0.25, 0.125]


def test_steps_go_into_copies_and_can_be_put_back():
    optimizer = Momentum(StepDecay(1.0, every=1, factor=0.5))
    moves(optimizer, 2)
    twins = copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))
    saved = optimizer.state, optimizer.steps

    expected = moves(optimizer, 3)

    optimizer.state, optimizer.steps = saved
    assert [moves(each, 3) for each in (*twins, optimizer)] == [expected] * 3


@pytest.mark.parametrize("bad", [math.nan, -1.0, "0.1"])
def test_after_a_bad_number_nothing_has_changed(bad, xpnet_backend):
    optimizer = Adam(lambda step: 0.1 if step != 2 else bad)
    params = {"W": xpnet.asarray(np.ones(3), xp=xpnet_backend)}
    grads = {"W": xpnet.asarray(np.ones(3), xp=xpnet_backend)}
    for _ in range(2):
        optimizer.update(params, grads)
    before, state = xpnet.to_numpy(params["W"]).copy(), optimizer.state

    with pytest.raises(SettingError, match="step 2"):
        optimizer.update(params, grads)

    assert_array_equal(xpnet.to_numpy(params["W"]), before)
    assert optimizer.state is state
    assert optimizer.steps == 2
    optimizer.lr = 0.1
    optimizer.update(params, grads)
    assert optimizer.state["W"]["step"] == 3


def test_an_error_in_a_schedule_of_ones_own_is_passed_on():
    optimizer = SGD(lambda step: 1 / (step - 1))
    params = {"x": 0.0}
    optimizer.lr = lambda step: 1 / step

    with pytest.raises(ZeroDivisionError):
        optimizer.update(params, {"x": 1.0})

    assert (params, optimizer.steps) == ({"x": 0.0}, 0)


def test_a_pure_step_takes_the_number_of_the_step():
    optimizer = SGD(StepDecay(1.0, every=1, factor=0.5))
    params, grads = {"W": np.zeros(1)}, {"W": np.ones(1)}

    assert optimizer.apply(params, grads, {})[0]["W"] == -1
    assert optimizer.apply(params, grads, {}, step=2)[0]["W"] == -0.25
    assert optimizer.apply(params, grads, {}, {"lr": 3}, step=2)[0]["W"] == -3
    assert optimizer.steps == 0


def test_a_schedule_is_not_asked_for_a_number_that_is_given():
    def forbidden(step):
        raise AssertionError

    params, _ = SGD(forbidden).apply({"W": np.zeros(1)}, {"W": np.ones(1)}, {}, {"lr": 1})

    assert params["W"] == -1


def test_training_prints_and_follows_a_schedule():
    digits = xpnet.datasets.load_digits()
    net = xpnet.TwoLayerNet(64, 8, 10, weight_init_std=0.1, seed=0)
    optimizer = SGD(CosineDecay(0.5, steps=100, warmup=5))

    history = xpnet.training.train(net, optimizer, *digits, iterations=100, seed=0)

    assert optimizer.steps == 100
    assert optimizer.settings["lr"] == 0
    assert history.losses[-1] < 0.95 * history.losses[0]


@dataclass
class Plateau(Schedule):
    """One's own, which is changed from outside."""

    rate: float

    def __call__(self, step):
        return self.rate


def test_a_schedule_of_ones_own_may_be_changed():
    rate = Plateau(1.0)
    optimizer = SGD(rate)
    assert moves(optimizer, 1) == [1]
    rate.rate = 0.5
    assert moves(optimizer, 1) == [0.5]


BAD = {
    "start": (StepDecay, {"start": 1.0, "every": 2, "factor": 0.5}),
    "factor": (StepDecay, {"start": 1.0, "every": 2, "factor": 0.5}),
    "every": (ExponentialDecay, {"start": 1.0, "factor": 0.5, "every": 2}),
    "peak": (CosineDecay, {"peak": 1.0, "steps": 4}),
    "end": (CosineDecay, {"peak": 1.0, "steps": 4, "end": 0.5}),
    "steps": (CosineDecay, {"peak": 1.0, "steps": 4}),
    "warmup": (CosineDecay, {"peak": 1.0, "steps": 4, "warmup": 1}),
    "rise": (OneCycle, {"peak": 1.0, "steps": 4, "rise": 0.5}),
}


@pytest.mark.parametrize("bad", [-1, math.nan, "1"])
@pytest.mark.parametrize("name", BAD)
def test_a_schedule_of_what_cannot_be_is_not_made(name, bad):
    kind, settings = BAD[name]
    kind(**settings)

    with pytest.raises(SettingError, match=rf"^{kind.__name__}: {name} is "):
        kind(**settings | {name: bad})


@pytest.mark.parametrize("name", ["peak", "start", "end", "steps", "rise"])
def test_a_cycle_of_what_cannot_be_is_not_made(name):
    with pytest.raises(SettingError, match=rf"^OneCycle: {name} is -1; it must be"):
        OneCycle(**{"peak": 1.0, "steps": 4, name: -1})
    with pytest.raises(SettingError, match=r"rise is 0; it must be more than 0"):
        OneCycle(1.0, steps=4, rise=0)
