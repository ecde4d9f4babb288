"""Optimizers: the step they take, and what they leave alone."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from optimizers.catalog import OPTIMIZERS

import xpnet
from xpnet import SGD, Adam, Momentum, SettingError, kernels
from xpnet.backends import adapter_of
from xpnet.dtypes import EPSILON, dtype_name, is_half
from xpnet.testing import no_host_sync, tolerance

W = np.asarray([[1.0, -2.0], [0.5, 4.0]])
DW = np.asarray([[0.25, 3.0], [-1.0, 0.0]])
WRITABLE = ("numpy", "torch", "cupy", "array_api_strict")


def arrays(backend):
    params = {"W": W.copy(), "b": W[0].copy()}
    grads = {"W": DW.copy(), "b": DW[1].copy()}
    return [
        {name: xpnet.asarray(array, xp=backend) for name, array in each.items()}
        for each in (params, grads)
    ]


def host(params):
    return {name: xpnet.to_numpy(array).copy() for name, array in params.items()}


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        assert_array_equal(found[name], array, strict=True, err_msg=name)


def test_sgd_goes_against_the_gradient(xpnet_backend):
    params, grads = arrays(xpnet_backend)

    SGD(lr=0.1).update(params, grads)

    found = params["W"]
    assert_allclose(
        xpnet.to_numpy(found).astype("float64"), W - 0.1 * DW, rtol=tolerance(found.dtype, 1)
    )


def test_parameters_stay_at_home(entry, xpnet_backend):
    params, grads = arrays(xpnet_backend)

    optimizer = entry.make()
    for _ in range(2):
        optimizer.update(params, grads)

    for name, found in params.items():
        assert adapter_of(found) is xpnet_backend.adapter
        assert found.device == xpnet_backend.device
        assert found.dtype == xpnet_backend.dtype
        memory = optimizer.state.get(name, {})
        assert tuple(memory) == entry.kind.memory
        for array in (memory[key] for key in memory if key != "step"):
            assert adapter_of(array) is xpnet_backend.adapter
            assert array.device == xpnet_backend.device
            assert array.shape == found.shape
            wide = "float32" if is_half(found.dtype) else dtype_name(found.dtype)
            assert dtype_name(array.dtype) == wide


def test_an_optimizer_writes_into_the_array_where_the_library_can(entry, xpnet_backend):
    params, grads = arrays(xpnet_backend)
    array = params["W"]
    before = xpnet.to_numpy(array).copy()

    entry.make().update(params, grads)

    is_new = not np.array_equal(xpnet.to_numpy(array), before)
    assert not np.array_equal(xpnet.to_numpy(params["W"]), before)
    assert (params["W"] is array) == is_new == (xpnet_backend.name in WRITABLE)


def test_an_array_that_is_read_only_is_replaced(entry):
    params, grads = arrays(xpnet.set_backend("numpy"))
    array = params["W"]
    array.flags.writeable = False
    expected, _ = arrays("numpy")

    entry.make().update(params, grads)
    entry.make().update(expected, grads)

    assert_same(params, expected)
    assert params["W"] is not array


def test_an_update_is_apply_and_writing_back(entry, xpnet_backend):
    params, grads = arrays(xpnet_backend)
    optimizer = entry.make()
    before, state = host(params), optimizer.initial_state(params)

    for _ in range(3):
        applied, state = optimizer.apply(params, grads, state)
        assert_same(host(params), before)
        with kernels.watch() as ran:
            optimizer.update(params, grads)
        before = host(params)
        for name, array in host(applied).items():
            # PyTorch's kernel multiplies and adds in one rounding.
            contracts = bool(ran) and xpnet_backend.name == "torch"
            rtol = 2 * EPSILON[dtype_name(params[name].dtype)] if contracts else 0
            assert_allclose(before[name], array, rtol=rtol, err_msg=name)


def test_settings_of_apply_replace_those_of_the_optimizer(entry):
    params, grads = arrays(xpnet.set_backend("numpy"))
    optimizer = entry.make()
    changed = {name: setting / 2 for name, setting in entry.settings.items()}

    found, _ = optimizer.apply(params, grads, {}, changed)
    expected, _ = entry.make(**changed).apply(params, grads, {})
    with pytest.raises(TypeError, match="learning_rate"):
        optimizer.apply(params, grads, {}, {"learning_rate": 0.1})

    assert_same(found, expected)
    assert optimizer.settings == entry.settings


def test_nothing_is_read_on_the_host(entry):
    pytest.importorskip("array_api_strict")
    with xpnet.use_backend("array_api_strict", device="device1") as backend:
        params, grads = arrays(backend)
        optimizer = entry.make()
        with no_host_sync():
            optimizer.update(params, grads)
            optimizer.update(params, grads)
        assert not np.array_equal(xpnet.to_numpy(params["W"]), W)


def test_gradients_do_not_change(entry, xpnet_backend):
    params, grads = arrays(xpnet_backend)
    kept, before = dict(grads), host(grads)

    entry.make().update(params, grads)

    assert all(grads[name] is array for name, array in kept.items())
    assert_same(host(grads), before)


def test_a_rate_of_0_changes_nothing(entry, xpnet_backend):
    params, grads = arrays(xpnet_backend)
    before = host(params)

    entry.make(lr=0).update(params, grads)

    assert_same(host(params), before)


@pytest.mark.parametrize("lr", [1, 0.5, np.float64(0.5), np.float32(0.5), np.int64(1)])
def test_the_kind_of_number_does_not_matter(entry, lr, xpnet_backend):
    params, grads = arrays(xpnet_backend)
    expected, _ = arrays(xpnet_backend)
    optimizer = entry.make()
    optimizer.lr = lr

    optimizer.update(params, grads)
    entry.make(lr=float(lr)).update(expected, grads)

    assert params["W"].dtype == xpnet_backend.dtype
    assert_same(host(params), host(expected))


def test_gradients_of_no_parameter_are_ignored(entry):
    params, grads = arrays(xpnet.set_backend("numpy"))
    expected, _ = arrays("numpy")

    entry.make().update(params, grads | {"V": np.ones(3)})
    entry.make().update(expected, grads)

    assert_same(params, expected)


def test_a_net_without_parameters(entry):
    params = {}
    optimizer = entry.make()

    optimizer.update(params, {})

    assert params == optimizer.state == {}
    assert optimizer.apply({}, {}, {}) == ({}, {})


@pytest.mark.parametrize(
    ("bad", "error"),
    [(np.ones(3), xpnet.ShapeError), (np.ones(2, "int64"), xpnet.DTypeError), (None, TypeError)],
)
def test_after_a_mistake_in_one_gradient_nothing_has_changed(entry, bad, error):
    params = {"W": np.ones(3), "b": np.ones(2)}
    optimizer = entry.make()
    optimizer.update(params, {"W": np.ones(3), "b": np.ones(2)})
    before, state = host(params), optimizer.state

    with pytest.raises(error, match="'b'"):
        optimizer.update(params, {"W": np.ones(3), "b": bad})

    assert_same(params, before)
    assert optimizer.state is state


def test_the_rate_can_be_changed_between_steps():
    params, grads = {"W": np.ones(1)}, {"W": np.ones(1)}
    optimizer = SGD(lr=0.5)

    optimizer.update(params, grads)
    optimizer.lr = 0.25
    optimizer.update(params, grads)

    assert params["W"] == 0.25
    assert repr(optimizer) == "SGD(lr=0.25)"


def test_the_velocity_outlives_a_change_of_the_rate():
    params = {"W": np.zeros(1)}
    optimizer = Momentum(lr=0.5, momentum=0.5)

    optimizer.update(params, {"W": np.ones(1)})
    optimizer.lr = 0
    optimizer.update(params, {"W": np.ones(1)})

    assert params["W"] == -0.5 - 0.25


def test_a_net_learns(entry):
    with xpnet.use_backend("numpy"):
        net = xpnet.TwoLayerNet(4, 6, 3, weight_init_std=0.5, seed=0)
        x = xpnet.asarray(np.random.default_rng(0).standard_normal((5, 4)))
    t = np.asarray([0, 2, 1, 1, 0])
    before, weights = net.loss(x, t), net.params["W1"]
    optimizer = entry.make()

    for _ in range(20):
        optimizer.update(net.params, net.gradient(x, t))

    assert net.loss(x, t) < 0.8 * before
    assert net.layers["Affine1"].W is weights


def test_16_bits_do_not_stop_an_average():
    # Of 1 % of a square added to it, bfloat16 and float16 would keep next to nothing.
    params = {"W": np.ones(1, dtype="float16")}
    optimizer = Adam(lr=0, beta2=0.9999)

    for _ in range(1000):
        optimizer.update(params, {"W": np.full(1, 1e-3, dtype="float16")})

    found = optimizer.state["W"]["square"]
    assert_allclose(found, (1 - 0.9999**1000) * np.float16(1e-3).astype(float) ** 2, rtol=1e-4)


# Settings ------------------------------------------------------------------------------------

FRACTIONS = ("momentum", "decay_rate", "beta1", "beta2")


def test_settings_are_those_of_the_signature(entry):
    optimizer = entry.kind()

    defaults = {
        name: parameter.default
        for name, parameter in inspect.signature(entry.kind).parameters.items()
    }
    assert defaults.pop("transforms") == optimizer.transforms == ()
    assert defaults.pop("groups") is None
    assert optimizer.groups == {}
    assert optimizer.settings == defaults
    assert list(optimizer.settings) == list(defaults)
    arguments = ", ".join(f"{name}={value}" for name, value in defaults.items())
    assert repr(optimizer) == f"{entry}({arguments})"
    assert entry.make().settings == entry.settings


def test_settings_that_cannot_be(entry):
    optimizer = entry.make()
    for name in entry.settings:
        is_fraction = name in FRACTIONS
        says = "less than 1" if is_fraction else "not negative"
        for bad in (-0.1, np.nan, np.inf, "0.5", None, 1j, *([1.0] if is_fraction else [])):
            with pytest.raises(SettingError, match=rf"^{entry}: {name} is .* {says}"):
                entry.make(**{name: bad})
            with pytest.raises(SettingError, match=rf"^{entry}: {name} is .* {says}"):
                setattr(optimizer, name, bad)
    assert optimizer.settings == entry.settings


def test_every_setting_matters(entry):
    results = {}
    for name in (None, *entry.settings):
        params, grads = arrays(xpnet.set_backend("numpy", dtype="float64"))
        changed = {} if name is None else {name: entry.settings[name] / 2}
        optimizer = entry.make(**changed)
        optimizer.update(params, grads)
        optimizer.update(params, {name: 3 * grad + 1 for name, grad in grads.items()})
        results[name] = params["W"].tobytes()

    assert len(set(results.values())) == len(results)


def test_the_base_class_has_no_rule():
    with pytest.raises(NotImplementedError):
        xpnet.Optimizer().update({"W": np.ones(1)}, {"W": np.ones(1)})


def test_the_table_has_every_optimizer_by_its_name():
    assert {name: entry.kind for name, entry in OPTIMIZERS.items()} == {
        name: getattr(xpnet, name) for name in OPTIMIZERS
    }


@pytest.mark.parametrize("view", [lambda a: a, lambda a: a[:]], ids=["itself", "a view"])
def test_a_gradient_may_be_another_parameter(view):
    # As those of the loss sum(V * W) are.
    V, W = np.full(2, 1.0), np.full(2, 3.0)

    xpnet.SGD(lr=0.5).update({"V": V, "W": W}, {"V": view(W), "W": view(V)})

    assert (V[0], W[0]) == (-0.5, 2.5)
