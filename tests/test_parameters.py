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


def test_names_are_paths():
    net = Sequential(ReLU(), Affine.random(4, 6), Sigmoid(), Affine.random(6, 3))

    assert list(net.params) == ["Affine1.W", "Affine1.b", "Affine2.W", "Affine2.b"]
    assert [tuple(net.params[f"Affine{i}.W"].shape) for i in (1, 2)] == [(4, 6), (6, 3)]
    assert len(net.params) == 4
    assert "Affine2.W" in net.params
    assert "W1" not in net.params


def test_the_books_net_has_the_books_names_besides():
    net = TwoLayerNet(4, 6, 3)

    assert list(net.params) == ["W1", "b1", "W2", "b2"]
    assert net.params["Affine2.W"] is net.params["W2"]
    assert "Affine2.W" in net.params


def test_nets_in_nets_share_their_parameters():
    inner = Sequential(Affine.random(4, 6, seed=1), ReLU())
    middle = Sequential(inner, Affine.random(6, 5, seed=2))
    outer = Sequential(Affine.random(4, 4, seed=3), middle)

    outer.params["Sequential1.Sequential1.Affine1.W"] = new = np.zeros((4, 6), dtype="float32")

    assert len(outer.params) == 6
    assert middle.params["Sequential1.Affine1.W"] is inner.params["Affine1.W"] is new


class Residual:
    """Its parameters are those of a net inside it."""

    def __init__(self, *layers):
        self.inner = Sequential(*layers)

    params = property(lambda self: self.inner.params)
    grads = property(lambda self: self.inner.grads)

    def forward(self, x):
        return x + self.inner.forward(x)

    def backward(self, dout):
        return dout + self.inner.backward(dout)


def test_no_name_collides_however_many_layers_there_are(xpnet_backend):
    with xpnet.use_backend(xpnet_backend):
        layers = [Affine.random(4, 4, weight_init_std=0.5, seed=i) for i in range(11)]
        net = Sequential(Residual(layers[0]), *layers[1:])
        x, t = xpnet.asarray(np.ones((2, 4))), xpnet.asarray(np.asarray([0, 3]))
        before = {name: xpnet.to_numpy(array).copy() for name, array in net.params.items()}

        xpnet.SGD(lr=0.5).update(net.params, net.gradient(x, t))

    assert len(before) == 22
    assert next(iter(net.params)) == "Residual1.Affine1.W"
    for name, array in before.items():
        assert (xpnet.to_numpy(net.params[name]) != array).any()


def test_two_parameters_never_have_one_name():
    class Awkward:
        def __init__(self, x):
            self.inner = Affine.random(2, 2)
            self.params, self.grads = {"inner.W": np.ones(x)}, {}

        forward = backward = None

    with pytest.raises(ValueError, match=r"two parameters have the name .Awkward1\.inner\.W."):
        list(Sequential(Awkward(3)).params)


# Tied weights --------------------------------------------------------------------------------


def tied_net(backend):
    with xpnet.use_backend(backend):
        net = Sequential(
            Affine.random(4, 4, weight_init_std=0.5, seed=1),
            ReLU(),
            Affine.random(4, 4, weight_init_std=0.5, seed=2),
        )
    net[2].params["W"] = net[0].params["W"]
    return net


def test_an_array_of_two_layers_is_one_parameter_with_the_sum_of_gradients(xpnet_backend):
    net = tied_net(xpnet_backend)
    x = xpnet.asarray(np.asarray([[1.0, -2.0, 3.0, 0.5]]), xp=xpnet_backend)
    t = xpnet.asarray(np.asarray([2]), xp=xpnet_backend)

    grads = net.gradient(x, t)

    assert list(net.params) == list(grads) == ["Affine1.W", "Affine1.b", "Affine2.b"]
    assert net.params["Affine2.W"] is net.params["Affine1.W"]
    total = xpnet.to_numpy(net[0].dW + net[2].dW)
    assert np.array_equal(xpnet.to_numpy(grads["Affine1.W"]), total)


@pytest.mark.parametrize("compiled", [False, True])
def test_a_tie_holds_and_is_moved_once(compiled, xpnet_backend):
    net, optimizer = tied_net(xpnet_backend), xpnet.SGD(lr=0.5)
    x = xpnet.asarray(np.asarray([[1.0, -2.0, 3.0, 0.5]]), xp=xpnet_backend)
    t = xpnet.asarray(np.asarray([2]), xp=xpnet_backend)
    step = xpnet.compile(net, optimizer) if compiled else None
    for _ in range(3):
        W, grad = net[0].W, net.gradient(x, t)["Affine1.W"]
        expected = xpnet.to_numpy(W - 0.5 * grad)
        if compiled:
            step(x, t)
        else:
            optimizer.update(net.params, net.gradient(x, t))
        assert net[0].W is net[2].W
        error = abs(xpnet.to_numpy(net[0].W).astype("f8") - expected).max()
        assert error <= 4 * xpnet.testing.tolerance(xpnet_backend.dtype, 4)


def test_a_tie_is_moved_to_another_dtype_as_one():
    net = tied_net("numpy").to(dtype="float64")

    assert net[0].W is net[2].W
    assert net[0].W.dtype == "float64"


# Frozen --------------------------------------------------------------------------------------


def frozen_and_moved(net, x, t, step):
    before = {name: xpnet.to_numpy(array).copy() for name, array in net.params.items()}
    step(x, t)
    return {name for name, old in before.items() if (xpnet.to_numpy(net.params[name]) != old).any()}


@pytest.mark.parametrize("compiled", [False, True])
def test_what_is_frozen_is_not_trained_until_it_is_unfrozen(compiled, xpnet_backend):
    with xpnet.use_backend(xpnet_backend):
        net, optimizer = TwoLayerNet(4, 6, 3, weight_init_std=0.5, seed=1), xpnet.Momentum(lr=0.1)
        x = xpnet.asarray(np.random.default_rng(3).standard_normal((5, 4)))
        t = xpnet.asarray(np.asarray([2, 0, 1, 1, 2]))

    def eager(x, t):
        optimizer.update(net.params, net.gradient(x, t))

    step = xpnet.compile(net, optimizer) if compiled else eager
    everything = {"W1", "b1", "W2", "b2"}
    assert frozen_and_moved(net, x, t, step) == everything
    net.freeze("Affine1", "b2")
    for _ in range(2):
        assert frozen_and_moved(net, x, t, step) == {"W2"}
    assert list(net.gradient(x, t)) == ["W2"]
    net.unfreeze("W1")
    assert frozen_and_moved(net, x, t, step) == {"W1", "W2"}
    net.freeze()
    assert frozen_and_moved(net, x, t, step) == set()
    net.unfreeze()
    assert frozen_and_moved(net, x, t, step) == everything


def test_an_unknown_path_freezes_nothing():
    net = TwoLayerNet(4, 6, 3)

    with pytest.raises(KeyError, match="no parameter or layer 'W3'; there are W1, b1, W2, b2, Af"):
        net.freeze("W1", "W3")

    assert net.params.frozen() == set()


def test_a_part_is_trained_by_a_mapping_of_it_on_every_library(net, batch):
    before = {name: xpnet.to_numpy(array).copy() for name, array in net.params.items()}

    part = {name: net.params[name] for name in ("W2", "b2")}
    xpnet.SGD(lr=0.5).update(part, net.gradient(*batch))

    moved = {n for n, old in before.items() if (xpnet.to_numpy(net.params[n]) != old).any()}
    assert moved == {"W2", "b2"}
    assert all(net.params[name] is array for name, array in part.items())


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
