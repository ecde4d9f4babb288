"""Parameters have one home: the net, its layers and the optimizer see the same arrays."""

from __future__ import annotations

import numpy as np
import pytest

import xpnet
from xpnet import Affine, ReLU, Sequential, Sigmoid, TwoLayerNet


@pytest.fixture
def net(xpnet_backend):
    return TwoLayerNet(4, 6, 3, weight_init_std=0.5, seed=1, xp=xpnet_backend)


@pytest.fixture
def batch(xpnet_backend):
    x = np.random.default_rng(3).standard_normal((5, 4))
    t = np.asarray([2, 0, 1, 1, 2])
    return xpnet.asarray(x, xp=xpnet_backend), xpnet.asarray(t, xp=xpnet_backend)


def predicted(net, batch):
    return xpnet.to_numpy(net.predict(batch[0])).copy()


@pytest.mark.parametrize("name", ["W1", "b1", "W2", "b2"])
def test_a_new_array_under_a_name_of_the_net_is_what_the_layer_uses(net, batch, name):
    before = predicted(net, batch)
    new = net.params[name] + 1

    net.params[name] = new

    layer = net.layers[f"Affine{name[1]}"]
    assert layer.params[name[0]] is new
    assert getattr(layer, name[0]) is new
    assert not np.array_equal(predicted(net, batch), before)


@pytest.mark.parametrize("name", ["W1", "b1", "W2", "b2"])
def test_a_new_array_of_the_layer_is_what_the_net_shows(net, batch, name):
    before = predicted(net, batch)
    new = net.params[name] + 1

    setattr(net.layers[f"Affine{name[1]}"], name[0], new)

    assert net.params[name] is new
    assert not np.array_equal(predicted(net, batch), before)


def through_the_net(net, step):
    net.params["W1"] -= step


def through_the_layer(net, step):
    net.layers["Affine1"].W -= step


def through_the_layers_params(net, step):
    net.layers["Affine1"].params["W"] -= step


@pytest.mark.parametrize("change", [through_the_net, through_the_layer, through_the_layers_params])
def test_an_update_in_place_is_seen_everywhere(net, batch, change):
    layer = net.layers["Affine1"]
    expected = xpnet.to_numpy(net.params["W1"] - 0.5)
    before = predicted(net, batch)

    change(net, 0.5)

    for array in (net.params["W1"], layer.W, layer.params["W"]):
        assert np.array_equal(xpnet.to_numpy(array), expected)
    assert not np.array_equal(predicted(net, batch), before)


def test_the_books_loop_learns_on_every_backend(net, batch):
    before = float(net.loss(*batch))

    for _ in range(5):
        grad = net.gradient(*batch)
        for key in ("W1", "b1", "W2", "b2"):
            net.params[key] -= 0.5 * grad[key]

    assert float(net.loss(*batch)) < 0.8 * before


def test_an_affine_works_on_the_very_arrays_it_was_given():
    W, b = np.ones((2, 3)), np.zeros(3)
    layer = Affine(W, b)

    W[0, 0] = 7

    assert layer.W is W
    assert layer.b is b
    assert layer.forward(np.asarray([1.0, 0.0]))[0] == 7


def test_layers_without_parameters_get_no_number():
    net = Sequential(
        ReLU(), Affine.random(4, 6), Sigmoid(), ReLU(), Affine.random(6, 5), Affine.random(5, 3)
    )

    assert list(net.params) == ["W1", "b1", "W2", "b2", "W3", "b3"]
    assert [tuple(net.params[f"W{i}"].shape) for i in (1, 2, 3)] == [(4, 6), (6, 5), (5, 3)]
    assert len(net.params) == 6
    assert "W3" in net.params
    assert "W4" not in net.params


def test_nets_in_nets_share_their_parameters():
    inner = Sequential(Affine.random(4, 6, seed=1), ReLU())
    middle = Sequential(inner, Affine.random(6, 5, seed=2))
    outer = Sequential(Affine.random(4, 4, seed=3), middle)

    outer.params["W2"] = new = np.zeros((4, 6), dtype="float32")

    assert list(outer.params) == ["W1", "b1", "W2", "b2", "W3", "b3"]
    assert middle.params["W1"] is inner.params["W1"] is new


def test_names_can_neither_be_added_nor_deleted():
    params = TwoLayerNet(4, 6, 3).params

    with pytest.raises(KeyError, match="no parameter 'W3'; there are W1, b1, W2, b2"):
        params["W3"] = params["W1"]
    with pytest.raises(TypeError, match="cannot delete 'W1'"):
        del params["W1"]
    with pytest.raises(TypeError, match="cannot delete"):
        params.clear()

    assert list(params) == ["W1", "b1", "W2", "b2"]


def test_params_is_one_view_and_no_copy():
    net = TwoLayerNet(4, 6, 3)

    assert net.params is net.params
    with pytest.raises(AttributeError):
        net.params = {}


def test_grads_have_the_names_of_the_params_and_the_arrays_of_the_layers(net, batch):
    assert net.grads == {}

    returned = net.gradient(*batch)

    assert list(returned) == list(net.grads) == list(net.params)
    for name, grad in net.grads.items():
        layer = net.layers[f"Affine{name[1]}"]
        assert grad is returned[name] is layer.grads[name[0]] is getattr(layer, f"d{name[0]}")
        assert grad.shape == net.params[name].shape


def test_a_layer_shows_no_gradient_before_backward():
    layer = Affine.random(4, 3)

    assert layer.dW is None
    assert layer.db is None
