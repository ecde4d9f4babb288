"""On NumPy a compiled step draws the masks of Dropout anew each time, as the eager step does."""

from __future__ import annotations

from contextlib import nullcontext
from functools import wraps

import numpy as np
import pytest
from compile.test_compile import Doubled

import xpnet
from xpnet import SGD, Affine, Dropout, ReLU, Sequential


@pytest.fixture(autouse=True)
def _on_numpy():
    with xpnet.use_backend("numpy"):
        yield


def batch(samples=20, seed=0):
    rng = np.random.default_rng(seed)
    return rng.random((samples, 30), dtype="float32"), rng.integers(0, 10, samples)


class ByColumns(Doubled):
    """Its gradient lies in memory column by column, which no kernel takes as it is."""

    def backward(self, dout):
        return np.asfortranarray(2 * dout)


def first():
    return [Dropout(0.25, seed=1), Affine.random(30, 10, seed=0)]


def between():
    affine = Affine.random(30, 50, seed=0)
    return [affine, ReLU(), Dropout(0.5, seed=1), Affine.random(50, 10, seed=2)]


def last():
    return [Affine.random(30, 10, seed=0), Dropout(0.1, seed=1)]


def beside_ones_own():
    affine = Affine.random(30, 50, seed=0)
    return [affine, Dropout(0.5, seed=1), ByColumns(), Affine.random(50, 10, seed=2)]


class Twins:
    """Two equal nets, of which one takes compiled steps."""

    def __init__(self, layers, rate=0.5):
        self.compiled, self.eager = Sequential(*layers()), Sequential(*layers())
        self.step, self.optimizer = xpnet.compile(self.compiled, SGD(rate)), SGD(rate)

    def dropouts(self):
        return [
            next(layer for layer in net.layers.values() if isinstance(layer, Dropout))
            for net in (self.compiled, self.eager)
        ]

    def take_a_step_each(self, x, t):
        """Take steps, and make sure that both have the same bits."""
        loss, grads = self.eager.loss_and_gradient(x, t)
        self.optimizer.update(self.eager.params, grads)
        assert self.step(x, t) == loss
        self.assert_equal()

    def assert_equal(self):
        for name, array in self.eager.params.items():
            np.testing.assert_array_equal(self.compiled.params[name], array)
        compiled, eager = self.dropouts()
        assert compiled.step == eager.step


@pytest.mark.usefixtures("numpy_with_each_set_of_kernels")
@pytest.mark.parametrize("layers", [first, between, last, beside_ones_own])
def test_each_step_has_a_mask_of_its_own(layers):
    twins = Twins(layers)
    for seed in range(5):
        twins.take_a_step_each(*batch(20 if seed != 3 else 7, seed))

    assert twins.dropouts()[0].step == 5
    assert type(twins.dropouts()[0].step) is int


def test_the_masks_are_drawn_by_a_call_that_is_replayed(monkeypatch):
    calls, forward = [], Dropout.forward

    @wraps(forward)  # with its mark
    def counted(layer, x):
        calls.append(layer)
        return forward(layer, x)

    monkeypatch.setattr(Dropout, "forward", counted)
    step = xpnet.compile(Sequential(*between()), SGD(0.5))
    for _ in range(4):
        step(*batch())

    assert len(calls) == 1


CHANGES = {
    "rate": lambda layer: setattr(layer, "rate", 0.75),
    "seed": lambda layer: setattr(layer, "seed", 99),
    "training": lambda layer: setattr(layer, "training", False),
    "step": lambda layer: setattr(layer, "step", 2**40),
    "step of NumPy": lambda layer: setattr(layer, "step", np.int32(0)),
    "step in an array": lambda layer: setattr(layer, "step", np.asarray(7)),
}


@pytest.mark.usefixtures("numpy_with_each_set_of_kernels")
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_setting_that_is_changed_counts_from_the_next_step(change):
    twins = Twins(between)
    for seed in range(6):
        if seed == 3:
            for layer in twins.dropouts():
                change(layer)
        twins.take_a_step_each(*batch(seed=seed))


@pytest.mark.usefixtures("numpy_with_each_set_of_kernels")
def test_nothing_is_dropped_while_evaluating_and_everything_is_as_before_afterwards():
    twins = Twins(between)
    for seed in range(9):
        with xpnet.evaluating() if seed in (3, 4) else nullcontext():
            twins.take_a_step_each(*batch(seed=seed))

    assert twins.dropouts()[0].step == 7


@pytest.mark.usefixtures("numpy_with_each_set_of_kernels")
@pytest.mark.parametrize("wrong", [-1, 2**64, 0.5, "1"])
def test_a_step_that_is_none_is_an_error_that_changes_nothing(wrong):
    twins = Twins(between)
    x, t = batch()
    for _ in range(2):
        twins.take_a_step_each(x, t)
    for layer in twins.dropouts():
        layer.step = wrong

    with pytest.raises(
        ValueError, match=r"(D|xpnet.ops.d)ropout: step is .*; it must be an integer from 0"
    ):
        twins.step(x, t)

    twins.assert_equal()
    for layer in twins.dropouts():
        layer.step = 2
    twins.take_a_step_each(x, t)


def test_a_layer_remembers_its_own_forward_and_not_that_of_a_compiled_step():
    twins = Twins(between)
    layer, _ = twins.dropouts()
    for seed in range(3):
        twins.step(*batch(seed=seed))
    with pytest.raises(xpnet.BackwardError):
        layer.backward(np.ones((20, 50), dtype="float32"))

    y = layer.forward(np.ones((4, 50), dtype="float32"))
    twins.step(*batch())

    np.testing.assert_array_equal(layer.backward(np.ones((4, 50), dtype="float32")), y)
