"""Transforms, schedules and groups in compiled steps: what they are in eager ones."""

from __future__ import annotations

import math

import numpy as np
import pytest
from compile.test_compile import assert_alike, batch, dropout_net, eager_step, small_net
from optimizers.catalog import OPTIMIZERS

import xpnet
from xpnet import (
    SGD,
    Adam,
    CosineDecay,
    ExponentialDecay,
    Momentum,
    StepDecay,
    clip_norm,
    clip_value,
    noise,
    weight_decay,
)
from xpnet.compiled.replayed import step as replayed
from xpnet.testing import backends_to_test

FALL = StepDecay(0.2, every=2, factor=0.5)


def every_setting_scheduled(entry):
    return entry.make(**{n: ExponentialDecay(v, 0.9) for n, v in entry.settings.items()})


def whole_pipeline(entry):
    return entry.make(
        lr=CosineDecay(0.1, steps=6, warmup=2),
        transforms=[
            weight_decay(0.01, only="*.W"),
            noise(ExponentialDecay(0.01, 0.5), seed=3),
            clip_norm(FALL),
            halved,
            clip_value(0.05),
        ],
        groups={"*.b": {"lr": FALL}, "Affine2.*": {"lr": 0.05}},
    )


def halved(grads, params, step):
    return {name: 0.5 * grad for name, grad in grads.items()}


def grouped(entry):
    return entry.make(groups={"W1": {"lr": 0.3}, "*.b": {"lr": FALL}})


PIPELINES = {each.__name__: each for each in (every_setting_scheduled, whole_pipeline, grouped)}


def pytest_generate_tests(metafunc):
    if "place" in metafunc.fixturenames:  # one dtype of each library: a trace takes seconds
        option = metafunc.config.getoption("--xpnet-backends")
        places = backends_to_test(option and option.split(","), dtypes=["float32"])
        metafunc.parametrize("place", {place.name: place for place in places}.values(), ids=str)


@pytest.mark.parametrize("pipeline", PIPELINES)
@pytest.mark.parametrize("name", ["SGD", "AdamW"])
def test_a_compiled_step_is_the_eager_step(name, pipeline, place):
    make = PIPELINES[pipeline]
    with xpnet.use_backend(place):
        compiled, eager = small_net(), small_net()
        optimizer, twin = make(OPTIMIZERS[name]), make(OPTIMIZERS[name])
        step = xpnet.compile(compiled, optimizer)
        for i in range(4):
            x, t = batch(8, seed=i)
            step(x, t)
            eager_step(eager, twin, x, t)

    assert optimizer.steps == twin.steps == 4
    assert_alike(compiled.params, eager.params, place.name not in ("jax", "cupy"), "float32")


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("pipeline", PIPELINES)
@pytest.mark.usefixtures("numpy_with_each_set_of_kernels")
def test_on_numpy_the_bits_are_those_of_the_eager_step(name, pipeline):
    make = PIPELINES[pipeline]
    compiled, eager = small_net(), small_net()
    optimizer, twin = make(OPTIMIZERS[name]), make(OPTIMIZERS[name])
    step = xpnet.compile(compiled, optimizer)
    for i in range(6):
        if i == 4:
            for each in (optimizer, twin):
                each.lr = 0.03
        x, t = batch(8, seed=i)
        step(x, t)
        eager_step(eager, twin, x, t)

    assert_alike(compiled.params, eager.params, exact=True)
    for key, memory in twin.state.items():
        assert_alike(optimizer.state[key], memory, exact=True)


def count_recordings(monkeypatch):
    made = []
    recording = replayed.Recording

    def counting(*arguments):
        made.append(1)
        return recording(*arguments)

    monkeypatch.setattr(replayed, "Recording", counting)
    return made


def test_on_numpy_another_number_needs_no_other_recording(monkeypatch):
    made = count_recordings(monkeypatch)
    with xpnet.use_backend("numpy"):
        optimizer = whole_pipeline(OPTIMIZERS["Adam"])
        step = xpnet.compile(small_net(), optimizer)
        for i in range(6):
            if i == 3:
                optimizer.beta1, optimizer.transforms[0].rate = 0.5, 0.3
            step(*batch(8, seed=i))

    assert len(made) == 1


def test_on_jax_another_number_needs_no_other_trace():
    pytest.importorskip("jax")
    traces = []

    def noted(grads, params, step):
        traces.append(step)
        return grads

    with xpnet.use_backend("jax"):
        optimizer = whole_pipeline(OPTIMIZERS["Adam"])
        optimizer.transforms = [*optimizer.transforms, noted]
        net = small_net()
        step = xpnet.compile(net, optimizer)
        for i in range(6):
            if i == 3:
                optimizer.beta1, optimizer.transforms[0].rate = 0.5, 0.3
                optimizer.lr = 0.01
            step(*batch(8, seed=i))

    assert len(traces) == 1
    assert optimizer.steps == 6


def change_limit(optimizer):
    optimizer.transforms[0].limit = 1e-4


def replace_transforms(optimizer):
    optimizer.transforms = [clip_value(1e-4)]


def drop_transforms(optimizer):
    optimizer.transforms = []


def change_group(optimizer):
    optimizer.groups = {"*.W": {"lr": 0.0}}


def swap_groups(optimizer):
    optimizer.groups = dict(reversed(optimizer.groups.items()))


def drop_groups(optimizer):
    optimizer.groups = {}


@pytest.mark.parametrize(
    "change",
    [change_limit, replace_transforms, drop_transforms, change_group, swap_groups, drop_groups],
)
@pytest.mark.parametrize("kind", [SGD, Adam])
def test_a_change_between_steps_is_noticed(kind, change, library):
    def make():
        groups = {"*.b": {"lr": 0.5}, "Affine1.*": {"lr": 0.1}}
        return kind(0.2, transforms=[clip_value(0.1)], groups=groups)

    with xpnet.use_backend(library):
        compiled, eager = small_net(), small_net()
        optimizer, twin = make(), make()
        step = xpnet.compile(compiled, optimizer)
        for i in range(6):
            if i == 3:
                change(optimizer)
                change(twin)
            x, t = batch(8, seed=i)
            step(x, t)
            eager_step(eager, twin, x, t)

    assert_alike(compiled.params, eager.params, exact=library == "numpy", dtype="float32")


@pytest.fixture(params=["numpy", "jax"])
def library(request):
    pytest.importorskip(request.param)
    return request.param


@pytest.mark.parametrize("kind", [SGD, Momentum, Adam])
def test_groups_that_are_swapped_without_transforms_are_noticed(kind):
    with xpnet.use_backend("numpy"):
        compiled, eager = small_net(), small_net()
        groups = {"*.b": {"lr": 0.5}, "Affine1.*": {"lr": 0.1}}
        optimizer, twin = kind(0.2, groups=groups), kind(0.2, groups=groups)
        step = xpnet.compile(compiled, optimizer)
        for i in range(8):
            if i == 5:
                swap_groups(optimizer)
                swap_groups(twin)
            x, t = batch(8, seed=i)
            step(x, t)
            eager_step(eager, twin, x, t)

    assert_alike(compiled.params, eager.params, exact=True)


def test_a_bad_number_leaves_net_and_optimizer_as_they_were(library):
    def rate(step):
        return 0.1 if step < 3 else math.nan

    with xpnet.use_backend(library):
        net, twin = dropout_net(), dropout_net()
        optimizer, other = Momentum(rate), Momentum(0.1)
        step = xpnet.compile(net, optimizer)
        for i in range(3):
            step(*batch(8, seed=i))
            eager_step(twin, other, *batch(8, seed=i))
        with pytest.raises(xpnet.SettingError, match=r"lr is nan.*step 3"):
            step(*batch(8))
        assert_alike(net.params, twin.params, exact=library == "numpy", dtype="float32")
        assert net.layers["Dropout1"].step == 3
        assert optimizer.steps == 3
        optimizer.lr = 0.1
        step(*batch(8))
        eager_step(twin, other, *batch(8))

    assert_alike(net.params, twin.params, exact=library == "numpy", dtype="float32")


def test_an_error_in_a_transform_leaves_net_and_optimizer_as_they_were():
    def own(grads, params, step):
        if step == 2:
            raise RuntimeError
        return grads

    with xpnet.use_backend("numpy"):
        net = dropout_net()
        optimizer = Momentum(0.1, transforms=[own])
        step = xpnet.compile(net, optimizer)
        for i in range(2):
            step(*batch(8, seed=i))
        before = {name: array.copy() for name, array in net.params.items()}
        with pytest.raises(RuntimeError):
            step(*batch(8))

    assert_alike(net.params, before, exact=True)
    assert (net.layers["Dropout1"].step, optimizer.steps) == (2, 2)


class Remembers:
    """Is not pure: it adds up what it sees."""

    def __init__(self):
        self.seen = 0.0

    def __call__(self, grads, params, step):
        self.seen = self.seen + 1.0
        return {name: grad * self.seen for name, grad in grads.items()}


class Reads:
    def __call__(self, grads, params, step):
        norm = max(float(abs(grad).max()) for grad in grads.values())
        return {name: grad / norm for name, grad in grads.items()}


class Scales:
    def __init__(self):
        self.scale = 0.5

    def __call__(self, grads, params, step):
        return {name: grad * self.scale for name, grad in grads.items()}


@pytest.mark.parametrize("kind", [Remembers, Reads])
def test_what_jax_cannot_trace_is_run_eagerly_with_a_warning(kind):
    pytest.importorskip("jax")
    with xpnet.use_backend("jax"):
        net, twin = small_net(), small_net()
        optimizer, other = SGD(0.1, transforms=[kind()]), SGD(0.1, transforms=[kind()])
        step = xpnet.compile(net, optimizer)
        with pytest.warns(RuntimeWarning, match="steps are eager"):
            step(*batch(8))
        step(*batch(8))
        for _ in range(2):
            eager_step(twin, other, *batch(8))

    assert_alike(net.params, twin.params, exact=False, dtype="float32")
    assert vars(optimizer.transforms[0]) == vars(other.transforms[0])


def test_an_attribute_of_ones_own_transform_is_noticed(library):
    with xpnet.use_backend(library):
        net, twin = small_net(), small_net()
        optimizer, other = SGD(0.1, transforms=[Scales()]), SGD(0.1, transforms=[Scales()])
        step = xpnet.compile(net, optimizer)
        for i in range(4):
            if i == 2:
                optimizer.transforms[0].scale = other.transforms[0].scale = 3.0
            step(*batch(8, seed=i))
            eager_step(twin, other, *batch(8, seed=i))

    assert_alike(net.params, twin.params, exact=library == "numpy", dtype="float32")


def test_the_state_of_another_net_is_not_forgotten():
    with xpnet.use_backend("numpy"):
        optimizer = Momentum(0.1)
        step = xpnet.compile(small_net(), optimizer)
        for _ in range(2):
            step(*batch(8))
        optimizer.update({"other": np.ones(2)}, {"other": np.ones(2)})
        for _ in range(2):
            step(*batch(8))

    assert "other" in optimizer.state


def test_a_count_that_is_put_back_counts():
    with xpnet.use_backend("numpy"):
        compiled, eager = small_net(), small_net()
        optimizer, twin = Adam(0.1), Adam(0.1)
        step = xpnet.compile(compiled, optimizer)
        for i in range(6):
            if i == 3:
                for each in (optimizer, twin):
                    each.state["W1"]["step"] = 50
                    each.steps = 7
            x, t = batch(8, seed=i)
            step(x, t)
            eager_step(eager, twin, x, t)

    assert_alike(compiled.params, eager.params, exact=True)
    assert [optimizer.state[name]["step"] for name in ("W1", "b1")] == [53, 6]
    assert optimizer.steps == 10
