"""What the check does to a layer, where it computes, what it costs, and what it refuses."""

from __future__ import annotations

import pickle
import threading

import numpy as np
import pytest

import xpnet
from xpnet.arrays import asarray
from xpnet.backends import adapter_of
from xpnet.checks import describe_home
from xpnet.dtypes import dtype_name
from xpnet.gradient_check import check_gradients

X = np.asarray([[1.0, -2.0, 0.5], [3.0, 4.0, -1.5]])


class Spy:
    """A linear layer that tells its class what it was called with."""

    def __init__(self, W):
        self.params, self.grads = {"W": W}, {}

    def __init_subclass__(cls):
        cls.seen = []

    def forward(self, x):
        self.seen.append((x, self.params["W"]))
        self.x = x
        return x @ self.params["W"]

    def backward(self, dout):
        self.grads["W"] = self.x.T @ dout
        return dout @ self.params["W"].T


def counting_spy(W):
    class Fresh(Spy):
        pass

    return Fresh(W)


def fingerprint(layer):
    params = {name: id(array) for name, array in layer.params.items()}
    return params, pickle.dumps(vars(layer))


@pytest.mark.parametrize("mode", ["directional", "full"])
def test_a_layer_is_as_it_was(mode):
    layer = xpnet.Affine.random(3, 2, seed=0)
    layer.forward(X.astype("float32"))
    layer.backward(np.ones((2, 2), dtype="float32"))
    before = fingerprint(layer)

    check_gradients(layer, X, mode=mode)

    assert fingerprint(layer) == before
    np.testing.assert_array_equal(layer.backward(np.ones((2, 2), "float32")).shape, (2, 3))


def test_a_layer_is_as_it_was_after_an_error():
    net = xpnet.TwoLayerNet(3, 4, 2, seed=0)
    before = fingerprint(net)

    with pytest.raises(xpnet.ShapeError):
        check_gradients(net, X.T)

    assert fingerprint(net) == before


def test_inputs_are_as_they_were():
    def overwrites(x):
        y = x * x
        x *= 0
        return y, lambda dout: dout

    x = X.copy()
    check_gradients(overwrites, x)

    np.testing.assert_array_equal(x, X)


def test_it_computes_in_float64_where_the_layer_lives(home):
    with xpnet.use_backend(home):
        layer = counting_spy(asarray(np.asarray([[1.0], [2.0], [3.0]])))

    assert check_gradients(layer, X)

    expected = "float32" if home.device_name == "no_float64" else "float64"
    for array in (a for pair in layer.seen for a in pair):
        assert adapter_of(array) is home.adapter
        assert describe_home(array) == describe_home(layer.params["W"])
        assert dtype_name(array.dtype) == expected


def test_an_input_from_another_library_is_not_moved():
    strict = pytest.importorskip("array_api_strict")
    layer = xpnet.Affine.random(3, 2, seed=0)

    with pytest.raises(xpnet.BackendMismatchError):
        check_gradients(layer, strict.asarray(X))


def test_without_parameters_the_first_array_of_another_library_decides():
    strict = pytest.importorskip("array_api_strict")
    x = strict.asarray(X, device=strict.Device("device1"))

    assert check_gradients(xpnet.MulLayer(), x, X)


def test_labels_go_where_the_scores_are():
    strict = pytest.importorskip("array_api_strict")
    x = strict.asarray(X, device=strict.Device("device1"))

    assert check_gradients(xpnet.SoftmaxWithLoss(), x, np.asarray([0, 2]))


def test_all_backends_draw_the_same(home):
    expected = check_gradients(xpnet.Sigmoid(), X, seed=4)["x"]
    with xpnet.use_backend(home):
        found = check_gradients(xpnet.Sigmoid(), X, seed=4)["x"]

    np.testing.assert_array_equal(found.direction, expected.direction)
    terms = abs(expected.dout * expected.direction) / 4  # the steepest that a sigmoid is
    assert found.analytic == pytest.approx(expected.analytic, rel=0, abs=1e-6 * terms.sum())


@pytest.mark.parametrize("columns", [1, 50])
def test_the_cost_of_a_direction_does_not_depend_on_the_number_of_entries(columns):
    layer = counting_spy(np.random.default_rng(0).normal(size=(3, columns)))

    assert check_gradients(layer, X)
    assert len(layer.seen) <= 16


def test_a_nets_parameters_are_all_judged():
    net = xpnet.TwoLayerNet(3, 4, 2, seed=0)
    net.params["W2"] = asarray(np.ones((4, 2)))

    report = check_gradients(net, X)

    assert report
    assert [v.name for v in report.verdicts] == ["x", "W1", "b1", "W2", "b2"]


def test_an_input_and_a_parameter_may_have_one_name():
    class Scale(Spy):
        def forward(self, W):
            return super().forward(W)

    report = check_gradients(Scale(np.ones((3, 1))), X)

    assert [v.name for v in report.verdicts] == ["W", "params['W']"]


def test_many_inputs_are_told_apart():
    def total(*terms):
        return sum(terms), lambda dout: (dout,) * len(terms)

    report = check_gradients(total, X, 2 * X, 3 * X)

    assert [v.name for v in report.verdicts] == ["terms[0]", "terms[1]", "terms[2]"]


def test_what_is_no_array_is_passed_on():
    def power(x, exponent, kind):
        assert kind == "power"
        return x**exponent, lambda dout: exponent * x ** (exponent - 1) * dout

    assert check_gradients(power, X, 3, "power")


def test_it_says_that_it_moved_the_arguments():
    def fussy(x):
        if (x != X).any():
            msg = "only this one"
            raise ValueError(msg)
        return x * 1, lambda dout: dout

    with pytest.raises(ValueError, match="only this one") as caught:
        check_gradients(fussy, X)
    assert any("had moved" in note for note in caught.value.__notes__)


class Uncopyable(Spy):
    def __init__(self):
        super().__init__(np.ones((3, 1)))
        self.lock = threading.Lock()


class Detached(Spy):
    def __init__(self):
        self.W = np.ones((3, 1))
        self.grads = {}

    @property
    def params(self):
        return {"W": self.W.copy()}


@pytest.mark.parametrize(
    ("arguments", "options", "error", "words"),
    [
        ((xpnet.ReLU(), X), {"mode": "fast"}, ValueError, "known are 'directional', 'full'"),
        ((xpnet.ReLU(), X), {"seed": -1}, ValueError, "seed is -1"),
        ((xpnet.ReLU(), X), {"seed": 0.5}, ValueError, "seed is 0.5"),
        ((xpnet.ReLU, X), {}, TypeError, r"not its class: ReLU\(\.\.\.\)"),
        (("relu", X), {}, TypeError, "not a str"),
        ((np.sin, X), {}, TypeError, r"must return \(y, backward\), not a ndarray"),
        ((xpnet.MulLayer(), np.asarray([1, 2]), 3), {}, ValueError, "no input and no parameter"),
        ((xpnet.ReLU(),), {}, ValueError, "no input and no parameter"),
        ((lambda x: ((x, x), None), X), {}, TypeError, r"must return \(y, backward\)"),
        ((lambda x: ((x, x), print), X), {}, TypeError, "returned a tuple, but .* one array"),
        ((Uncopyable(), X), {}, TypeError, "Uncopyable cannot be copied .*__deepcopy__"),
        ((Detached(), X), {}, TypeError, "cannot replace parameter 'W' of Detached"),
    ],
)
def test_a_mistake_is_explained(arguments, options, error, words):
    with pytest.raises(error, match=words):
        check_gradients(*arguments, **options)
