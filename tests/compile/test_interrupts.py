"""After an interrupt at any line of a step, everything is as before the step or as after."""

from __future__ import annotations

import copy
import sys
from collections import Counter
from contextlib import suppress

import numpy as np
import pytest
from optimizers.catalog import OPTIMIZERS
from soak import quick_or_soak

import xpnet
from xpnet import Affine, Dropout, ReLU, Sequential
from xpnet.compiled.eager import EagerStep
from xpnet.testing import backends_to_test

PACKAGE = xpnet.__file__.rpartition("__init__")[0]


class Interrupt(KeyboardInterrupt):
    pass


def traced(function, on_event):
    """Call a function, and something else at each line of xpnet's that it comes to."""

    def on_line(frame, event, arg):
        if event == "line":
            on_event((frame.f_code.co_filename, frame.f_lineno))
        return on_line

    def on_call(frame, event, arg):
        return on_line if frame.f_code.co_filename.startswith(PACKAGE) else None

    before = sys.gettrace()
    sys.settrace(on_call)
    try:
        function()
    finally:
        sys.settrace(before)


def lines_of(function, stride=1):
    """Return the lines that a function comes to, each with its first time and its last.

    In their order; or some of them, with the first and the last. A soak test takes all.
    """
    seen = []
    traced(function, seen.append)
    first = {line: i for i, line in reversed(list(enumerate(seen)))}
    last = {line: i for i, line in enumerate(seen)}
    count = Counter(seen)
    moments = sorted(
        {(i, line, 1) for line, i in first.items()}
        | {(i, line, count[line]) for line, i in last.items()}
    )
    *before, end = [(line, time) for _, line, time in moments]
    return [*before[:: quick_or_soak(stride, 1)], end]


def interrupted(function, line, time):
    """Call a function, and interrupt it when it comes to a line for the first time, or a later."""
    seen = Counter()

    def on_event(here):
        seen[here] += 1
        if here == line and seen[here] == time:
            sys.settrace(None)
            raise Interrupt

    with suppress(Interrupt):
        traced(function, on_event)


class RunningMean(xpnet.Layer):
    """Has a buffer and a counter, and a layer inside it that has one, too."""

    counters = ("count",)

    def __init__(self):
        super().__init__()
        self.mean = xpnet.asarray(np.zeros(4))
        self.count = 0
        self.dropout = Dropout(0.25, seed=3)

    def forward(self, x):
        self.mean = 0.5 * self.mean + 0.5 * x[0, :]
        self.count = self.count + 1
        return self.dropout.forward(x - self.mean)

    def backward(self, dout):
        return self.dropout.backward(dout)


def plain_net():
    return xpnet.TwoLayerNet(3, 4, 3, weight_init_std=0.5, seed=0)


def net_with_state():
    return Sequential(
        Affine.random(3, 4, weight_init_std=0.5, seed=0),
        RunningMean(),
        ReLU(),
        Dropout(0.25, seed=5),
        Affine.random(4, 3, weight_init_std=0.5, seed=1),
    )


class HalfOfEach:
    """An optimizer of a user's own."""

    def __init__(self):
        self.steps = 0

    def update(self, params, grads):
        self.steps += 1
        for name in grads:
            params[name] -= 0.5 * grads[name]


def state_of(net, optimizer):
    """Return all that a step may change, on the host."""
    found = {f"params {name}": array for name, array in net.params.items()}
    for name, layer in net.children.items():
        for inner, each in {"": layer, **layer.children}.items():
            found |= {f"{name} {inner} {key}": value for key, value in each.buffers.items()}
    if isinstance(optimizer, HalfOfEach):
        found["steps"] = optimizer.steps
    else:
        found["steps"] = optimizer.steps
        for name, memory in optimizer.state.items():
            found |= {f"state {name} {key}": value for key, value in memory.items()}
    return {name: np.array(xpnet.to_numpy(value)) for name, value in found.items()}


def are_equal(found, expected, tolerance=0.0):
    return found.keys() == expected.keys() and all(
        np.allclose(found[name], value, rtol=tolerance, atol=tolerance, equal_nan=True)
        for name, value in expected.items()
    )


def pipeline():
    transforms = [xpnet.weight_decay(0.1, only="*.W"), xpnet.noise(0.1, seed=0)]
    return OPTIMIZERS["Adam"].make(
        lr=xpnet.StepDecay(0.1, every=2),
        transforms=[*transforms, xpnet.clip_norm(0.5)],
        groups={"b1": {"lr": 0.2}},
    )


def scheduled():
    return OPTIMIZERS["Adam"].make(lr=xpnet.ExponentialDecay(0.1, factor=0.9))


CASES = {
    "SGD": (plain_net, OPTIMIZERS["SGD"].make),
    "Adam": (plain_net, OPTIMIZERS["Adam"].make),
    "pipeline": (plain_net, pipeline),
    "scheduled": (plain_net, scheduled),
    "state": (net_with_state, OPTIMIZERS["Adam"].make),
    "own optimizer": (net_with_state, HalfOfEach),
}


def batch():
    rng = np.random.default_rng(0)
    return xpnet.asarray(rng.standard_normal((4, 3))), xpnet.asarray(np.asarray([0, 2, 1, 1]))


def after_a_step(step, x, t):
    net, optimizer = copy.deepcopy((step.net, step.optimizer))
    EagerStep(net, optimizer)(x, t)
    return state_of(net, optimizer)


def pytest_generate_tests(metafunc):
    if (
        "library" in metafunc.fixturenames
    ):  # the lines are the same in each dtype and on each device
        option = metafunc.config.getoption("--xpnet-backends")
        places = backends_to_test(option and option.split(","), dtypes=["float32"])
        names = list(dict.fromkeys(place.name for place in places))
        metafunc.parametrize("library", names, indirect=True)


@pytest.fixture
def library(request):
    with xpnet.use_backend(request.param):
        yield request.param


@pytest.mark.parametrize("case", CASES)
def test_a_step_is_whole_wherever_it_is_interrupted(case, library):
    make_net, make_optimizer = CASES[case]
    x, t = batch()
    step = xpnet.compile(make_net(), make_optimizer())
    for _ in range(2):
        step(x, t)
    # An eager step comes to ten times as many, and the others of these to more.
    stride = (1 if case in ("SGD", "Adam") else 7) * (1 if library in ("numpy", "jax") else 41)
    assert_whole(step, x, t, lines_of(lambda: step(x, t), stride), library)


def assert_whole(step, x, t, lines, library, anew=lambda step: step):
    outcomes = set()
    for line, time in lines:
        step = anew(step)
        before, after = state_of(step.net, step.optimizer), after_a_step(step, x, t)
        interrupted(lambda: step(x, t), line, time)  # noqa: B023 - called at once
        found = state_of(step.net, step.optimizer)
        is_after = are_equal(found, after, 1e-5 if library == "jax" else 0)
        assert is_after or are_equal(found, before), f"interrupted at {line}, it is neither"
        outcomes.add(is_after)
    step(x, t)
    assert outcomes == {False, True}


@pytest.mark.parametrize("case", CASES)
def test_the_first_step_is_whole_too(case, library):
    make_net, make_optimizer = CASES[case]
    x, t = batch()

    def anew(_step=None):
        return xpnet.compile(make_net(), make_optimizer())

    stride = 499 if library == "jax" else 197  # a trace takes a second
    assert_whole(anew(), x, t, lines_of(lambda: anew()(x, t), stride), library, anew)


def test_an_eager_update_is_whole_wherever_it_is_interrupted(library):
    net, optimizer = plain_net(), OPTIMIZERS["Adam"].make()
    grads = net.gradient(*batch())
    optimizer.update(net.params, grads)
    outcomes = set()
    stride = 1 if library == "numpy" else 7
    for line, time in lines_of(lambda: optimizer.update(net.params, grads), stride):
        before = state_of(net, optimizer)
        twin, twins = copy.deepcopy((net, optimizer))
        twins.update(twin.params, grads)
        interrupted(lambda: optimizer.update(net.params, grads), line, time)
        found = state_of(net, optimizer)
        is_before = are_equal(found, before)
        assert is_before or are_equal(found, state_of(twin, twins)), line
        outcomes.add(is_before)
    assert outcomes == {True, False}
