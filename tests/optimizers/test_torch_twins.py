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


def test_every_optimizer_schedule_and_transform_has_a_twin():
    twins = {*OPTIMIZERS, *(type(make()).__name__ for make, _ in SCHEDULES.values())}
    bases = {"Optimizer", "Schedule", "Setting", "Transform"}
    random = {"noise"}  # PyTorch draws other numbers
    assert twins | {*TRANSFORMS} | bases | random == {*xpnet.optimizers.__all__}


schedulers = torch.optim.lr_scheduler


def constant(twin):
    return schedulers.ConstantLR(twin, factor=1.0)


def steps(twin):
    return schedulers.StepLR(twin, step_size=30, gamma=0.5)


def exponential(twin):
    return schedulers.ExponentialLR(twin, gamma=0.97)


def warm_up_and_cosine(twin):
    up = schedulers.LinearLR(twin, start_factor=0.1, total_iters=20)
    down = schedulers.CosineAnnealingLR(twin, T_max=80, eta_min=1e-3)
    return schedulers.SequentialLR(twin, [up, down], milestones=[20])


def one_cycle(twin):
    # Its momentum goes along unless told otherwise.
    return schedulers.OneCycleLR(twin, max_lr=0.05, total_steps=100, cycle_momentum=False)


SCHEDULES = {
    "constant": (lambda: xpnet.Constant(0.05), constant),
    "steps": (lambda: xpnet.StepDecay(0.05, every=30, factor=0.5), steps),
    "exponential": (lambda: xpnet.ExponentialDecay(0.05, factor=0.97), exponential),
    "cosine": (
        lambda: xpnet.CosineDecay(0.05, steps=100, warmup=20, start=0.005, end=1e-3),
        warm_up_and_cosine,
    ),
    "one cycle": (lambda: xpnet.OneCycle(0.05, steps=100), one_cycle),
}


def clip_norm(leaves):
    torch.nn.utils.clip_grad_norm_(leaves, 2.0)


def clip_value(leaves):
    torch.nn.utils.clip_grad_value_(leaves, 0.5)


def decay(leaves):
    for leaf in leaves:
        leaf.grad += 0.03 * leaf


TRANSFORMS = {
    "clip_norm": (lambda: xpnet.clip_norm(2.0), clip_norm),
    "clip_value": (lambda: xpnet.clip_value(0.5), clip_value),
    "weight_decay": (lambda: xpnet.weight_decay(0.03), decay),
}


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

    def step(self, grads, changes=()):
        self.optimizer.update(self.params, grads)
        for name, leaf in self.leaves.items():
            leaf.grad = torch.tensor(grads[name])
        for change in changes:
            change(list(self.leaves.values()))
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


def keeps_velocity(entry):
    """Whether the buffer is in another unit in PyTorch, so that it stops being ours."""
    return "velocity" in entry.kind.memory


@pytest.mark.parametrize("name", SCHEDULES)
def test_100_steps_with_changing_rates_are_those_of_torch(entry, name):
    make, make_twin = SCHEDULES[name]
    pair = Pair(entry, "float64", lr=0.05)
    pair.optimizer.lr = make()
    scheduler = make_twin(pair.twin)
    if keeps_velocity(entry):
        # So that both keep the same: ours has the rates in it, PyTorch's is multiplied by them.
        pair.optimizer.momentum = 0
        pair.twin.param_groups[0].update(momentum=0, nesterov=False)

    for i in range(STEPS):
        rate = pair.twin.param_groups[0]["lr"]
        assert pair.optimizer.settings["lr"] == pytest.approx(rate, rel=1e-12)
        pair.step({key: pair.normal(shape, 4.0 ** (i % 5 - 2)) for key, shape in SHAPES.items()})
        if i < STEPS - 1:
            scheduler.step()

    pair.assert_equal(STEPS)


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("name", SCHEDULES)
def test_100_steps_of_momentum_with_changing_rates_are_torchs_with_its_buffer_in_our_unit(
    name, nesterov
):
    make, make_twin = SCHEDULES[name]
    entry = OPTIMIZERS["Nesterov" if nesterov else "Momentum"]
    pair = Pair(entry, "float64", lr=0.05)
    pair.optimizer.lr = make()
    scheduler = make_twin(pair.twin)

    for i in range(STEPS):
        pair.step({key: pair.normal(shape) for key, shape in SHAPES.items()})
        old = pair.twin.param_groups[0]["lr"]
        if i < STEPS - 1:
            scheduler.step()
        for state in pair.twin.state.values():  # what is kept is velocity, not -velocity / lr
            state["momentum_buffer"] *= old / pair.twin.param_groups[0]["lr"]

    pair.assert_equal(STEPS)


@pytest.mark.parametrize("name", TRANSFORMS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_100_steps_through_a_transform_are_those_of_torch(entry, name, dtype):
    make, change = TRANSFORMS[name]
    pair = Pair(entry, dtype)
    pair.optimizer.transforms = [make()]

    for i in range(STEPS):
        grads = {key: pair.normal(shape, 4.0 ** (i % 5 - 2)) for key, shape in SHAPES.items()}
        pair.step(grads, [change])

    pair.assert_equal(STEPS)


def test_100_steps_through_all_of_it_are_those_of_torch(entry):
    make, make_twin = SCHEDULES["cosine"]
    pair = Pair(entry, "float64", lr=0.05)
    if keeps_velocity(entry):
        pair.optimizer.momentum = 0
        pair.twin.param_groups[0].update(momentum=0, nesterov=False)
    scheduler = make_twin(pair.twin)
    pair.optimizer.lr = make()
    pair.optimizer.transforms = [make() for make, _ in TRANSFORMS.values()]
    changes = [change for _, change in TRANSFORMS.values()]

    for i in range(STEPS):
        grads = {key: pair.normal(shape, 4.0 ** (i % 5 - 2)) for key, shape in SHAPES.items()}
        pair.step(grads, changes)
        if i < STEPS - 1:
            scheduler.step()

    pair.assert_equal(STEPS)


@pytest.mark.parametrize("name", ["Adam", "AdamW", "SGD"])
def test_weight_decay_is_the_argument_of_torch(name):
    entry = OPTIMIZERS[name]
    pair = Pair(entry, "float64")
    if name == "AdamW":  # whose decay is its own, and does not go through the rule
        pair.optimizer.weight_decay = pair.twin.param_groups[0]["weight_decay"] = 0.3
    else:
        pair.optimizer.transforms = [xpnet.weight_decay(0.3)]
        pair.twin.param_groups[0]["weight_decay"] = 0.3

    for _ in range(STEPS):
        pair.step({key: pair.normal(shape) for key, shape in SHAPES.items()})

    pair.assert_equal(STEPS)


def test_groups_are_the_parameter_groups_of_torch(entry):
    pair = Pair(entry, "float64")
    biases = [pair.leaves.pop("b"), pair.leaves.pop("K")]
    pair.twin = entry.twin(list(pair.leaves.values()))
    pair.twin.add_param_group({"params": biases, "lr": 0.02})
    pair.leaves |= dict(zip("bK", biases, strict=True))
    pair.optimizer.groups = {"[bK]": {"lr": 0.02}}

    for _ in range(STEPS):
        pair.step({key: pair.normal(shape) for key, shape in SHAPES.items()})

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
