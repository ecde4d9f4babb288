"""The kernels of the optimizers, held against the rules that they copy."""

from __future__ import annotations

import numpy as np
import pytest
from optimizers.catalog import OPTIMIZERS

import xpnet
from xpnet import kernels
from xpnet.backend import resolve_backend
from xpnet.dispatch import providers_of

NUMPY = resolve_backend("numpy").adapter
PROVIDERS = {provider.name: provider for provider in providers_of(NUMPY) if provider.kernels}
PAIRS = [
    pytest.param(entry, name, id=f"{entry.kind.__name__}-{name}")
    for entry in OPTIMIZERS.values()
    for name, provider in PROVIDERS.items()
    if entry.rule.__name__ in provider.kernels
]
each_kernel = pytest.mark.parametrize(("entry", "provider"), PAIRS)

# The second is worth two threads, and does not divide into blocks evenly.
SIZES = [(7,), (1001, 1003)]


def batches(shape, dtype):
    rng = np.random.default_rng(0)
    for _ in range(3):
        yield rng.standard_normal(shape).astype(dtype)


def trained(entry, shape, dtype):
    optimizer = entry.make()
    params = {"W": np.random.default_rng(1).standard_normal(shape).astype(dtype)}
    for grad in batches(shape, dtype):
        optimizer.update(params, {"W": grad})
    return params["W"], optimizer.state


@each_kernel
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SIZES, ids=str)
def test_a_kernel_gives_the_bits_of_its_rule(entry, provider, shape, dtype, monkeypatch):
    # BLAS may round once where the rule rounds twice: test_blas.py.
    monkeypatch.setattr("xpnet.kernels.numpy.optimizers.add_scaled", lambda *_: None)
    with kernels.disabled():
        expected, expected_state = trained(entry, shape, dtype)

    with kernels.only(provider), kernels.watch() as ran:
        found, state = trained(entry, shape, dtype)

    assert [kernel.op for kernel in ran] == 3 * [entry.rule.__name__]
    np.testing.assert_array_equal(found, expected)
    for name, array in expected_state.get("W", {}).items():
        np.testing.assert_array_equal(state["W"][name], array)


@each_kernel
def test_special_gradients_give_the_bits_of_the_rule(entry, provider):
    special = np.asarray([0.0, -0.0, np.nan, np.inf, -np.inf, 1e30, 1e-45, 1.0], dtype="float32")

    def after_two_steps():
        params, optimizer = {"W": np.ones(8, dtype="float32")}, entry.make()
        for _ in range(2):
            optimizer.update(params, {"W": special})
        return params["W"]

    with kernels.disabled():
        expected = after_two_steps()
    with kernels.only(provider):
        np.testing.assert_array_equal(after_two_steps(), expected)


@each_kernel
@pytest.mark.parametrize(
    "change",
    [lambda W: W.astype("float16"), lambda W: np.repeat(W, 2)[::2]],
    ids=["16 bits", "not contiguous"],
)
def test_what_a_kernel_does_not_take_goes_to_the_rule(entry, provider, change):
    params = {"W": change(np.ones(4, dtype="float32"))}

    with kernels.only(provider), kernels.watch() as ran:
        entry.make().update(params, {"W": change(np.ones(4, dtype="float32"))})

    assert ran == []
    assert (params["W"] < 1).all()


def test_a_step_of_ones_own_is_not_replaced_by_the_kernel_of_its_base_class():
    class Upwards(xpnet.SGD):
        def step(self, param, grad, memory, settings):
            return param + settings["lr"] * grad, memory

    params = {"W": np.ones(2, dtype="float32")}

    Upwards(lr=0.5).update(params, {"W": np.ones(2, dtype="float32")})

    np.testing.assert_array_equal(params["W"], [1.5, 1.5])


def test_nor_is_a_step_that_comes_from_a_class_beside_it():
    class Upwards:
        def step(self, param, grad, memory, settings):
            return param + settings["lr"] * grad, memory

    class Mixed(Upwards, xpnet.SGD):
        pass

    params = {"W": np.ones(2, dtype="float32")}

    Mixed(lr=0.5).update(params, {"W": np.ones(2, dtype="float32")})

    np.testing.assert_array_equal(params["W"], [1.5, 1.5])


@each_kernel
def test_a_state_that_was_taken_out_stays_as_it_was(entry, provider):
    params, optimizer = {"W": np.ones(4, dtype="float32")}, entry.make()
    grads = {"W": np.ones(4, dtype="float32")}
    with kernels.only(provider):
        optimizer.update(params, grads)
        taken, arrays = optimizer.state, {**optimizer.state.get("W", {})}
        before = {name: np.copy(array) for name, array in arrays.items()}
        optimizer.update(params, grads)

    assert taken is not optimizer.state
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, before[name])


@pytest.mark.parametrize("size", [20, 20_000])
@each_kernel
def test_a_parameter_that_may_not_be_written_to_is_not(entry, provider, size):
    param = np.ones(size, dtype="float32")
    param.flags.writeable = False
    optimizer = entry.make()
    memories = optimizer.initial_state({"W": param})

    settings = {"W": optimizer.settings}

    with kernels.only(provider), pytest.raises(ValueError, match="read-only"):
        optimizer.note_steps({"W": param}, {"W": np.ones_like(param)}, memories, settings)

    assert (param == 1).all()


@pytest.mark.parametrize("size", [20, 20_000])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_rate_beyond_the_dtype_makes_no_noise(provider, size):
    params = {"W": np.ones(size, dtype="float32")}

    with kernels.only(provider), np.errstate(all="raise"):
        xpnet.SGD(lr=1e39).update(params, {"W": np.ones(size, dtype="float32")})

    assert (params["W"] == -np.inf).all()
