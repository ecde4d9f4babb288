"""Transforms: what they make of gradients, on every backend."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import xpnet
from xpnet import SGD, Momentum, StepDecay, clip_norm, clip_value, noise, weight_decay
from xpnet.backend import resolve_backend
from xpnet.backends import adapter_of
from xpnet.dtypes import dtype_name
from xpnet.testing import no_host_sync, tolerance

W = np.asarray([[1.0, -2.0], [0.5, 4.0]])
DW = np.asarray([[0.25, 3.0], [-1.0, 0.0]])
PARAMS, GRADS = (
    {"W": W, "b": W[0], "empty": np.ones((0, 3))},
    {
        "W": DW,
        "b": DW[1] * 2,
        "empty": np.ones((0, 3)),
    },
)
NORM = np.sqrt(0.25**2 + 9 + 1 + 4)


def shortened(g, w):
    return g * 1.5 / (NORM + 1e-6)


def within(g, w):
    return np.clip(g, -0.5, 0.5)


def as_it_is(g, w):
    return g


def nothing(g, w):
    return 0 * g


def decayed(g, w):
    return g + 0.5 * w


TRANSFORMS = {
    "clip_norm": (lambda: clip_norm(1.5), shortened),
    "clip_norm, far": (lambda: clip_norm(100.0), as_it_is),
    "clip_norm to 0": (lambda: clip_norm(0), nothing),
    "clip_value": (lambda: clip_value(0.5), within),
    "clip_value to 0": (lambda: clip_value(0), nothing),
    "weight_decay": (lambda: weight_decay(0.5), decayed),
    "no weight_decay": (lambda: weight_decay(0), as_it_is),
    "no noise": (lambda: noise(0, seed=1), as_it_is),
}


def arrays(mapping, backend):
    return {name: xpnet.asarray(array.copy(), xp=backend) for name, array in mapping.items()}


def host(mapping):
    return {name: xpnet.to_numpy(array).astype("float64") for name, array in mapping.items()}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_gradients_become_those_of_the_formula(name, xpnet_backend):
    make, formula = TRANSFORMS[name]
    params, grads = arrays(PARAMS, xpnet_backend), arrays(GRADS, xpnet_backend)
    kept = dict(grads)

    found = make()(grads, params, 0)

    assert list(found) == list(grads)
    for key, array in found.items():
        assert adapter_of(array) is xpnet_backend.adapter
        assert array.device == xpnet_backend.device
        assert array.dtype == xpnet_backend.dtype
        expected = formula(GRADS[key], PARAMS[key])
        rtol = tolerance(array.dtype, 10)
        assert_allclose(xpnet.to_numpy(array).astype("float64"), expected, rtol=rtol, atol=1e-9)
    assert all(grads[key] is array for key, array in kept.items())
    for key, array in host(grads).items():
        assert_array_equal(array, GRADS[key])


@pytest.mark.parametrize("name", TRANSFORMS)
def test_an_update_is_the_rule_after_the_transform(name, xpnet_backend):
    make, _ = TRANSFORMS[name]
    params, grads = arrays(PARAMS, xpnet_backend), arrays(GRADS, xpnet_backend)
    expected = arrays(PARAMS, xpnet_backend)

    Momentum(0.5, transforms=[make()]).update(params, grads)
    Momentum(0.5).update(expected, make()(grads, expected, 0))

    for key, array in host(expected).items():
        assert_array_equal(host(params)[key], array)


def test_transforms_go_in_order():
    params, grads = {"W": np.ones(1)}, {"W": np.full(1, 3.0)}

    def after(*transforms):
        return SGD(1.0, transforms=transforms).apply(params, grads, {})[0]["W"][0]

    assert after(clip_value(1.0), weight_decay(2.0)) == 1 - 3
    assert after(weight_decay(2.0), clip_value(1.0)) == 1 - 1


def test_a_function_of_ones_own_gets_gradients_parameters_and_the_step(xpnet_backend):
    seen = []

    def own(grads, params, step):
        seen.append((sorted(grads), sorted(params), step))
        return {name: grad * 0.5 for name, grad in grads.items()}

    params, grads = arrays(PARAMS, xpnet_backend), arrays(GRADS, xpnet_backend)
    expected = arrays(PARAMS, xpnet_backend)
    optimizer = SGD(1.0, transforms=[own])
    for _ in range(2):
        optimizer.update(params, grads | {"V": grads["b"]})
        SGD(0.5).update(expected, grads)

    names = ["W", "b", "empty"]
    assert seen == [(names, names, 0), (names, names, 1)]
    for key, array in host(expected).items():
        assert_array_equal(host(params)[key], array)


def test_what_a_transform_of_ones_own_does_to_its_mappings_is_nobodys_business():
    def own(grads, params, step):
        params.clear()
        found = dict(grads)
        grads.clear()
        return found

    params, grads = {"W": np.ones(1)}, {"W": np.ones(1)}
    SGD(1.0, transforms=[own, weight_decay(1.0)]).update(params, grads)

    assert params["W"] == 1 - 2
    assert grads.keys() == {"W"}


def test_after_an_error_in_a_transform_nothing_has_changed(xpnet_backend):
    def own(grads, params, step):
        if step:
            raise RuntimeError
        return grads

    params, grads = arrays(PARAMS, xpnet_backend), arrays(GRADS, xpnet_backend)
    optimizer = Momentum(transforms=[own])
    optimizer.update(params, grads)
    before, state = host(params), optimizer.state

    with pytest.raises(RuntimeError):
        optimizer.update(params, grads)

    for key, array in before.items():
        assert_array_equal(host(params)[key], array)
    assert optimizer.state is state
    assert optimizer.steps == 1


def test_nothing_is_read_on_the_host():
    pytest.importorskip("array_api_strict")
    with xpnet.use_backend("array_api_strict", device="device1") as backend:
        params, grads = arrays(PARAMS, backend), arrays(GRADS, backend)
        pipeline = [weight_decay(0.1), noise(0.1, seed=0), clip_norm(0.5), clip_value(0.1)]
        optimizer = SGD(0.1, transforms=pipeline)
        with no_host_sync():
            optimizer.update(params, grads)
        assert not np.array_equal(host(params)["W"], W)


@pytest.mark.parametrize("strange", [np.nan, np.inf, -np.inf])
def test_clip_norm_spreads_nan_and_takes_all_but_infinity_to_0(strange, xpnet_backend):
    params, grads = arrays(PARAMS, xpnet_backend), arrays(GRADS, xpnet_backend)
    grads["b"] = xpnet.asarray(np.asarray([strange, 1.0]), xp=xpnet_backend)

    found = host(clip_norm(1.0)(grads, params, 0))

    assert np.isnan(found["b"][0])
    rest = np.append(found["W"], found["b"][1])
    assert np.isnan(rest).all() if np.isnan(strange) else (rest == 0).all()


def test_clip_value_leaves_nan_and_brings_infinity_to_the_limit(xpnet_backend):
    grads = {"W": xpnet.asarray(np.asarray([np.nan, np.inf, -np.inf, -0.25]), xp=xpnet_backend)}

    found = clip_value(0.5)(grads, grads, 0)

    assert_array_equal(host(found)["W"], [np.nan, 0.5, -0.5, -0.25])


@pytest.mark.parametrize(
    "transform", [clip_value(1e300), clip_norm(1e300), weight_decay(0), noise(0, seed=0)], ids=repr
)
def test_limits_beyond_the_dtype_clip_nothing(transform, xpnet_backend):
    grads = arrays(GRADS, xpnet_backend)

    for key, array in host(transform(grads, arrays(PARAMS, xpnet_backend), 0)).items():
        assert_array_equal(array, GRADS[key])


def test_squares_neither_overflow_nor_vanish_in_a_norm(xpnet_backend):
    if dtype_name(xpnet_backend.dtype) not in ("float32", "float64"):
        pytest.skip("no such numbers in 16 bits")
    large, small = (
        {"W": xpnet.asarray(np.asarray([3.0, 4.0]) * size, xp=xpnet_backend)}
        for size in (1e30, 1e-30)
    )

    found = host(clip_norm(1e30)(large, large, 0))["W"]
    unchanged = host(clip_norm(1.0)(small, small, 0))["W"]
    shorter = host(clip_norm(1e-24)(small, small, 0))["W"]

    assert_allclose(found, [0.6e30, 0.8e30], rtol=1e-6)
    assert_array_equal(unchanged, host(small)["W"])
    # By the 1e-6 of the formula, beside which this norm is nothing.
    assert_allclose(shorter, np.asarray([3e-30, 4e-30]) * 1e-18, rtol=1e-6, atol=1e-45)


def test_a_norm_of_16_bits_is_added_in_32():
    grads = {"W": np.full(3000, 30.0, dtype="float16")}  # whose squares add up to 2.7e6

    found = clip_norm(1.0)(grads, grads, 0)["W"]

    assert found.dtype == "float16"
    assert_allclose(found.astype(float), 1 / np.sqrt(3000), rtol=1e-3)


def test_a_norm_stays_right_beyond_two_to_the_24():
    grads = {"W": np.broadcast_to(np.float32(1), (2**24 + 2**22,))}

    found = clip_norm(1.0)(grads, grads, 0)["W"]

    assert_allclose(found[0], 1 / np.sqrt(2**24 + 2**22), rtol=1e-6)


def test_float32_beside_float64_keeps_its_dtype():
    grads = {"W": np.full(2, 3.0, dtype="float32"), "b": np.full(1, 4.0)}

    found = clip_norm(1.0)(grads, grads, 0)

    assert (found["W"].dtype, found["b"].dtype) == ("float32", "float64")
    norm = np.sqrt(9 + 9 + 16)
    assert_allclose(found["b"], 4 / (norm + 1e-6), rtol=tolerance("float32", 10))
    with pytest.warns(xpnet.PrecisionWarning):
        decayed = weight_decay(1.0)({"W": grads["W"]}, {"W": np.ones(2)}, 0)
    assert decayed["W"].dtype == "float32"
    assert_array_equal(decayed["W"], 4)


def test_there_may_be_nothing_to_clip():
    for transform in (clip_norm(1.0), clip_value(1.0), weight_decay(1.0), noise(1.0, seed=0)):
        optimizer = SGD(transforms=[transform])
        optimizer.update({}, {})
        empty = {"W": np.ones((0, 2))}
        optimizer.update(empty, empty)
        assert transform(empty, empty, 0)["W"].shape == (0, 2)


# Noise ---------------------------------------------------------------------------------------


def noisy(transform, step=0, name="W", backend="numpy", shape=(1000,), dtype="float64"):
    backend = resolve_backend(backend, dtype=dtype)
    grads = {name: xpnet.asarray(np.zeros(shape), xp=backend)}
    return xpnet.to_numpy(transform(grads, grads, step)[name])


def test_noise_has_the_same_bits_everywhere(xpnet_backend):
    expected = noisy(noise(0.1, seed=7), step=3).astype("float32")
    grads = {"W": xpnet.asarray(np.zeros(1000), xp=xpnet_backend)}

    found = xpnet.to_numpy(noise(0.1, seed=7)(grads, grads, 3)["W"])

    exact = dtype_name(xpnet_backend.dtype) == "float32"
    rtol = 0 if exact else tolerance(xpnet_backend.dtype, 2) + 1e-6
    twin = noisy(noise(0.1, seed=7), step=3, dtype="float32") if exact else expected
    assert_allclose(found.astype("float64"), twin, rtol=rtol)


def test_noise_is_nearly_normal():
    sample = noisy(noise(2.0, seed=0), shape=(400, 500)) / 2

    moments = [np.mean(sample**power) for power in (1, 2, 3, 4)]
    # That of a sum of eight uniform numbers falls short of 3 by 1.2 / 8.
    assert_allclose(moments, [0, 1, 0, 3 - 0.15], atol=0.06)
    assert abs(sample).max() <= np.sqrt(24) + 1e-9
    assert np.mean(abs(sample) > 1) == pytest.approx(0.3173, abs=0.01)


def test_noise_differs_by_seed_step_name_and_entry():
    base = noisy(noise(1.0, seed=0))
    others = [
        noisy(noise(1.0, seed=1)),
        noisy(noise(1.0, seed=2**32)),
        noisy(noise(1.0, seed=0), step=1),
        noisy(noise(1.0, seed=0), step=2**33),
        noisy(noise(1.0, seed=0), name="b"),
        base[::-1],
    ]
    for other in others:
        assert abs(np.corrcoef(base, other)[0, 1]) < 0.15
    assert len(np.unique(base)) > 990
    assert_array_equal(noisy(noise(1.0, seed=0)), base)


def test_noise_of_a_parameter_does_not_depend_on_others():
    grads = {name: np.zeros(5) for name in "VWX"}
    transform = noise(1.0, seed=3)

    assert_array_equal(
        transform(grads, grads, 1)["W"], transform({"W": grads["W"]}, {"W": grads["W"]}, 1)["W"]
    )


def test_each_step_has_noise_of_its_own_also_after_a_copy():
    optimizer = SGD(1.0, transforms=[noise(1.0, seed=5)])
    params, grads = {"W": np.zeros(4)}, {"W": np.zeros(4)}
    optimizer.update(params, grads)
    first = params["W"].copy()
    again, kept = pickle.loads(pickle.dumps((optimizer, params)))

    optimizer.update(params, grads)
    again.update(kept, grads)

    assert_array_equal(kept["W"], params["W"])
    assert not np.array_equal(params["W"] - first, first)


# Settings ------------------------------------------------------------------------------------


def test_the_number_of_a_transform_may_follow_a_schedule_and_be_changed():
    limit = clip_value(StepDecay(1.0, every=1, factor=0.5))
    optimizer = SGD(1.0, transforms=[limit])
    params = {"x": 0.0}
    positions = []
    for i in range(4):
        if i == 3:
            limit.limit = 3
        optimizer.update(params, {"x": 8.0})
        positions.append(params["x"])

    assert positions == [-1, -1.5, -1.75, -4.75]
    assert limit({"x": np.asarray(8.0)}, {"x": 0}, 7)["x"] == 3


@pytest.mark.parametrize(
    ("transform", "text"),
    [
        (clip_norm(1), "clip_norm(max_norm=1.0)"),
        (clip_value(0.5, only="W"), "clip_value(limit=0.5, only='W')"),
        (weight_decay(0.5, only=["W", "V"]), "weight_decay(rate=0.5, only=('W', 'V'))"),
        (noise(0.5, seed=np.int64(3)), "noise(std=0.5, seed=3)"),
        (noise(0.5, seed=0, only="W"), "noise(std=0.5, seed=0, only='W')"),
    ],
)
def test_transforms_show_themselves_and_are_copied(transform, text):
    assert repr(transform) == text
    assert repr(pickle.loads(pickle.dumps(copy.deepcopy(transform)))) == text
    optimizer = SGD(0.1, transforms=[transform])
    assert repr(optimizer) == f"SGD(lr=0.1, transforms=[{text}])"
    assert optimizer.transforms == (transform,)


def test_only_some_parameters_are_meant():
    params, grads = {"W": np.ones(1), "b": np.ones(1)}, {"W": np.full(1, 3.0), "b": np.full(1, 4.0)}

    found = clip_norm(1.0, only="W")(grads, params, 0)
    assert found["W"] == pytest.approx(1)  # the norm is that of W alone
    assert found["b"] == 4

    found = weight_decay(1.0, only=("b", "W*"))(grads, params, 0)
    assert (found["W"], found["b"]) == (4, 5)


def test_only_takes_the_paths_of_a_net_and_the_names_of_the_book():
    net = xpnet.TwoLayerNet(4, 3, 2, seed=0, xp=resolve_backend("numpy", dtype="float64"))
    start = {name: array.copy() for name, array in net.params.items()}
    grads = {name: np.zeros_like(array) for name, array in net.params.items()}

    pipeline = [weight_decay(0.5, only="*.W"), weight_decay(0.25, only="W2")]
    SGD(1.0, transforms=pipeline).update(net.params, grads)

    for name, share in {"W1": 0.5, "W2": 0.25, "b1": 1, "b2": 1}.items():
        assert_allclose(net.params[name], share * start[name], rtol=1e-15)


def test_a_history_of_pytorch_is_left_out():
    torch = pytest.importorskip("torch")
    W = torch.ones(2, requires_grad=True)
    pipeline = [weight_decay(0.5), noise(0.0, seed=0), clip_value(1.0), clip_norm(9.0)]

    SGD(1.0, transforms=pipeline).update({"W": W}, {"W": (W * 0.25).clone()})

    assert W.requires_grad
    assert W.grad_fn is None
    assert_array_equal(W.detach().numpy(), 0.25)
