"""On JAX a compiled step is one function, traced once for each shape."""

from __future__ import annotations

import numpy as np
import pytest
from compile.test_compile import Doubled, batch, small_net

import xpnet
from xpnet import SGD, Adam, Affine, Sequential

jax = pytest.importorskip("jax")


@pytest.fixture(autouse=True)
def _on_jax():
    with xpnet.use_backend("jax"):
        yield


class Counted(Doubled):
    """Counts how often Python goes through it."""

    count = 0

    def forward(self, x):
        self.count += 1
        type(self).total = getattr(type(self), "total", 0) + 1
        return super().forward(x)


def test_python_runs_once_for_each_shape():
    layer = Counted()
    net = Sequential(Affine.random(6, 4, seed=0), layer)
    step = xpnet.compile(net, Adam())
    before = getattr(Counted, "total", 0)
    for samples in (8, 8, 8):
        step(*batch(samples))
    traced = Counted.total - before
    for samples in (8, 8, 3, 3):
        step(*batch(samples))

    # Once for the shape of the scores and once for the step; the state's counts become arrays.
    assert traced <= 3
    assert Counted.total - before <= 2 * 3


def test_the_layers_are_as_before_a_trace():
    net = small_net()
    net.gradient(*batch(8))
    grads, loss = dict(net.grads), net.last_layer.loss
    step = xpnet.compile(net, SGD(0.1))

    step(*batch(8))

    assert net.last_layer.loss is loss
    assert all(net.grads[name] is array for name, array in grads.items())
    assert np.isfinite(float(net.loss(*batch(8))))


def test_the_parameters_are_given_away():
    net = small_net()
    step = xpnet.compile(net, SGD(0.1))
    step(*batch(8))
    W = net.params["W1"]

    step(*batch(8))

    assert W.is_deleted()
    assert not net.params["W1"].is_deleted()
