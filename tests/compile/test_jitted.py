"""On JAX a compiled step is one function, traced once for each shape."""

from __future__ import annotations

import numpy as np
import pytest
from compile.test_compile import Doubled, batch, small_net

import xpnet
from xpnet import (
    SGD,
    AdaGrad,
    Adam,
    AdamW,
    Affine,
    Dropout,
    Momentum,
    Nesterov,
    RMSprop,
    Sequential,
)

jax = pytest.importorskip("jax")


@pytest.fixture(autouse=True)
def _on_jax():
    with xpnet.use_backend("jax"):
        yield


class Counted(Doubled):
    """Counts how often Python goes through it."""

    total = 0

    def forward(self, x):
        Counted.total += 1
        return super().forward(x)


def test_python_runs_once_for_each_shape():
    net = Sequential(Affine.random(6, 4, seed=0), Counted())
    step = xpnet.compile(net, Adam())
    before = Counted.total
    for samples in (8, 8, 8):
        step(*batch(samples))
    assert Counted.total - before == 1
    for samples in (8, 8, 3, 3):
        step(*batch(samples))
    assert Counted.total - before == 2


def test_the_layers_are_as_before_a_trace():
    net = small_net()
    net.gradient(*batch(8))
    grads, loss = dict(net.grads), net.last_layer.loss
    step = xpnet.compile(net, SGD(0.1))

    step(*batch(8))

    assert net.last_layer.loss is not loss  # but that of the step
    assert all(net.grads[name] is array for name, array in grads.items())
    assert np.isfinite(float(net.loss(*batch(8))))


@pytest.mark.parametrize("kind", [SGD, Momentum, Nesterov, AdaGrad, RMSprop, Adam, AdamW])
def test_nothing_is_given_away(kind):
    net, optimizer = small_net(), kind()
    step = xpnet.compile(net, optimizer)
    step(*batch(8))
    before = [*net.params.values(), *arrays_in(optimizer.state)]

    step(*batch(8))

    assert not any(array.is_deleted() for array in before)
    assert not any(array is W for array in before for W in net.params.values())


def arrays_in(state):
    return [
        array
        for memory in state.values()
        for array in memory.values()
        if isinstance(array, jax.Array) and array.ndim > 0
    ]


def test_dropout_may_be_switched_off_after_the_first_step():
    layer = Dropout(0.9, seed=0)
    net = Sequential(Affine.random(6, 4, weight_init_std=0.5, seed=0), layer)
    step = xpnet.compile(net, SGD(0))
    x, t = batch(8)
    step(x, t)
    with xpnet.evaluating():
        expected = float(net.loss(x, t))
        assert float(step(x, t)) == pytest.approx(expected)
    dropped = float(step(x, t))

    layer.training = False

    assert float(step(x, t)) == pytest.approx(expected)
    assert dropped != pytest.approx(expected)
    assert layer.step == 2


def test_a_state_that_was_put_in_is_not_given_away():
    net, optimizer = small_net(), Momentum(0.1)
    mine = {
        name: {"velocity": jax.numpy.zeros(array.shape, dtype="float32")}
        for name, array in net.params.items()
    }
    optimizer.state = mine
    step = xpnet.compile(net, optimizer)
    for _ in range(2):
        step(*batch(8))

    assert not any(memory["velocity"].is_deleted() for memory in mine.values())


def test_a_parameter_that_was_bound_is_not_given_away():
    net = small_net()
    step = xpnet.compile(net, SGD(0.1))
    step(*batch(8))
    for i in range(50):
        # The array of the last step dies, and the next but one may get its address.
        net.params["W1"] = jax.numpy.zeros((6, 5), dtype="float32")
        mine = jax.numpy.full((6, 5), float(i), dtype="float32")
        net.params["W1"] = mine
        step(*batch(8))
        assert not mine.is_deleted()


def test_another_number_of_classes_counts_for_the_labels():
    net = small_net()
    step = xpnet.compile(net, SGD(0.1))
    x, t = batch(8)
    step(x, t)
    net.params["W2"] = jax.numpy.zeros((5, 9), dtype="float32")
    net.params["b2"] = jax.numpy.zeros(9, dtype="float32")

    assert float(step(x, t + 4)) == pytest.approx(np.log(9))
