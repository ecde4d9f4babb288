"""Nets: their outputs and gradients, and what a net asks of the layers in it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

import xpnet
from xpnet import Affine, ReLU, Sequential, Sigmoid, SoftmaxWithLoss, TwoLayerNet
from xpnet.arrays import device_of
from xpnet.backends import adapter_of
from xpnet.nets import Container
from xpnet.testing import tolerance

rng = np.random.default_rng(7)
X = rng.standard_normal((5, 4))
INDICES = np.asarray([2, 0, 1, 1, 2])
ONE_HOT = np.eye(3)[INDICES]
SOFT = 0.7 * ONE_HOT + 0.1

each_kind_of_label = pytest.mark.parametrize(
    "labels", [INDICES, ONE_HOT, SOFT], ids=["indices", "one-hot", "soft"]
)


@pytest.fixture
def float64():
    with xpnet.use_backend("numpy", dtype="float64"):
        yield


def small_net(**options):
    return TwoLayerNet(4, 6, 3, weight_init_std=0.5, seed=1, **options)


def assert_at_home(array, backend):
    assert adapter_of(array) is backend.adapter
    assert device_of(array) == backend.device
    assert array.dtype == backend.dtype


# Numbers -------------------------------------------------------------------------------------


@each_kind_of_label
def test_loss_and_gradient_are_the_formulas(labels, float64):
    net = small_net()
    W1, b1, W2, b2 = net.params.values()
    t = ONE_HOT if labels is INDICES else labels

    hidden = X @ W1 + b1
    active = hidden * (hidden > 0)
    scores = active @ W2 + b2
    y = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    dscores = (y - t) / len(X)
    dhidden = dscores @ W2.T * (hidden > 0)

    assert_allclose(net.predict(X), scores, rtol=1e-12)
    assert_allclose(net.loss(X, labels), -(t * np.log(y)).sum(axis=1).mean(), rtol=1e-12)
    expected = {
        "W1": X.T @ dhidden,
        "b1": dhidden.sum(axis=0),
        "W2": active.T @ dscores,
        "b2": dscores.sum(axis=0),
    }
    found = net.gradient(X, labels)
    assert list(found) == list(expected)
    for name, grad in found.items():
        assert_allclose(grad, expected[name], rtol=1e-12, atol=1e-14)


@each_kind_of_label
@pytest.mark.parametrize(
    "net",
    [
        lambda: small_net(),
        lambda: Sequential(
            Affine.random(4, 6, weight_init_std=0.5, seed=1),
            Sigmoid(),
            Affine.random(6, 5, weight_init_std=0.5, seed=2),
            ReLU(),
            Affine.random(5, 3, weight_init_std=0.5, seed=3),
        ),
    ],
    ids=["TwoLayerNet", "Sequential"],
)
def test_gradient_agrees_with_numerical_gradient(net, labels, float64):
    net = net()

    backprop, numerical = net.gradient(X, labels), net.numerical_gradient(X, labels)

    assert list(backprop) == list(numerical) == list(net.params)
    for name, grad in backprop.items():
        assert abs(grad).max() > 1e-3
        assert_allclose(grad, numerical[name], rtol=1e-7, atol=1e-9)


def test_numerical_gradient_works_on_every_backend_and_leaves_the_net_as_it_was(xpnet_backend):
    net = TwoLayerNet(2, 3, 2, weight_init_std=0.5, seed=1, xp=xpnet_backend)
    before = {name: (id(W), xpnet.to_numpy(W).copy()) for name, W in net.params.items()}
    x = xpnet.asarray(X[:, :2], xp=xpnet_backend)
    t = xpnet.asarray(INDICES // 2, xp=xpnet_backend)

    numerical, backprop = net.numerical_gradient(x, t), net.gradient(x, t)

    for name, (identity, values) in before.items():
        assert id(net.params[name]) == identity
        assert np.array_equal(xpnet.to_numpy(net.params[name]), values)
        assert_at_home(numerical[name], xpnet_backend)
        # A central difference has two thirds of the digits.
        allowed = 5 * tolerance(xpnet_backend.dtype, 1) ** (2 / 3)
        difference = xpnet.to_numpy(numerical[name]) - xpnet.to_numpy(backprop[name])
        assert abs(difference).max() < allowed


def test_numerical_gradient_takes_parameters_that_cannot_be_written_to(float64):
    net = small_net()
    for array in net.params.values():
        array.flags.writeable = False

    for name, grad in net.numerical_gradient(X, INDICES).items():
        assert_allclose(grad, net.gradient(X, INDICES)[name], rtol=1e-7, atol=1e-9)


def test_losses_and_accuracies_stay_arrays_without_axes(xpnet_backend):
    net = small_net(xp=xpnet_backend)
    x, t = xpnet.asarray(X, xp=xpnet_backend), xpnet.asarray(INDICES, xp=xpnet_backend)

    for value in (net.loss(x, t), net.accuracy(x, t), net.last_layer.loss):
        assert value.shape == ()
        assert_at_home(value, xpnet_backend)


# Accuracy ------------------------------------------------------------------------------------


def scores_as_they_are(*layers):
    return Sequential(*layers)  # without layers, predict returns its input


@pytest.mark.parametrize("labels", [INDICES, ONE_HOT, SOFT], ids=["indices", "one-hot", "soft"])
def test_accuracy_is_the_share_of_samples_with_the_largest_score_at_the_right_class(
    labels, xpnet_backend
):
    scores = [[0, 1, 9], [9, 1, 0], [5, 0, 1], [0, 0.5, -1], [-1, -2, -3]]  # right, right, ...
    x = xpnet.asarray(np.asarray(scores, dtype="float64"), xp=xpnet_backend)
    t = xpnet.asarray(labels, xp=xpnet_backend)

    assert float(scores_as_they_are().accuracy(x, t)) == pytest.approx(3 / 5, rel=4e-3)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "int32", "int64"])
def test_accuracy_takes_every_integer_dtype(dtype):
    assert scores_as_they_are().accuracy(ONE_HOT, INDICES.astype(dtype)) == 1


def test_of_equal_scores_the_first_counts(xpnet_backend):
    x = xpnet.asarray(np.zeros((3, 4)), xp=xpnet_backend)
    t = xpnet.asarray(np.asarray([0, 1, 0]), xp=xpnet_backend)

    assert float(scores_as_they_are().accuracy(x, t)) == pytest.approx(2 / 3, rel=4e-3)


def test_a_sample_without_a_largest_score_is_no_hit(xpnet_backend):
    x = xpnet.asarray(np.asarray([[np.nan, 1], [1, np.nan], [2, 1]]), xp=xpnet_backend)
    t = xpnet.asarray(np.asarray([0, 1, 0]), xp=xpnet_backend)

    assert float(scores_as_they_are().accuracy(x, t)) == pytest.approx(1 / 3, rel=4e-3)


def test_accuracy_counts_the_samples_of_all_leading_axes(float64):
    x, t = ONE_HOT.reshape(5, 1, 3), INDICES.reshape(5, 1).copy()
    t[0] = 0

    assert scores_as_they_are().accuracy(x, t) == 4 / 5


def test_accuracy_of_no_samples_is_0(xpnet_backend):
    x = xpnet.asarray(np.zeros((0, 3)), xp=xpnet_backend)
    t = xpnet.asarray(np.zeros(0, dtype="int64"), xp=xpnet_backend)

    assert float(scores_as_they_are().accuracy(x, t)) == 0


# Layers in a net -----------------------------------------------------------------------------


class Spy:
    """A layer without a base class, with one parameter, that counts what it is asked for."""

    def __init__(self, factor=2.0):
        self.params = {"factor": xpnet.asarray(factor)}
        self.grads = {}
        self.calls = []

    def forward(self, x):
        self.calls.append("forward")
        self.x = x
        return x * self.params["factor"]

    def backward(self, dout):
        self.calls.append("backward")
        self.grads["factor"] = (self.x * dout).sum()
        return dout * self.params["factor"]


class SpyThatIsTold(Spy):
    def backward(self, dout, *, need_dx=True):
        if need_dx:
            return super().backward(dout)
        self.calls.append("backward without dx")
        return None


class Silent(Spy):
    """A layer without parameters."""

    def __init__(self):
        self.params, self.grads, self.calls = {}, {}, []

    def forward(self, x):
        self.calls.append("forward")
        return x

    def backward(self, dout):
        self.calls.append("backward")
        return dout


def test_gradient_does_not_compute_the_first_dx(float64):
    first, second = SpyThatIsTold(), SpyThatIsTold()

    Sequential(first, second).gradient(X, INDICES + 1)

    assert first.calls == ["forward", "backward without dx"]
    assert second.calls == ["forward", "backward"]


def test_gradient_does_not_go_back_below_the_first_parameters(float64):
    below, first, between = Silent(), SpyThatIsTold(), Silent()

    Sequential(below, first, between).gradient(X, INDICES)

    assert below.calls == ["forward"]
    assert first.calls == ["forward", "backward without dx"]
    assert between.calls == ["forward", "backward"]


def test_a_subclass_with_a_backward_of_its_own_is_called_when_it_stands_first(float64):
    class Doubling(Affine):
        def backward(self, dout):
            dx = super().backward(dout)
            self.grads["W"] = 2 * self.grads["W"]
            return dx

    plain, own = small_net(), small_net()
    own.layers["Affine1"] = Doubling(plain.params["W1"], plain.params["b1"])

    assert_allclose(
        own.gradient(X, INDICES)["W1"], 2 * plain.gradient(X, INDICES)["W1"], rtol=1e-14
    )


def test_gradient_of_a_net_without_parameters_is_empty(float64):
    layer = Silent()

    assert Sequential(layer).gradient(X, INDICES) == {}
    assert layer.calls == ["forward"]


def test_affine_spares_the_matrix_product_for_dx(float64, monkeypatch):
    net = small_net()
    whole = {}
    net.loss(X, INDICES)
    net.backward(net.last_layer.backward())
    whole |= net.grads

    def forbidden(*arrays):
        pytest.fail("the first layer's dx is computed, and nobody reads it")

    net.loss(X, INDICES)
    dout = net.layers["Affine2"].backward(net.last_layer.backward())
    dout = net.layers["ReLU1"].backward(dout)
    monkeypatch.setattr("xpnet.layers.affine.affine_backward", forbidden)
    assert net.layers["Affine1"].backward(dout, need_dx=False) is None
    monkeypatch.undo()
    for name, grad in net.gradient(X, INDICES).items():
        assert np.array_equal(grad, whole[name])


def test_a_layer_without_a_base_class_learns(float64):
    spy = Spy()
    net = Sequential(Affine.random(4, 3, weight_init_std=0.5, seed=0), spy)

    assert list(net.params) == ["Affine1.W", "Affine1.b", "Spy1.factor"]
    backprop, numerical = net.gradient(X, INDICES), net.numerical_gradient(X, INDICES)
    for name, grad in backprop.items():
        assert_allclose(grad, numerical[name], rtol=1e-7, atol=1e-9)

    before = float(net.loss(X, INDICES))
    xpnet.SGD(lr=0.1).update(net.params, backprop)
    assert spy.params["factor"] != 2
    assert net.loss(X, INDICES) < before


def test_a_loss_of_ones_own(float64):
    class SquaredError(Silent):
        def forward(self, x, t):
            self.difference = x - t
            self.loss = (self.difference**2).sum() / 2
            return self.loss

        def backward(self, dout=1):
            return dout * self.difference

    net = Sequential(Affine.random(4, 3, weight_init_std=0.5, seed=0), last_layer=SquaredError())

    assert repr(net) == "Sequential(Affine1; SquaredError)"
    backprop, numerical = net.gradient(X, ONE_HOT), net.numerical_gradient(X, ONE_HOT)
    for name, grad in backprop.items():
        assert_allclose(grad, numerical[name], rtol=1e-7, atol=1e-9)


# A net as a layer ----------------------------------------------------------------------------


def test_backward_gives_the_gradients_of_gradient_and_dx(float64):
    net = small_net()
    expected = dict(net.gradient(X, INDICES))

    net.loss(X, INDICES)
    dx = net.backward(net.last_layer.backward())

    for name, grad in net.grads.items():
        assert np.array_equal(grad, expected[name])
    numerical = xpnet.numerical_gradient(lambda x: net.loss(x, INDICES), X.copy())
    assert_allclose(dx, numerical, rtol=1e-7, atol=1e-9)


def test_a_net_stays_whole_inside_another(float64):
    inner = Sequential(Affine.random(4, 6, seed=1), ReLU())
    outer = Sequential(inner, Affine.random(6, 3, seed=2), ReLU())

    assert list(outer.layers) == ["Sequential1", "Affine1", "ReLU1"]
    assert outer["Sequential1.Affine1"] is inner[0]
    W = outer.params["Affine1.W"]
    assert np.array_equal(outer.forward(X), np.maximum(inner.forward(X) @ W, 0))


def test_a_net_with_a_forward_of_its_own_keeps_it_inside_another(float64):
    class Residual(Sequential):
        def forward(self, x):
            return x + super().forward(x)

        def backward(self, dout):
            return dout + super().backward(dout)

    block = Residual(Affine.random(4, 4, weight_init_std=0.5, seed=1), ReLU())
    net = Sequential(block, Affine.random(4, 3, weight_init_std=0.5, seed=2))

    W = net.params["Affine1.W"]
    inner = np.maximum(X @ net.params["Residual1.Affine1.W"], 0)
    assert_allclose(net.predict(X), (X + inner) @ W, rtol=1e-12)
    backprop, numerical = net.gradient(X, INDICES), net.numerical_gradient(X, INDICES)
    assert list(backprop) == list(numerical)
    for name, grad in backprop.items():
        assert_allclose(grad, numerical[name], rtol=1e-7, atol=1e-9)


# The layers of a net -------------------------------------------------------------------------


def test_layers_are_found_by_place_name_and_path():
    inner = Sequential(ReLU(), Affine.random(4, 4))
    net = Sequential(Affine.random(4, 4), inner)

    assert len(net) == 2
    assert list(net) == [net[0], net[-1]] == net[:]
    assert net["Sequential1"] is net[1] is inner
    assert net["Sequential1.Affine1"] is inner[1]
    assert list(net.children) == ["Affine1", "Sequential1", "last_layer"]
    with pytest.raises(KeyError, match="no layer 'Affine2'; there are Affine1, Sequential1, "):
        net["Affine2"]
    with pytest.raises(IndexError):
        net[2]


def test_a_layer_that_replaces_another_is_used_and_trained(xpnet_backend):
    net = small_net(xp=xpnet_backend)
    x, t = xpnet.asarray(X, xp=xpnet_backend), xpnet.asarray(INDICES, xp=xpnet_backend)
    optimizer = xpnet.Momentum(lr=0.1)
    optimizer.update(net.params, net.gradient(x, t))
    other = Affine.random(6, 3, weight_init_std=0.5, seed=9, xp=xpnet_backend)
    W = xpnet.to_numpy(other.W).copy()

    net.layers["Affine2"] = other
    optimizer.update(net.params, net.gradient(x, t))

    assert net.params["W2"] is other.W
    assert (xpnet.to_numpy(other.W) != W).any()


def test_replace_takes_paths_and_refuses_what_is_no_layer_or_no_place():
    inner = Sequential(ReLU())
    net = Sequential(Affine.random(4, 4), inner)
    before = dict(net.layers), dict(inner.layers)

    for path, layer, error in [
        ("Affine2", ReLU(), KeyError),
        ("Affine1", ReLU, TypeError),
        ("last_layer", None, TypeError),
        ("Sequential1", net[0], ValueError),
        ("Sequential1.ReLU1.x", ReLU(), KeyError),
    ]:
        with pytest.raises(error):
            net.replace(path, layer)
        assert (dict(net.layers), dict(inner.layers)) == before

    net.replace("Sequential1.ReLU1", sigmoid := Sigmoid())
    net.replace("last_layer", loss := SoftmaxWithLoss())
    assert inner[0] is sigmoid
    assert net.last_layer is loss
    with pytest.raises(TypeError, match="cannot delete"):
        del net.layers["Affine1"]


def test_a_layer_stands_in_a_net_once_at_any_depth():
    layer = Affine.random(4, 4)

    with pytest.raises(ValueError, match=r"Affine1 and Sequential1\.Affine1 are the same layer"):
        Sequential(layer, Sequential(layer))


# Moving --------------------------------------------------------------------------------------


def test_a_net_moves_with_all_that_it_has(xpnet_backend):
    with xpnet.use_backend("numpy", dtype="float64"):
        net = small_net()
        expected = {"loss": net.loss(X, INDICES), **net.gradient(X, INDICES)}

    moved = net.to(xpnet_backend, dtype=xpnet_backend.dtype)

    assert moved is net
    allowed = tolerance(xpnet_backend.dtype, 6)
    for name, grad in net.grads.items():
        assert_at_home(net.params[name], xpnet_backend)
        assert_at_home(grad, xpnet_backend)
        assert_allclose(xpnet.to_numpy(grad).astype("float64"), expected[name], atol=allowed)
    for layer in (*net.layers.values(), net.last_layer):
        with pytest.raises(xpnet.BackwardError, match="before forward"):
            layer.backward(net.params["W2"])

    x, t = xpnet.asarray(X, xp=xpnet_backend), xpnet.asarray(INDICES, xp=xpnet_backend)
    found = {"loss": net.loss(x, t), **net.gradient(x, t)}
    for name, value in found.items():
        assert_at_home(value, xpnet_backend)
        assert_allclose(xpnet.to_numpy(value).astype("float64"), expected[name], atol=2 * allowed)


def test_an_error_says_which_layer_it_comes_from(float64):
    net = Sequential(Affine.random(4, 6, seed=1), ReLU(), Affine.random(5, 3, seed=2))

    with pytest.raises(xpnet.ShapeError) as caught:
        net.predict(X)

    assert caught.value.__notes__ == [f"This is layer Affine2 of {net}."]


def test_the_loss_is_softmax_with_loss_unless_given():
    assert isinstance(small_net().last_layer, SoftmaxWithLoss)


def test_a_container_need_not_spare_the_gradient_of_its_input():
    class Alone(Container):
        def __init__(self):
            super().__init__()
            self.inner = Affine.random(3, 2, seed=0, xp="numpy")

        def forward(self, x):
            return self.inner.forward(x)

        def backward(self, dout):
            return self.inner.backward(dout)

    x, t = np.ones((4, 3), dtype="float32"), np.asarray([0, 1, 1, 0])
    net = Alone()
    grads = net.gradient(x, t)

    expected = Sequential(net.inner).gradient(x, t)
    assert len(grads) == len(expected) == 2
    for found, exact in zip(grads.values(), expected.values(), strict=True):
        np.testing.assert_array_equal(found, exact)
