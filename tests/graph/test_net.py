"""Nets that are written by their forward."""

from __future__ import annotations

import copy
import gc
import pickle
import threading
import weakref

import numpy as np
import pytest
from compile.nets_by_forward import BY_FORWARD, BookRelu, Branching, SharesALayer, SharesANet
from compile.test_held import assert_no_growth
from soak import quick_or_soak

import xpnet
from xpnet import (
    SGD,
    Affine,
    Apply,
    Concat,
    Dropout,
    Layer,
    Net,
    ReLU,
    Residual,
    Sequential,
    Sigmoid,
    Variable,
    ops,
)
from xpnet.layers.calls import call
from xpnet.testing import backends_to_test, check_layer
from xpnet.training import train

rng = np.random.default_rng(0)
X, T = rng.standard_normal((5, 6)), np.asarray([0, 1, 2, 3, 0])


def affine(rows, columns, seed=0):
    return Affine.random(rows, columns, weight_init_std=0.5, seed=seed)


@pytest.fixture(autouse=True)
def _float64():
    with xpnet.use_backend("numpy", dtype="float64"):
        yield


# Of the others forward changes the net, and differences mean nothing.
@pytest.mark.parametrize(
    "name", [name for name in BY_FORWARD if not name.startswith(("own", "dropout"))]
)
def test_gradients_are_those_of_differences(name):
    net = BY_FORWARD[name]().to(dtype="float64")
    for path in [path for path in net.params if path.endswith("b")]:
        net.params[path] = rng.standard_normal(net.params[path].shape)  # not at the kink of ReLU

    expected, found = net.numerical_gradient(X, T), net.gradient(X, T)

    assert found.keys() == expected.keys()
    for path, grad in expected.items():
        np.testing.assert_allclose(found[path], grad, rtol=1e-5, atol=1e-8, err_msg=path)


class Pair(Net):
    """Two inputs, two outputs, and a layer in both of them."""

    def __init__(self):
        super().__init__()
        self.fc = affine(6, 6)

    def forward(self, x, y, *, scale=2.0, mode="full"):
        assert mode == "full"
        h = self.fc(x * y)
        return self.fc(h) * scale, h.sum(axis=1)


class PairAsOne(Pair):
    def forward(self, x, y):
        a, b = super().forward(x, y)
        return ops.concat([a, b.reshape(-1, 1)], axis=1)


@pytest.mark.parametrize("kind", [SharesALayer, SharesANet, Branching])
def test_a_net_keeps_all_contracts(kind):
    report = check_layer(kind, X, backends=["numpy", "array_api_strict"])
    assert report, str(report)


def test_several_inputs_keep_all_contracts():
    report = check_layer(PairAsOne, X, X[::-1].copy(), backends=["numpy"])
    assert report, str(report)


def test_several_outputs_have_several_gradients():
    net, one = Pair(), PairAsOne()
    y = np.linspace(-1, 1, 30).reshape(5, 6)
    a, b = net.forward(X, y)
    together = one.forward(X, y)
    np.testing.assert_array_equal(together, np.concatenate([a, b[:, None]], axis=1))

    da, db = np.ones((5, 6)), np.arange(5.0)
    dx, dy = net.backward(da, db)
    expected = one.backward(np.concatenate([da, db[:, None]], axis=1))

    np.testing.assert_allclose((dx, dy), expected)
    np.testing.assert_allclose(net.fc.dW, one.fc.dW)
    dW = net.fc.dW
    dx, _ = net.backward(None, db)
    np.testing.assert_allclose(dx, one.backward(np.concatenate([0 * da, db[:, None]], axis=1))[0])
    assert net.backward(da, db, need_dx=False) is None
    np.testing.assert_allclose(net.fc.dW, dW)


def test_settings_and_numbers_are_passed_as_they_are():
    class Settings(Net):
        def forward(self, x, power, labels, *, name, factor, nothing=None):
            self.seen = [type(each) for each in (x, power, labels, name, factor, nothing)]
            return factor * x**power

    net = Settings()
    y = net.forward(X, 2, T, name="a", factor=3.0)

    assert net.seen == [Variable, int, Variable, str, Variable, type(None)]
    np.testing.assert_array_equal(y, 3 * X**2)
    dx, none, dt, no, dfactor, nor = [*net.backward(np.ones((5, 6))), None]
    np.testing.assert_allclose(dx, 6 * X)
    assert (none, dt, no, nor) == (None, None, None, None)
    np.testing.assert_allclose(dfactor, np.sum(X**2))


def test_an_input_that_nothing_depends_on_has_a_gradient_of_zeros():
    class First(Net):
        def forward(self, x, y):
            return 2 * x

    net = First()
    net.forward(X, X)
    dx, dy = net.backward(np.ones((5, 6)))
    np.testing.assert_array_equal(dx, 2)
    np.testing.assert_array_equal(dy, 0)


def test_an_output_may_be_an_input_or_nothing_of_it():
    class Same(Net):
        def forward(self, x):
            return x, x, np.ones(2)

    net = Same()
    assert net.forward(X)[1] is net.forward(X)[0]
    np.testing.assert_array_equal(net.backward(X, 2 * X, np.ones(2)), 3 * X)


class Optional(Net):
    def __init__(self):
        super().__init__()
        self.always, self.sometimes, self.skips = affine(6, 4), affine(4, 4), False

    def forward(self, x):
        x = self.always(x)
        return x if self.skips else x + self.sometimes(x)


@pytest.mark.parametrize("compiled", [False, True])
def test_a_layer_that_was_not_called_keeps_no_gradient_of_an_earlier_step(compiled):
    net = Optional()
    if compiled:
        step = xpnet.compile(net, SGD(0.5))
    else:

        def step(x, t):
            SGD(0.5).update(net.params, net.gradient(x, t))

    step(X, T)
    net.skips, before = True, net.sometimes.W.copy()

    step(X, T)

    np.testing.assert_array_equal(net.sometimes.W, before)
    np.testing.assert_array_equal(net.grads["sometimes.W"], 0)


def test_frozen_layers_are_not_gone_back_through():
    called = []

    class Notes(Sigmoid):
        def backward(self, dout):
            called.append("sigmoid")
            return super().backward(dout)

    class Deep(Net):
        def __init__(self):
            super().__init__()
            self.first, self.notes, self.second = affine(6, 6), Notes(), affine(6, 4)

        def forward(self, x):
            return self.second(self.notes(self.first(x)))

    net = Deep().freeze("first")
    assert list(net.gradient(X, T)) == ["second.W", "second.b"]
    assert called == []
    net.unfreeze()
    assert len(net.gradient(X, T)) == 4
    assert called == ["sigmoid"]


def test_the_gradient_of_the_input_is_not_computed_for_training():
    told = []

    class Tells(Affine):
        def backward(self, dout, *, need_dx=True):
            told.append(need_dx)
            return super().backward(dout, need_dx=need_dx)

    class Two(Net):
        def __init__(self):
            super().__init__()
            self.one = Tells(affine(6, 6).W, affine(6, 6).b)
            self.two = Tells(affine(6, 4).W, affine(6, 4).b)

        def forward(self, x):
            return self.two(self.one(x))

    Two().gradient(X, T)
    assert told == [True, False]


class MyNet(Net):
    def __init__(self):
        super().__init__()
        self.first = affine(64, 32, 1)
        self.blocks = [Residual(affine(32, 32, 2), ReLU()), Concat(ReLU(), Sigmoid())]
        self.last = affine(64, 10, 3)

    def forward(self, x):
        x = self.first(x)
        for block in self.blocks:
            x = block(x)
        return self.last(x)


def test_a_net_of_nets_is_trained_like_any_other():
    (x, t), test_set = xpnet.datasets.load_digits()
    net = MyNet()
    history = train(net, SGD(0.1), (x, t), test_set, iterations=100, seed=0)

    assert history.epochs[-1].test_accuracy > 0.8
    assert list(net.params)[:3] == ["first.W", "first.b", "blocks.0.Affine1.W"]
    other = pickle.loads(pickle.dumps(net))
    np.testing.assert_array_equal(other.predict(x), net.predict(x))
    assert repr(net) == "MyNet(first, blocks.0, blocks.1, last; SoftmaxWithLoss)"


def test_another_loss():
    net = Residual(affine(6, 6), last_layer=xpnet.MeanSquaredError())
    x = X.copy()
    expected = (
        0.5 * np.mean(np.sum(x**2, axis=1)) if False else net.last_layer.forward(net.predict(x), x)
    )
    assert net.loss(x, x) == expected
    assert set(net.gradient(x, x)) == {"Affine1.W", "Affine1.b"}


def test_activations_of_all_layers_by_path():
    class Twice(Net):
        def __init__(self):
            super().__init__()
            self.fc, self.relu = affine(6, 6), ReLU()
            self.seq = Sequential(Sigmoid(), Dropout(0.5, seed=0))

        def forward(self, x):
            return self.seq(self.fc(self.relu(self.fc(x))))

    net = Twice()
    found = net.activations(X)

    assert list(found) == [
        "fc", "relu", "fc#2", "seq.Sigmoid1", "seq.Dropout1", "seq",
    ]  # fmt: skip
    first = net.fc.forward(X)
    np.testing.assert_array_equal(found["fc"], first)
    np.testing.assert_array_equal(found["relu"], np.maximum(first, 0))
    np.testing.assert_array_equal(found["fc#2"], net.fc.forward(found["relu"]))
    np.testing.assert_array_equal(found["seq"], found["seq.Sigmoid1"])  # nothing is dropped
    assert net.seq[1].step == 0


def test_predictions_are_remembered_by_nobody():
    net = SharesALayer().to(dtype="float64")
    net.forward(X)
    expected = net.backward(np.ones((5, 4)))

    net.predict(2 * X)
    net.accuracy(3 * X, T)

    np.testing.assert_array_equal(net.backward(np.ones((5, 4))), expected)


def test_two_threads_use_one_net():
    net, failures = SharesANet().to(dtype="float64"), []
    expected = net.predict(X)

    def predict():
        found = [net.predict(X) for _ in range(20)]
        failures.extend(y for y in found if not np.array_equal(y, expected))

    threads = [threading.Thread(target=predict) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(5):
        net.gradient(X, T)
    for thread in threads:
        thread.join()
    assert not failures


def test_the_book_s_relu_writes_to_a_gradient_of_its_own():
    class Around(Net):
        def __init__(self, relu):
            super().__init__()
            self.relu = relu

        def forward(self, x):
            return x + call(self.relu, x)

    for _ in range(2):
        dout = np.ones((5, 6))
        net = Around(BookRelu())
        net.forward(X)
        np.testing.assert_array_equal(net.backward(dout), 1.0 + (X > 0))
        np.testing.assert_array_equal(dout, 1)


class InPlaceMemory(Layer):
    """Keeps its mask in one array, and what it was given in a list."""

    def __init__(self):
        super().__init__()
        self.mask, self.seen = np.zeros((5, 6)), [None]

    def forward(self, x):
        self.mask[...] = x > 0
        self.seen[0] = x
        return self.mask * x * x

    def backward(self, dout):
        return 2 * self.mask * self.seen[0] * dout


class Slotted:
    __slots__ = ("grads", "params", "x")

    def __init__(self):
        self.params, self.grads = {}, {}

    def forward(self, x):
        self.x = x
        return x * x

    def backward(self, dout):
        return 2 * self.x * dout


class RebindsGrads(Affine):
    def backward(self, dout):
        dx = super().backward(dout)
        self.grads = dict(self.grads)
        return dx


class WritesToGrads(Affine):
    """Writes its gradients to arrays that it keeps."""

    def __init__(self, W, b):
        super().__init__(W, b)
        self.grads = {"W": np.zeros_like(W), "b": np.zeros_like(b)}

    def backward(self, dout):
        kept = dict(self.grads)
        dx = super().backward(dout)
        for name, array in kept.items():
            array[...] = self.grads[name]
            self.grads[name] = array
        return dx


@pytest.mark.parametrize(
    "make",
    [
        InPlaceMemory,
        Slotted,
        lambda: RebindsGrads(affine(6, 6).W, affine(6, 6).b),
        lambda: WritesToGrads(affine(6, 6).W, affine(6, 6).b),
    ],
    ids=["in place", "slots", "rebinds grads", "writes to grads"],
)
def test_whatever_a_layer_calls_its_memory_each_call_has_one(make):
    class Twice(Net):
        def __init__(self, layer):
            super().__init__()
            self.layer = layer

        def forward(self, x):
            return call(self.layer, x) * call(self.layer, 3 - x)

    net = Twice(make())
    twin = Twice(make()), Twice(make())
    a, b = (call(each.layer, x) for each, x in zip(twin, (X, 3 - X), strict=True))
    np.testing.assert_array_equal(net.forward(X), a * b)

    da, db = (each.layer.backward(d) for each, d in zip(twin, (b, a), strict=True))

    for _ in range(2):
        np.testing.assert_allclose(net.backward(np.ones((5, 6))), da - db)
        for name, grad in net.layer.grads.items():
            expected = twin[0].layer.grads[name] + twin[1].layer.grads[name]
            np.testing.assert_allclose(grad, expected)


def test_a_gradient_that_is_not_found_each_time_counts_once():
    class Once(Affine):
        def backward(self, dout):
            before = self.grads.get("W")
            dx = super().backward(dout)
            if self._saved()[0][0, 0] > 0:
                self.grads["W"] = before
            return dx

    class Twice(Net):
        def __init__(self):
            super().__init__()
            self.fc = Once(affine(6, 6).W, affine(6, 6).b)

        def forward(self, x):
            return self.fc(x) + self.fc(-x)

    net = Twice()
    x = abs(X)
    net.forward(x)
    net.backward(np.ones((5, 6)))
    np.testing.assert_allclose(net.fc.dW, -x.T @ np.ones((5, 6)))


def test_what_a_layer_calls_inside_is_not_recorded():
    class Around(Layer):
        def __init__(self):
            super().__init__()
            self.inner = Sigmoid()

        def forward(self, x):
            y = self.inner(x)
            assert type(y) is np.ndarray
            return y

        def backward(self, dout):
            return self.inner.backward(dout)

    net = Residual(Around())
    y = net.forward(X) - X
    np.testing.assert_allclose(net.backward(np.ones((5, 6))), 1 + y * (1 - y))


def test_running_means_go_on_over_all_calls():
    class Mean(Layer):
        def __init__(self):
            super().__init__()
            self.mean = np.zeros(6)

        def forward(self, x):
            self.mean = self.mean + x.mean(axis=0)
            return x - self.mean

        def backward(self, dout):
            return dout

    class Twice(Net):
        def __init__(self):
            super().__init__()
            self.mean = Mean()

        def forward(self, x):
            return self.mean(x) + self.mean(2 * x)

    net = Twice()
    net.backward(net.forward(X))
    np.testing.assert_allclose(net.mean.mean, 3 * X.mean(axis=0))


def test_constants_are_called_through_layers_too():
    """A layer whose input is none of the net's is trained as well."""

    class Positions(Net):
        def __init__(self):
            super().__init__()
            self.table, self.fc = np.linspace(0, 1, 6)[None, :], affine(6, 6)

        def forward(self, x):
            return x + self.fc(self.table)

    net = Positions()
    net.backward(net.forward(X))
    np.testing.assert_allclose(net.grads["fc.W"], net.table.T @ net.forward(X).sum(0)[None])


def test_layers_may_be_replaced_and_added_between_steps():
    net = SharesALayer().to(dtype="float64")
    net.gradient(X, T)
    net.fc = affine(5, 5, 8)
    assert net.gradient(X, T)["fc.W"].any()

    class Chain(Net):
        def __init__(self):
            super().__init__()
            self.blocks = [affine(6, 6, 1)]

        def forward(self, x):
            for block in self.blocks:
                x = block(x)
            return x

    chain = Chain()
    step = xpnet.compile(chain, SGD(0.5))
    step(X, T)
    chain.blocks.append(affine(6, 4, 2))
    assert chain.predict(X).shape == (5, 4)
    assert list(chain.gradient(X, T)) == [f"blocks.{i}.{p}" for i in (0, 1) for p in "Wb"]
    step(X, T)
    chain.blocks[0] = affine(6, 6, 5)
    step(X, T)
    assert chain.grads["blocks.0.W"].any()


def test_super_forward_is_part_of_the_recording():
    class More(SharesALayer):
        def forward(self, x):
            return 2 * super().forward(x)

    net, less = More().to(dtype="float64"), SharesALayer().to(dtype="float64")
    np.testing.assert_array_equal(net.forward(X), 2 * less.forward(X))
    np.testing.assert_allclose(net.backward(np.ones((5, 4))), 2 * less.backward(np.ones((5, 4))))


def test_a_net_is_called_with_a_recorded_value():
    net = SharesALayer().to(dtype="float64")
    x = Variable(X)
    (net(x).sum() + net(2 * x).sum()).backward()
    expected = net.grads["fc.W"], x.grad
    for factor in (1, 2):
        net.forward(factor * X)
        dx = net.backward(np.ones((5, 4)))
        expected = expected[0] - net.grads["fc.W"], expected[1] - factor * dx
    np.testing.assert_allclose(expected[0], 0, atol=1e-12)
    np.testing.assert_allclose(expected[1], 0, atol=1e-12)


def test_a_copy_has_no_memory_of_a_forward():
    net = SharesALayer().to(dtype="float64")
    net.forward(X)
    with pytest.raises(xpnet.BackwardError):
        copy.deepcopy(net).backward(np.ones((5, 4)))
    assert len(pickle.dumps(net)) < 10_000


def test_what_was_recorded_is_freed_by_the_next_forward():
    net = SharesALayer().to(dtype="float64")
    kept = []

    class Notes(SharesALayer):
        def between(self, x):
            y = super().between(x)
            kept.append(weakref.ref(y))
            return y

    net = Notes().to(dtype="float64")
    gc.disable()
    try:
        net.gradient(X, T)
        assert kept[0]() is not None
        net.gradient(X, T)
        assert kept[0]() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("name", ["layer twice", "net twice", "own layer", "lists and dicts"])
def test_eager_steps_hold_no_more(name):
    net = BY_FORWARD[name]().to(dtype="float64")
    optimizer = SGD(1e-6)

    def step(x, t):
        optimizer.update(net.params, net.gradient(x, t))

    assert_no_growth(step, [(X, T), (X[:3], T[:3])], quick_or_soak(40, 10_000))


def test_apply_calls_a_function_with_settings():
    net = Sequential(Apply(ops.transpose, axes=(1, 0)), Apply(lambda x: x[:5] * 2))
    np.testing.assert_array_equal(net.forward(X), 2 * X.T[:5])
    np.testing.assert_array_equal(net.backward(np.ones((5, 5)))[:, -1], 0)
    assert repr(net[0]) == "Apply(transpose)"


def test_residual_and_concat_have_names_as_in_sequential():
    net = Sequential(Residual(affine(6, 6), ReLU()), Concat(affine(6, 3), Sequential(affine(6, 3))))
    assert list(net.params)[::2] == [
        "Residual1.Affine1.W", "Concat1.Affine1.W", "Concat1.Sequential1.Affine1.W",
    ]  # fmt: skip
    y = net.predict(X)
    h = X + np.maximum(net[0].layers["Affine1"].forward(X), 0)
    branches = net[1].layers
    expected = [branches["Affine1"].forward(h), branches["Sequential1"].forward(h)]
    np.testing.assert_allclose(y, np.concatenate(expected, axis=1))
    joined = Concat(ReLU(), ReLU(), axis=0)
    assert joined.predict(X).shape == (10, 6)


@pytest.mark.parametrize("place", backends_to_test(dtypes=["float32"]), ids=str)
def test_the_same_on_every_library(place):
    with xpnet.use_backend("numpy", dtype="float32"):
        expected = SharesANet().gradient(xpnet.asarray(X), xpnet.asarray(T))
    with xpnet.use_backend(place):
        found = SharesANet().gradient(xpnet.asarray(X), xpnet.asarray(T))
    for name, grad in expected.items():
        np.testing.assert_allclose(xpnet.to_numpy(found[name]), grad, rtol=1e-4, atol=1e-6)
