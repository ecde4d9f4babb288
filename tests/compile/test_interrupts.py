"""After an interrupt at any line of a compiled step, everything is as before the step or as after."""

from __future__ import annotations

import copy
import sys

import numpy as np
import pytest
from optimizers.catalog import OPTIMIZERS

import xpnet
from xpnet import Affine, Dropout, ReLU, Sequential
from xpnet.compiled.eager import EagerStep
from xpnet.dtypes import dtype_name

PACKAGE = xpnet.__file__.rpartition("__init__")[0]


class Interrupt(KeyboardInterrupt):
    pass


def interrupted(function, at):
    """Call a function, and raise at a line of xpnet's; return whether it came to that line."""
    seen = 0

    def on_line(frame, event, arg):
        nonlocal seen
        if event == "line":
            seen += 1
            if seen == at:
                sys.settrace(None)
                raise Interrupt
        return on_line

    def on_call(frame, event, arg):
        return on_line if frame.f_code.co_filename.startswith(PACKAGE) else None

    before = sys.gettrace()
    sys.settrace(on_call)
    try:
        function()
    except Interrupt:
        return True
    finally:
        sys.settrace(before)
    return False


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
        for name, memory in optimizer.state.items():
            found |= {f"state {name} {key}": value for key, value in memory.items()}
    return {name: np.array(xpnet.to_numpy(value)) for name, value in found.items()}


def are_equal(found, expected, tolerance=0.0):
    return found.keys() == expected.keys() and all(
        np.allclose(found[name], value, rtol=tolerance, atol=tolerance, equal_nan=True)
        for name, value in expected.items()
    )


CASES = {
    "SGD": (plain_net, OPTIMIZERS["SGD"].make),
    "Adam": (plain_net, OPTIMIZERS["Adam"].make),
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


def each_dtype_has_the_same_lines(backend):
    if dtype_name(backend.dtype) != "float32":
        pytest.skip("the lines are those of float32")


@pytest.mark.parametrize("case", CASES)
def test_a_step_is_whole_wherever_it_is_interrupted(case, xpnet_backend):
    each_dtype_has_the_same_lines(xpnet_backend)
    make_net, make_optimizer = CASES[case]
    with xpnet.use_backend(xpnet_backend):
        x, t = batch()
        step = xpnet.compile(make_net(), make_optimizer())
        for _ in range(2):
            step(x, t)
        outcomes = interrupt_at_each_line(step, x, t, xpnet_backend.name)
    assert outcomes == {"before", "after"}


def interrupt_at_each_line(step, x, t, library):
    outcomes, at, came_there = set(), 0, True
    while came_there:
        at += 1
        before, after = state_of(step.net, step.optimizer), after_a_step(step, x, t)
        came_there = interrupted(lambda: step(x, t), at)
        found = state_of(step.net, step.optimizer)
        if are_equal(found, after, 1e-5 if library == "jax" else 0):
            outcomes.add("after")
        else:
            assert are_equal(found, before), f"at line {at} it is neither"
            outcomes.add("before")
    return outcomes


@pytest.mark.parametrize("case", CASES)
def test_the_first_step_is_whole_too(case, xpnet_backend):
    each_dtype_has_the_same_lines(xpnet_backend)
    make_net, make_optimizer = CASES[case]
    stride = 97 if xpnet_backend.name == "jax" else 13  # a trace takes a second
    outcomes, at, came_there = set(), 1, True
    with xpnet.use_backend(xpnet_backend):
        x, t = batch()
        while came_there:
            step = xpnet.compile(make_net(), make_optimizer())
            before, after = state_of(step.net, step.optimizer), after_a_step(step, x, t)
            came_there = interrupted(lambda: step(x, t), at)  # noqa: B023 - called at once
            found = state_of(step.net, step.optimizer)
            is_before = are_equal(found, before)
            outcomes.add(is_before)
            exact = 1e-5 if xpnet_backend.name == "jax" else 0
            assert is_before or are_equal(found, after, exact), f"at line {at} it is neither"
            step(x, t)
            at += stride
    assert outcomes == {True, False}


def test_an_eager_update_is_whole_wherever_it_is_interrupted(xpnet_backend):
    each_dtype_has_the_same_lines(xpnet_backend)
    with xpnet.use_backend(xpnet_backend):
        net, optimizer = plain_net(), OPTIMIZERS["Adam"].make()
        grads = net.gradient(*batch())
        at, came_there, outcomes = 0, True, set()
        while came_there:
            at += 1
            before = state_of(net, optimizer)
            twin, twins = copy.deepcopy((net, optimizer))
            twins.update(twin.params, grads)
            came_there = interrupted(lambda: optimizer.update(net.params, grads), at)
            found = state_of(net, optimizer)
            is_before = are_equal(found, before)
            assert is_before or are_equal(found, state_of(twin, twins)), f"at line {at}"
            outcomes.add(is_before)
    assert outcomes == {True, False}
