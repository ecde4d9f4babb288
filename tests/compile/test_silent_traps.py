"""What a compiled step might leave out in silence, because it was not so when it was captured."""

from __future__ import annotations

import copy
import pickle
import threading
import warnings

import numpy as np
import pytest
from compile.odd_nets import CLASSES, FEATURES, Bare, Configured, KeepsAMask, MeanOfSquares, affine

import xpnet
from xpnet import SGD, Adam, Affine, Dropout, Momentum, ReLU, Sequential, Sigmoid
from xpnet.arrays import array_namespace
from xpnet.layers.parameters import Parameters
from xpnet.testing import backends_to_test


def pytest_generate_tests(metafunc):
    if "here" in metafunc.fixturenames:
        option = metafunc.config.getoption("--xpnet-backends")
        places = backends_to_test(option and option.split(","), dtypes=["float32"])
        places = [place for place in places if place.device_name not in ("device1", "no_float64")]
        metafunc.parametrize("here", places, ids=lambda place: place.name, indirect=True)


@pytest.fixture
def here(request):
    with xpnet.use_backend(request.param):
        yield request.param


def small_net(*between, loss=None):
    return Sequential(
        affine(FEATURES, 5, 1), *between, ReLU(), affine(5, CLASSES, 2), last_layer=loss
    )


def batch(samples=8, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((samples, FEATURES))
    return xpnet.asarray(x), xpnet.asarray(rng.integers(0, CLASSES, samples))


def values(net):
    return {name: xpnet.to_numpy(array).copy() for name, array in Parameters(net).items()}


def assert_alike(found, expected, here):
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        if here.name == "jax":
            np.testing.assert_allclose(found[name], value, rtol=1e-4, atol=1e-5, err_msg=name)
        else:
            np.testing.assert_array_equal(found[name], value, err_msg=name)


class Pair:
    """Two nets, one of which takes compiled steps, and the other eager ones."""

    def __init__(self, make, here, make_optimizer=lambda: SGD(0.5)):
        self.nets = make(), make()
        self.optimizers = [make_optimizer(), make_optimizer()]
        self.step = xpnet.compile(self.nets[0], self.optimizers[0])
        self.here = here

    def go(self, *sizes):
        """Take steps with each, and make sure that they do the same."""
        for seed, samples in enumerate(sizes or (8, 8)):
            self.take(*batch(samples, seed))

    def take(self, x, t):
        loss = copy.deepcopy(self.nets[1]).loss(x, t)
        self.optimizers[1].update(self.nets[1].params, self.nets[1].gradient(x, t))
        found = self.step(x, t)
        losses = [{"loss": xpnet.to_numpy(each)} for each in (found, loss)]
        assert_alike(*losses, self.here)
        assert_alike(values(self.nets[0]), values(self.nets[1]), self.here)

    def change(self, change):
        for net in self.nets:
            change(net)


# Hooks


def hook(layer, name):
    """Let a method double what it returns."""
    method = getattr(layer, name)
    setattr(layer, name, lambda *args: 2 * method(*args))


@pytest.mark.parametrize("place", ["Affine1", "Bare1", "ReLU1", "Sequential1", "last_layer"])
def test_a_method_that_is_hooked(place, here):
    pair = Pair(lambda: small_net(Bare(), Sequential(Sigmoid())), here)
    pair.go()

    pair.change(lambda net: hook(net[place], "forward"))
    pair.go()
    pair.change(lambda net: hook(net[place], "backward"))
    pair.go()


@pytest.mark.parametrize("name", ["forward", "loss"])
def test_a_method_of_the_net_that_is_hooked(name, here):
    pair = Pair(small_net, here)
    pair.go()

    pair.change(lambda net: hook(net, name))
    pair.go()


@pytest.mark.parametrize("name", ["update", "plan", "step"])
def test_a_method_of_the_optimizer_that_is_hooked(name, here):
    def halve(optimizer):
        method = getattr(optimizer, name)

        def hooked(params, grads, *others):
            if name == "step":
                return method(params, grads / 2, *others)
            return method(params, {key: grad / 2 for key, grad in grads.items()})

        setattr(optimizer, name, hooked)

    pair = Pair(small_net, here)
    pair.go()
    for optimizer in pair.optimizers:
        halve(optimizer)
    pair.go()


@pytest.mark.parametrize("name", ["update", "plan"])
def test_a_method_of_the_optimizer_that_is_overridden(name, here):
    def halved(self, params, grads):
        return getattr(SGD, name)(self, params, {key: grad / 2 for key, grad in grads.items()})

    pair = Pair(small_net, here, lambda: type("Halved", (SGD,), {name: halved})(0.5))
    pair.go()


# Modes


class Listed(Bare):
    """Multiplies by numbers in a list."""

    def __init__(self):
        super().__init__()
        self.factors = [2.0]

    def forward(self, x):
        for factor in self.factors:
            x = factor * x
        return x

    def backward(self, dout):
        return self.forward(dout)


class ListedWatched(Listed, xpnet.Layer):
    """The same with a base class, to which the list is given late."""

    def __init__(self):
        xpnet.Layer.__init__(self)
        self.factors = (2.0,)


def test_a_list_that_is_appended_to(here):
    pair = Pair(lambda: small_net(Listed()), here)
    pair.go()
    pair.change(lambda net: net[1].factors.append(0.25))
    pair.go()


def test_a_list_that_was_assigned_later(here):
    pair = Pair(lambda: small_net(ListedWatched()), here)
    pair.go()
    pair.change(lambda net: setattr(net[1], "factors", [2.0]))
    pair.go()
    pair.change(lambda net: net[1].factors.append(0.25))
    pair.go()


def test_a_setting_in_an_object(here):
    pair = Pair(lambda: small_net(Configured()), here)
    pair.go()
    pair.change(lambda net: setattr(net[1].config.inner, "factor", 3.0))
    pair.go()


def test_arrays_of_other_shapes_in_turn(here):
    pair = Pair(lambda: small_net(KeepsAMask()), here)
    pair.go(8, 8, 3, 8, 8, 3, 3, 8, 8)


def test_a_layer_that_trains_or_not(here):
    pair = Pair(lambda: small_net(Dropout(0.5, seed=0)), here)
    pair.go()
    for training in (False, True):
        pair.change(lambda net, training=training: setattr(net[1], "training", training))
        pair.go()
    with xpnet.evaluating():
        pair.go()
    pair.go()


# Parts


def test_parts_that_are_replaced(here):
    pair = Pair(lambda: small_net(Sequential(Sigmoid())), here)
    pair.go()
    pair.change(lambda net: net.layers.__setitem__("ReLU1", Sigmoid()))
    pair.go()
    pair.change(lambda net: net.replace("Sequential1.Sigmoid1", ReLU()))
    pair.go()
    pair.change(lambda net: net.replace("Affine2", affine(5, CLASSES, 7)))
    pair.go()
    pair.change(lambda net: setattr(net, "last_layer", xpnet.SoftmaxWithLoss(label_smoothing=0.5)))
    pair.go()


def test_the_net_and_the_optimizer_of_a_step_may_be_others(here):
    pair = Pair(small_net, here)
    pair.go()
    pair.optimizers = [Adam(0.125), Adam(0.125)]
    pair.step.optimizer = pair.optimizers[0]
    pair.go()
    old, before = pair.nets[0], values(pair.nets[0])
    pair.nets = small_net(Sigmoid()), small_net(Sigmoid())
    pair.optimizers = [SGD(0.5), SGD(0.5)]
    pair.step.net, pair.step.optimizer = pair.nets[0], pair.optimizers[0]
    pair.go()
    assert_alike(values(old), before, here)


def test_a_state_that_is_put_back(here):
    pair = Pair(small_net, here, lambda: Momentum(0.25))
    pair.go()
    states = [copy.deepcopy(optimizer.state) for optimizer in pair.optimizers]
    pair.go()
    for optimizer, state in zip(pair.optimizers, states, strict=True):
        optimizer.state = state
    pair.go()
    for optimizer in pair.optimizers:
        optimizer.state = {}
    pair.go()
    for optimizer in pair.optimizers:
        del optimizer.state["Affine1.W"]
        memory = optimizer.state["Affine2.W"]
        memory["velocity"] = memory["velocity"] * 2
    pair.go()


class Clipped(SGD):
    """Has a number that is no Setting, and counts its steps."""

    limit = 0.01

    def __init__(self, lr, *, counts=False):
        super().__init__(lr)
        self.limit, self.counts, self.number = 0.01, counts, 1

    def step(self, param, grad, memory, settings):
        if self.counts:
            self.number += 1
        xp = array_namespace(param)
        grad = xp.clip(grad, -self.limit, self.limit)
        return super().step(param, grad * self.number, memory, settings)


def test_a_number_of_an_optimizer_that_is_no_setting(here):
    pair = Pair(small_net, here, lambda: Clipped(0.5))
    pair.go()
    for optimizer in pair.optimizers:
        optimizer.limit = 0.5
    pair.go()


def test_an_optimizer_that_counts_its_steps(here):
    pair = Pair(small_net, here, lambda: Clipped(0.5, counts=True))
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        pair.go(8, 8, 8)
    assert len(told) == (here.name == "jax")


# Parameters


def test_parameters_that_are_read_only(here):
    pair = Pair(small_net, here, lambda: Momentum(0.25))
    pair.go()

    def lock(net):
        W = xpnet.asarray(xpnet.to_numpy(net.params["Affine1.W"]).copy())
        if here.name == "numpy":
            W.flags.writeable = False
        net.params["Affine1.W"] = W

    pair.change(lock)
    pair.go()
    if here.name == "numpy":
        for net in pair.nets:
            net.params["Affine2.W"].flags.writeable = False
    pair.go()


def test_parameters_of_another_dtype_and_shape(here):
    pair = Pair(small_net, here)
    pair.go()

    def widen(net):
        shapes = {"Affine1.W": (FEATURES, 7), "Affine1.b": (7,), "Affine2.W": (7, CLASSES)}
        for name, shape in shapes.items():
            net.params[name] = xpnet.asarray(np.full(shape, 0.125))

    pair.change(widen)
    pair.go()
    if here.name != "jax":  # where float64 is switched off
        pair.change(lambda net: net.to(dtype="float64"))
        rng = np.random.default_rng(0)
        for _ in range(2):
            x = xpnet.asarray(rng.standard_normal((8, FEATURES)), dtype="float64")
            pair.take(x, batch()[1])


class Grows(Affine):
    """Gets another parameter later."""

    def forward(self, x):
        return super().forward(x) + self.params.get("shift", 0)

    def backward(self, dout, *, need_dx=True):
        if "shift" in self.params:
            self.grads["shift"] = array_namespace(dout).sum(dout, axis=0)
        return super().backward(dout, need_dx=need_dx)


def test_a_parameter_that_is_added(here):
    pair = Pair(lambda: Sequential(affine(kind=Grows)), here)
    pair.go()
    pair.change(lambda net: net[0].params.update(shift=xpnet.asarray(np.zeros(CLASSES))))
    pair.go()
    assert (xpnet.to_numpy(pair.nets[0][0].params["shift"]) != 0).all()


def test_what_is_frozen_and_trained_again(here):
    pair = Pair(small_net, here, lambda: Adam(0.125))
    pair.go()
    for paths in [("Affine1.W",), ("Affine1",), ("Affine2",), ()]:
        pair.change(lambda net, paths=paths: net.freeze(*paths))
        pair.go()
    pair.change(lambda net: net.unfreeze("Affine2.W"))
    pair.go()
    pair.change(lambda net: net.unfreeze())
    pair.go()


def test_an_update_of_some_parameters_trains_the_net(here):
    net = small_net()
    x, t = batch()
    before, scores = values(net), net.predict(x)

    SGD(0.5).update({k: net.params[k] for k in ("Affine2.W", "Affine2.b")}, net.gradient(x, t))

    after = values(net)
    changed = [name for name in before if (before[name] != after[name]).any()]
    assert changed == ["Affine2.W", "Affine2.b"]
    assert (xpnet.to_numpy(net.predict(x)) != xpnet.to_numpy(scores)).any()


# Shapes, dtypes and libraries of what comes later


class Narrow(Bare):
    """Returns one column, when it is told to."""

    narrow = False

    def forward(self, x):
        return x[:, :1] if self.narrow else 2 * x


def test_another_shape_raises_what_an_eager_step_raises(here):
    pair = Pair(lambda: Sequential(affine(FEATURES, 5, 1), Narrow(), affine(5, 4, 2)), here)
    pair.go()
    before = values(pair.nets[0])
    pair.change(lambda net: setattr(net[1], "narrow", True))
    x, t = batch()
    with pytest.raises(xpnet.ShapeError):
        pair.nets[1].gradient(x, t)
    with pytest.raises(xpnet.ShapeError):
        pair.step(x, t)
    assert_alike(values(pair.nets[0]), before, here)
    pair.change(lambda net: setattr(net[1], "narrow", False))
    pair.go()


def test_batches_of_other_dtypes(here):
    pair = Pair(lambda: Sequential(affine(), last_layer=MeanOfSquares()), here)
    rng = np.random.default_rng(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", xpnet.PrecisionWarning)
        for dtype in ("float32", "float64", "float32"):
            if dtype == "float64" and here.name == "jax":
                continue
            for _ in range(2):
                x = xpnet.asarray(rng.standard_normal((8, FEATURES)), dtype=dtype)
                t = xpnet.asarray(rng.standard_normal((8, CLASSES)), dtype=dtype)
                pair.take(x, t)


@pytest.mark.parametrize("foreign", ["x", "t", "net"])
def test_what_lives_elsewhere_raises_what_an_eager_step_raises(foreign, here):
    net = small_net()
    step = xpnet.compile(net, SGD(0.5))
    x, t = batch()
    step(x, t)
    other = "array_api_strict" if here.name == "numpy" else "numpy"
    if foreign == "net":
        net.to(other)
    x, t = (
        xpnet.asarray(xpnet.to_numpy(array), xp=other) if name == foreign else array
        for name, array in {"x": x, "t": t}.items()
    )
    before = values(net)
    with pytest.raises(xpnet.BackendMismatchError):
        net.gradient(x, t)
    with pytest.raises(xpnet.BackendMismatchError):
        step(x, t)
    assert_alike(values(net), before, here)


# Exceptions


class Fails(Bare):
    where = None

    def forward(self, x):
        if self.where == "forward":
            raise RuntimeError
        return super().forward(x)

    def backward(self, dout):
        if self.where == "backward":
            raise RuntimeError
        return super().backward(dout)


@pytest.mark.parametrize("where", ["forward", "backward", "labels"])
@pytest.mark.parametrize("when", [0, 2])
def test_a_good_step_after_an_exception(where, when, here):
    pair = Pair(lambda: small_net(Dropout(0.5, seed=0), Fails()), here, lambda: Adam(0.125))
    if when:
        pair.go(*[8] * when)
    before, step = values(pair.nets[0]), pair.nets[0][1].step
    pair.nets[0][2].where = where
    x, t = batch()
    if where == "labels":
        t = t * 0 + CLASSES
    with pytest.raises(xpnet.LabelError if where == "labels" else RuntimeError):
        pair.step(x, t)
    assert_alike(values(pair.nets[0]), before, here)
    assert pair.nets[0][1].step == step
    pair.nets[0][2].where = None
    pair.go()


# Copies, and other steps


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))])
def test_a_copy_of_a_step_trains_a_copy(copied, here):
    pair = Pair(lambda: small_net(Dropout(0.5, seed=0)), here, lambda: Adam(0.125))
    pair.go()
    before = values(pair.nets[0])
    other = copied(pair.step)
    x, t = batch()

    losses = [xpnet.to_numpy(other(x, t)) for _ in range(3)]

    assert_alike(values(pair.nets[0]), before, here)
    assert (values(other.net)["Affine1.W"] != before["Affine1.W"]).any()
    assert_alike({"y": losses[0]}, {"y": xpnet.to_numpy(pair.step(x, t))}, here)


def test_what_a_caller_keeps_stays(here):
    net = small_net()
    step = xpnet.compile(net, SGD(0.5))
    x, t = batch()
    grads = net.gradient(x, t)
    kept = [*grads.values(), net.predict(x)]
    before = [xpnet.to_numpy(array).copy() for array in kept]
    losses, remembered = [], []
    for _ in range(3):
        losses.append(step(x, t))
        remembered.append(net.last_layer.loss)

    assert len({float(loss) for loss in losses}) == 3
    assert [float(loss) for loss in losses] == [float(loss) for loss in remembered]
    for array, expected in zip(kept, before, strict=True):
        np.testing.assert_array_equal(xpnet.to_numpy(array), expected)


def test_two_steps_on_one_net(here):
    pair = Pair(small_net, here, lambda: Momentum(0.25))
    pair.go()
    first, second = pair.step, xpnet.compile(pair.nets[0], SGD(0.125))
    optimizers = [(pair.optimizers[1], first), (SGD(0.125), second)]
    for _ in range(2):
        for twin, step in optimizers:
            pair.step, pair.optimizers[1] = step, twin
            pair.go()


def test_one_optimizer_in_two_steps(here):
    pair = Pair(small_net, here, lambda: Adam(0.125))
    second = xpnet.compile(pair.nets[0], pair.optimizers[0])
    for _ in range(2):
        pair.go()
        pair.step, second = second, pair.step


def test_kernels_that_are_switched_off_and_on(here):
    pair = Pair(small_net, here)
    pair.go()
    with xpnet.kernels.disabled():
        pair.go()
    pair.go()


def test_an_evaluation_in_another_thread(here):
    pair = Pair(lambda: small_net(Dropout(0.5, seed=0)), here)
    pair.go()
    x, _ = batch(500, seed=1)
    end, faults = threading.Event(), []

    def evaluate():
        try:
            with xpnet.use_backend(here):
                while not end.is_set():
                    pair.nets[0].predict(x)
        except Exception as error:
            faults.append(error)

    thread = threading.Thread(target=evaluate)
    thread.start()
    try:
        for _ in range(8):
            pair.go()
    finally:
        end.set()
        thread.join()
    assert faults == []
