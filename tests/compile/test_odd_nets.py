"""A compiled step does to odd nets what an eager one does, or says why it is not compiled."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from compile.odd_nets import ODD_NETS

import xpnet
from xpnet import SGD, Adam, Momentum, kernels
from xpnet.backend import resolve_backend
from xpnet.layers.parameters import Parameters
from xpnet.layers.state import buffers_of
from xpnet.layers.tree import walk
from xpnet.testing import backends_to_test

OPTIMIZERS = [lambda: SGD(0.125), lambda: Momentum(0.125), lambda: Adam(0.0625)]
COMPILING = "numpy", "jax", "cupy"
SAMPLES = [8, 8, 3, 8, 3, 8, 8, 3]


def pytest_generate_tests(metafunc):
    if "backend" in metafunc.fixturenames:
        option = metafunc.config.getoption("--xpnet-backends")
        places = backends_to_test(option and option.split(","), dtypes=["float32"])
        places = [place for place in places if place.device_name not in ("device1", "no_float64")]
        metafunc.parametrize("backend", places, ids=lambda place: place.name)


def batch(odd, samples, seed):
    rng = np.random.default_rng(seed)
    return xpnet.asarray(odd.inputs(rng, samples)), xpnet.asarray(odd.labels(rng, samples))


def state_of(net) -> Iterator[tuple[str, object]]:
    """Yield all parameters, buffers, counters and numbers of a net, by names."""
    yield from Parameters(net).items()
    for path, layer in walk(net):
        yield from ((f"{path}: {name}", value) for name, value in buffers_of(layer).items())
        for name, value in getattr(layer, "__dict__", {}).items():
            if isinstance(value, bool | int | float | str):
                yield f"{path}: {name}", value


def assert_alike(found, expected, *, is_exact):
    found, expected = dict(found), dict(expected)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        ours, theirs = (
            xpnet.to_numpy(a) if hasattr(a, "shape") else a for a in (found[name], value)
        )
        if isinstance(theirs, str) or is_exact:
            np.testing.assert_array_equal(ours, theirs, err_msg=name)
        else:
            np.testing.assert_allclose(ours, theirs, rtol=2e-4, atol=2e-5, err_msg=name)


def seeded(number, function, *arguments):
    """Call a function that may draw from NumPy's own stream."""
    np.random.seed(number)  # noqa: NPY002
    return function(*arguments)


def assert_path(step, odd, backend):
    """Make sure that a step was really compiled."""
    if backend.name == "numpy":
        assert bool(step._step._recordings) is not odd.is_own
    if backend.name == "jax":
        assert bool(step._step._functions) is not bool(odd.why_not.get("jax"))


def samples_of(name, backend):
    """Return how many samples each batch has; JAX compiles long: few nets meet two sizes."""
    if backend.name != "jax":
        return SAMPLES
    return SAMPLES[:6] if list(ODD_NETS).index(name) % 4 == 0 else [8] * 6


def check(odd, make_optimizer, backend, sizes=SAMPLES):
    with xpnet.use_backend(backend):
        net, twin = odd.make(), odd.make()
        optimizer, other = make_optimizer(), make_optimizer()
        step = xpnet.compile(net, optimizer)
        is_exact = backend.name != "jax"
        for number, samples in enumerate(sizes):
            x, t = batch(odd, samples, number)
            if number == 2:
                optimizer.lr = other.lr = 0.03125
            if number == 4 and odd.change is not None:
                odd.change(net)
                odd.change(twin)
            if number == 5:
                for each in (net, twin):
                    for name, param in list(Parameters(each).items()):
                        Parameters(each)[name] = xpnet.asarray(xpnet.to_numpy(param) / 2)
            if number == 6:
                assert_path(step, odd, backend)
                step.optimizer, other = Momentum(0.25), Momentum(0.25)
            loss = seeded(number, copy.deepcopy(twin).loss, x, t)
            other.update(twin.params, seeded(number, twin.gradient, x, t))
            found = seeded(number, step, x, t)
            assert_alike({"loss": found}, {"loss": loss}, is_exact=is_exact)
            assert_alike(state_of(net), state_of(twin), is_exact=is_exact)
            assert step.optimizer.state.keys() == other.state.keys()
            for name, memory in other.state.items():
                assert_alike(step.optimizer.state[name], memory, is_exact=is_exact)
            if number in (3, 5):
                with xpnet.evaluating():
                    scores = [seeded(number, each.predict, x) for each in (net, twin)]
                assert_alike({"y": scores[0]}, {"y": scores[1]}, is_exact=is_exact)
        assert_path(step, odd, backend)


@pytest.mark.parametrize("name", ODD_NETS)
def test_odd_net(name, backend):
    if backend.name not in COMPILING and list(ODD_NETS).index(name) % 4:
        pytest.skip("where all steps are eager, every fourth net tells")
    odd, number = ODD_NETS[name], list(ODD_NETS).index(name)
    make_optimizer = OPTIMIZERS[number % len(OPTIMIZERS)]
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        check(odd, make_optimizer, backend, samples_of(name, backend))

    expected = [odd.why_not[backend.name]] if backend.name in odd.why_not else []
    # With another optimizer it is told again.
    texts = {str(warning.message): warning.category for warning in told}
    assert list(texts.values()) == [RuntimeWarning] * len(expected), texts
    for text, reason in zip(texts, expected, strict=True):
        assert reason in text


COMPILED = [
    name for name, odd in ODD_NETS.items() if "numpy" not in odd.why_not and not odd.needs_kernels
]


@pytest.mark.parametrize("name", COMPILED)
@pytest.mark.usefixtures("numpy_with_each_set_of_kernels")
def test_odd_net_with_each_set_of_kernels(name):
    check(ODD_NETS[name], OPTIMIZERS[len(name) % len(OPTIMIZERS)], resolve_backend("numpy"))


@pytest.mark.parametrize("name", [name for name, odd in ODD_NETS.items() if odd.needs_kernels])
def test_a_layer_that_is_used_twice_is_not_compiled_without_kernels(name):
    odd = replace(ODD_NETS[name], is_own=True)
    with kernels.disabled(), warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        check(odd, OPTIMIZERS[0], resolve_backend("numpy"))

    assert {str(warning.message).rpartition("for ")[2] for warning in told} <= {
        f"{kind} is used twice, and its methods remember one call" for kind in ("Affine", "Dropout")
    }
    assert told
