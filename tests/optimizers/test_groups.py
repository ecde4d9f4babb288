"""Settings that count for some parameters alone."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import xpnet
from xpnet import SGD, Adam, Affine, ReLU, Sequential, SettingError, StepDecay
from xpnet.backend import resolve_backend


def moved(optimizer, params, grads=None):
    """Return by how much one step moves each parameter, whose gradients are 1."""
    before = {name: np.array(xpnet.to_numpy(array)) for name, array in params.items()}
    grads = grads or {name: array * 0 + 1 for name, array in params.items()}
    optimizer.update(params, grads)
    return {
        name: float(np.round(np.max(before[name] - xpnet.to_numpy(array)), 6))
        for name, array in params.items()
    }


def zeros(*names):
    return {name: np.zeros(2) for name in names}


def test_a_group_has_settings_of_its_own():
    optimizer = SGD(1.0, groups={"b*": {"lr": 0.5}})

    assert moved(optimizer, zeros("W1", "b1", "b2", "gb")) == {
        "W1": 1,
        "b1": 0.5,
        "b2": 0.5,
        "gb": 1,
    }


def test_of_two_groups_that_set_the_same_the_later_counts_and_others_add():
    groups = {"*": {"lr": 2.0}, "b*": {"lr": 0.5}, "*1": {"momentum": 0.0}, "b1": {"lr": 0.25}}
    optimizer = xpnet.Momentum(1.0, momentum=0.5, groups=groups)
    params = zeros("W1", "W2", "b1", "b2")
    assert moved(optimizer, params) == {"W1": 2, "W2": 2, "b1": 0.25, "b2": 0.5}
    assert moved(optimizer, params) == {"W1": 2, "W2": 3, "b1": 0.25, "b2": 0.75}

    optimizer = SGD(1.0, groups={"b1": {"lr": 0.25}, "b*": {"lr": 0.5}})
    assert moved(optimizer, zeros("b1", "b2")) == {"b1": 0.5, "b2": 0.5}


def test_a_setting_of_a_group_may_follow_a_schedule():
    optimizer = SGD(1.0, groups={"b": {"lr": StepDecay(0.5, every=1, factor=0.5)}})
    params = zeros("W", "b")

    assert [moved(optimizer, params)["b"] for _ in range(3)] == [0.5, 0.25, 0.125]
    assert optimizer.settings == {"lr": 1}
    assert optimizer.numbers().groups == {"b": {"lr": 0.0625}}


def test_every_setting_may_be_that_of_a_group(entry):
    for name, value in entry.settings.items():
        plain = entry.make(**{name: value / 2})
        grouped = entry.make(groups={"W": {name: value / 2}})
        params, expected = zeros("W", "b"), zeros("W")
        for step in range(3):
            grads = {key: np.full(2, step - 0.5) for key in params}
            plain.update(expected, grads)
            grouped.update(params, grads)
        assert_array_equal(params["W"], expected["W"])
        twin = zeros("b")
        unchanged = entry.make()
        for step in range(3):
            unchanged.update(twin, {"b": np.full(2, step - 0.5)})
        assert_array_equal(params["b"], twin["b"])


def two_layer_net():
    return xpnet.TwoLayerNet(4, 3, 2, seed=0, xp=resolve_backend("numpy", dtype="float64"))


def test_a_net_of_the_book_has_paths_and_the_names_of_the_book():
    optimizer = SGD(1.0, groups={"*.b": {"lr": 0.5}, "W2": {"lr": 0.25}, "Affine1.W": {"lr": 2.0}})

    assert moved(optimizer, two_layer_net().params) == {"W1": 2, "b1": 0.5, "W2": 0.25, "b2": 0.5}


def test_a_tied_parameter_has_the_paths_of_all_its_places():
    first = Affine.random(3, 3, seed=0)
    second = Affine(first.W, np.zeros(3, dtype="float32"))
    net = Sequential(first, ReLU(), second)
    name, *_ = net.params

    assert len(net.params) == 3
    assert set(net.params.all_names()[name]) == {"Affine1.W", "Affine2.W"}
    assert moved(SGD(1.0, groups={"Affine2.W": {"lr": 0.5}}), net.params)[name] == 0.5


def test_patterns_tell_upper_case_from_lower():
    assert moved(SGD(1.0, groups={"w": {"lr": 0.5}}), zeros("w", "W")) == {"w": 0.5, "W": 1}


def test_a_frozen_parameter_is_one_that_a_pattern_may_match():
    net = two_layer_net().freeze("Affine1")
    optimizer = SGD(1.0, groups={"Affine1.*": {"lr": 0.5}})

    found = moved(optimizer, net.params)

    assert found == {"W1": 0, "b1": 0, "W2": 1, "b2": 1}


def test_a_parameter_of_an_earlier_update_is_one_that_a_pattern_may_match():
    optimizer = SGD(1.0, groups={"b": {"lr": 0.5}})
    with pytest.raises(SettingError, match=r"no parameter has a name like 'b'; there are W$"):
        moved(optimizer, zeros("W"))
    moved(optimizer, zeros("W", "b"))

    assert moved(optimizer, zeros("W")) == {"W": 1}


def test_a_pattern_that_matches_nothing_changes_nothing(xpnet_backend):
    params = {"W": xpnet.asarray(np.ones(2), xp=xpnet_backend)}
    optimizer = Adam(groups={"b": {"lr": 0.5}})

    with pytest.raises(SettingError, match="'b'"):
        optimizer.update(params, {"W": params["W"]})

    assert_array_equal(xpnet.to_numpy(params["W"]), 1)
    assert (optimizer.state, optimizer.steps) == ({}, 0)


def test_groups_are_shown_copied_and_replaced_as_a_whole():
    optimizer = SGD(1.0, groups={"b": {"lr": 1}})
    assert repr(optimizer) == "SGD(lr=1.0, groups={'b': {'lr': 1.0}})"
    for twin in (copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
        assert twin.groups == optimizer.groups == {"b": {"lr": 1.0}}

    optimizer.groups = {"W": {"lr": 0.5}}
    assert moved(optimizer, zeros("W", "b")) == {"W": 0.5, "b": 1}
    with pytest.raises(SettingError):
        optimizer.groups = {"W": {"lr": -1}}
    optimizer.groups = {}
    assert moved(optimizer, zeros("W", "b")) == {"W": 1, "b": 1}


def test_what_was_given_may_be_changed_afterwards():
    given = {"b": {"lr": 0.5}}
    optimizer = SGD(1.0, groups=given)
    given["b"]["lr"] = -1
    given["W"] = {}

    assert moved(optimizer, zeros("W", "b")) == {"W": 1, "b": 0.5}


def test_a_pure_step_has_groups_too():
    optimizer = SGD(1.0, groups={"b": {"lr": 0.5}})
    params, grads = zeros("W", "b"), {"W": np.ones(2), "b": np.ones(2)}

    found, _ = optimizer.apply(params, grads, {}, {"lr": 3.0})

    assert_array_equal(found["W"], -3)
    assert_array_equal(found["b"], -0.5)
