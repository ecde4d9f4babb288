"""Optimizers under ``jax.jit``."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

import xpnet
from xpnet.backend import resolve_backend
from xpnet.dtypes import FLOATS
from xpnet.testing import tolerance

jax = pytest.importorskip("jax", reason="JAX is not installed: run nox -s tests_backends")

STEPS = 6


def start(dtype):
    backend = resolve_backend("jax", dtype=dtype)
    rng = np.random.default_rng(3)
    shapes = {"W": (3, 4), "b": (4,)}

    def normal():
        return {
            name: xpnet.asarray(rng.standard_normal(s), xp=backend) for name, s in shapes.items()
        }

    return normal(), [normal() for _ in range(STEPS)]


@pytest.mark.parametrize("dtype", FLOATS)
def test_a_compiled_step_is_the_step_and_is_compiled_once(entry, dtype):
    params, all_grads = start(dtype)
    eager, optimizer = dict(params), entry.make()
    traces = []

    @jax.jit
    def step(params, grads, state, settings):
        traces.append(1)
        return optimizer.apply(params, grads, state, settings)

    state = optimizer.initial_state(params)
    for i, grads in enumerate(all_grads):
        lr = 0.1 / (i + 1)
        params, state = step(params, grads, state, {"lr": lr})
        optimizer.lr = lr
        optimizer.update(eager, grads)

    assert len(traces) == 1
    # In 16 bits a step may be rounded to the neighbour.
    allowed = tolerance(dtype, 10 * STEPS, stored=2 * STEPS)
    for name, array in eager.items():
        assert params[name].dtype == array.dtype
        expected = xpnet.to_numpy(array)
        largest = max(1.0, abs(expected).max())
        assert_allclose(xpnet.to_numpy(params[name]), expected, rtol=0, atol=allowed * largest)


def test_a_compiled_state_goes_on_eagerly_and_back(entry):
    params, all_grads = start("float32")
    optimizer = entry.make()
    expected, other = dict(params), entry.make()
    compiled = jax.jit(optimizer.apply)

    for i, grads in enumerate(all_grads):
        if i % 2:
            optimizer.update(params, grads)
        else:
            params, optimizer.state = compiled(params, grads, optimizer.state)
        other.update(expected, grads)

    for name, array in expected.items():
        assert_allclose(params[name], array, rtol=0, atol=tolerance("float32", 10 * STEPS) * 4)
        assert int(optimizer.state[name].get("step", STEPS)) == STEPS


def test_a_compiled_state_goes_on_in_another_library(entry):
    params, all_grads = start("float32")
    optimizer = entry.make()
    params, optimizer.state = jax.jit(optimizer.apply)(params, all_grads[0], {})

    here, grads = (
        {name: xpnet.asarray(array, xp="numpy") for name, array in each.items()}
        for each in (params, all_grads[1])
    )
    expected, _ = optimizer.apply(params, all_grads[1], optimizer.state)
    optimizer.update(here, grads)

    for name, array in expected.items():
        assert type(here[name]) is np.ndarray
        assert_allclose(here[name], array, rtol=0, atol=tolerance("float32", 20) * 4)
    assert all(memory.get("step", 2) == 2 for memory in optimizer.state.values())


def test_a_state_on_the_host_can_be_built_into_a_compiled_step(entry):
    params, all_grads = start("float32")
    optimizer = entry.make()
    _, state = optimizer.apply(params, all_grads[0], {})
    on_host = {
        name: {key: xpnet.to_numpy(value).tolist() for key, value in memory.items()}
        for name, memory in state.items()
    }

    step = jax.jit(lambda params, grads: optimizer.apply(params, grads, on_host)[0])

    expected, _ = optimizer.apply(params, all_grads[1], state)
    for name, array in step(params, all_grads[1]).items():
        assert_allclose(array, expected[name], rtol=0, atol=tolerance("float32", 20) * 4)


def test_the_numbers_and_the_step_may_be_traced():
    optimizer = xpnet.SGD(
        xpnet.StepDecay(0.5, every=1),
        transforms=[xpnet.noise(0.1, seed=1), xpnet.clip_norm(1.0)],
        groups={"b": {"lr": 0.25}},
    )
    params, (grads, *_) = start("float32")
    traces = []

    @jax.jit
    def step(params, grads, settings, number):
        traces.append(1)
        return optimizer.apply(params, grads, {}, settings, number)[0]

    for number in (0, 1, 70_000):
        settings = optimizer.numbers(number).settings
        expected, _ = optimizer.apply(params, grads, {}, step=number)
        for name, array in step(params, grads, settings, number).items():
            assert_allclose(array, expected[name], rtol=0, atol=tolerance("float32", 20) * 4)
    assert len(traces) == 1


def test_a_schedule_needs_a_step_that_is_known():
    optimizer = xpnet.SGD(xpnet.StepDecay(0.5, every=1))
    params, (grads, *_) = start("float32")

    with pytest.raises(xpnet.SettingError, match=r"lr is the schedule StepDecay.*step is traced"):
        jax.jit(lambda i: optimizer.apply(params, grads, {}, step=i))(3)
