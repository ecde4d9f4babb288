"""What a net looks up of its layers is looked up anew when it must be, and only then."""

from __future__ import annotations

import numpy as np
import pytest

import xpnet
from xpnet import Affine, Dropout, Layer, Net, ReLU
from xpnet.graph.census import census_of
from xpnet.layers.changes import latest_change
from xpnet.layers.tree import is_layer


class Chain(Net):
    def __init__(self, *layers):
        super().__init__()
        self.blocks, self.named = list(layers), {"a": [ReLU()]}

    def forward(self, x):
        for block in [*self.blocks, *self.named["a"]]:
            x = block(x)
        return x


class Averages(Layer):
    def __init__(self):
        super().__init__()
        self.mean = np.zeros((), "float32")

    def forward(self, x):
        self.mean = np.float32(0.5) * self.mean + np.mean(x)
        return x - self.mean

    def backward(self, dout):
        return dout


def test_steps_change_no_layer():
    net = Chain(Affine.random(3, 3, seed=0), Dropout(0.5, seed=1), Averages())
    x, t = np.ones((2, 3), "float32"), np.asarray([0, 1])
    net.gradient(x, t)
    before, census = latest_change(), census_of(net)

    net.gradient(x, t)

    assert latest_change() is before
    assert census_of(net) is census


@pytest.mark.parametrize(
    "change",
    [
        lambda net: net.blocks.append(ReLU()),
        lambda net: net.blocks.pop(),
        lambda net: net.blocks.reverse(),
        lambda net: net.named.update(b=ReLU()),
        lambda net: net.named["a"].append(ReLU()),
        lambda net: setattr(net, "other", ReLU()),
        lambda net: setattr(net.blocks[1], "rate", 0.25),
        lambda net: net.freeze("blocks.0"),
        lambda net: setattr(net, "named", {"a": []}),
    ],
)
def test_every_other_change_is_noticed(change):
    net = Chain(Affine.random(3, 3, seed=0), Dropout(0.5, seed=1))
    before = census_of(net)
    change(net)
    assert census_of(net) is not before


def test_a_counter_that_is_set_to_something_else_is_a_change():
    layer, before = Dropout(0.5), latest_change()
    layer.step = 3
    assert latest_change() is before
    layer.step = np.asarray(3)
    assert latest_change() is not before


def test_a_layer_is_recognized_without_computing_its_gradients():
    class Costly(ReLU):
        @property
        def grads(self):
            raise AssertionError

        @grads.setter
        def grads(self, grads):
            pass

    assert is_layer(Costly())
    assert not is_layer(Costly)
    assert not any(map(is_layer, (None, 1, "a", [], {}, np.ones(2), len)))


def test_outputs_of_a_layer_that_has_no_base_class():
    class Bare:
        def __init__(self):
            self.params, self.grads = {}, {}

        def forward(self, x):
            return 2 * x

        def backward(self, dout):
            return 2 * dout

    net = xpnet.Sequential(Bare())
    np.testing.assert_array_equal(net.activations(np.ones(3))["Bare1"], [2, 2, 2])
