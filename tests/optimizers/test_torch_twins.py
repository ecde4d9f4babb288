"""PyTorch's optimizers, an oracle that shares no code with xpnet."""

from __future__ import annotations

import numpy as np
import pytest
from optimizers.catalog import OPTIMIZERS

import xpnet.optimizers
from xpnet.testing import tolerance

torch = pytest.importorskip("torch", reason="PyTorch is not installed: run nox -s tests_backends")

STEPS = 100
SHAPES = {"W": (5, 4), "b": (4,), "empty": (0, 3), "scalar": (), "K": (2, 1, 3, 2)}


def test_every_optimizer_has_a_twin():
    assert OPTIMIZERS.keys() == {*xpnet.optimizers.__all__} - {"Optimizer", "Setting"}


class Pair:
    """Parameters that are trained here and in PyTorch."""

    def __init__(self, entry, dtype, **settings):
        self.rng = np.random.default_rng(7)
        self.dtype = dtype
        self.params = {name: self.normal(shape) for name, shape in SHAPES.items()}
        self.optimizer = entry.make(**settings)
        self.leaves = {name: torch.tensor(W) for name, W in self.params.items()}
        self.twin = entry.twin(list(self.leaves.values()), **settings)

    def normal(self, shape, scale=1.0):
        return np.asarray(scale * self.rng.standard_normal(shape), dtype=self.dtype)

    def step(self, grads):
        self.optimizer.update(self.params, grads)
        for name, leaf in self.leaves.items():
            leaf.grad = torch.tensor(grads[name])
        self.twin.step()

    def assert_equal(self, steps):
        allowed = tolerance(self.dtype, 10 * steps)  # about as many roundings are in a step
        for name, leaf in self.leaves.items():
            found, expected = self.params[name], leaf.numpy()
            largest = np.abs(expected).max(initial=1, where=np.isfinite(expected))
            np.testing.assert_allclose(
                found, expected, rtol=allowed, atol=allowed * largest, err_msg=name, strict=True
            )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_many_steps_are_those_of_torch(entry, dtype):
    pair = Pair(entry, dtype)
    before = {name: W.copy() for name, W in pair.params.items()}

    for i in range(STEPS):
        grads = {name: pair.normal(shape, 4.0 ** (i % 5 - 2)) for name, shape in SHAPES.items()}
        if i % 7 == 0:
            grads["b"] = np.zeros_like(grads["b"])
        pair.step(grads)
        pair.assert_equal(i + 1)

    for name, W in pair.params.items():
        assert not np.any(before[name] == W)


def test_steps_whose_gradient_follows_the_parameter_are_those_of_torch(entry):
    pair = Pair(entry, "float64", lr=0.02)

    for _ in range(STEPS):
        pair.step({name: 3 * W + 1 for name, W in pair.params.items()})

    pair.assert_equal(STEPS)


def test_a_rate_that_changes_where_the_velocity_has_none(entry):
    if "velocity" in entry.kind.memory:
        pytest.skip("PyTorch's buffer has another unit when the rate changes")
    pair = Pair(entry, "float64")

    for lr in (0.1, 0.1, 0.01, 0.5):
        pair.optimizer.lr = pair.twin.param_groups[0]["lr"] = lr
        pair.step({name: pair.normal(shape) for name, shape in SHAPES.items()})

    pair.assert_equal(4)


@pytest.mark.parametrize("strange", [np.nan, np.inf, -np.inf])
def test_nan_and_inf_are_where_they_are_in_torch_and_nowhere_else(entry, strange):
    pair = Pair(entry, "float32")
    grads = {name: pair.normal(shape) for name, shape in SHAPES.items()}
    grads["W"][1, 2] = strange
    pair.step(grads)
    pair.step({name: pair.normal(shape) for name, shape in SHAPES.items()})

    pair.assert_equal(2)
    expected = np.zeros((5, 4), dtype=bool)
    expected[1, 2] = True
    np.testing.assert_array_equal(~np.isfinite(pair.params["W"]), expected)


def test_a_gradient_whose_square_overflows_does_what_it_does_in_torch(entry):
    pair = Pair(entry, "float32")
    before = pair.params["b"].copy()

    for size in (1e30, 1, 1):
        grads = {name: pair.normal(shape) for name, shape in SHAPES.items()}
        pair.step(grads | {"b": np.full(4, size, dtype="float32")})

    pair.assert_equal(3)
    assert np.all(np.isfinite(pair.params["b"]))
    if entry.kind in (xpnet.AdaGrad, xpnet.RMSprop, xpnet.Adam):
        np.testing.assert_array_equal(pair.params["b"], before)
