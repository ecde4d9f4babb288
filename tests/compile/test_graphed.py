"""The step for CuPy, on NumPy, with a stand-in for the graph that calls what was recorded."""

from __future__ import annotations

import numpy as np
import pytest
from compile.test_compile import Doubled, batch, dropout_net, eager_step, small_net
from optimizers.catalog import OPTIMIZERS

import xpnet
from xpnet import SGD, Affine, Sequential
from xpnet.compiled import graphed
from xpnet.compiled.graphed import GraphedSteps

pytest.importorskip("numba", reason="without numba NumPy has a kernel for SGD alone")


class Replayed:
    """Does what a graph does: the same calls on the same arrays, whatever Python has meanwhile."""

    made = 0

    def __init__(self, step, inputs, state):
        Replayed.made += 1
        before = [array.copy() for array in state]
        self._step, self._inputs = step, [array.copy() for array in inputs]
        step(*self._inputs)
        for array, saved in zip(state, before, strict=True):
            array[...] = saved

    def load(self, *inputs):
        for own, array in zip(self._inputs, inputs, strict=True):
            own[...] = array

    @property
    def launch(self):
        return [self._launch]

    def _launch(self):
        self._output = self._step(*self._inputs)

    def result(self):
        return self._output.copy()


@pytest.fixture(autouse=True)
def _stand_in(monkeypatch):
    monkeypatch.setattr(graphed, "GraphedStep", Replayed)
    monkeypatch.setattr(Replayed, "made", 0)
    # Nothing is captured here: the products are NumPy's.
    monkeypatch.setattr("xpnet.kernels.cuda.products.cublas_of", None)
    with xpnet.use_backend("numpy"):
        yield


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_graphed_step_is_the_eager_step(name):
    graphed_net, eager = small_net(), small_net()
    optimizer, twin = OPTIMIZERS[name].make(), OPTIMIZERS[name].make()
    step = GraphedSteps(graphed_net, optimizer)
    for i, samples in enumerate([8, 8, 3, 8, 3, 8, 8]):
        if i == 5:
            optimizer.lr = twin.lr = 0.01
        x, t = batch(samples, seed=i)
        np.testing.assert_allclose(step(x, t), eager_step(eager, twin, x, t), rtol=1e-5)
        for key, array in eager.params.items():
            # NumPy's Adam rounds its count, an array here, to float32; the CUDA kernel does not.
            np.testing.assert_allclose(graphed_net.params[key], array, rtol=1e-5, atol=1e-6)
    for key, memory in twin.state.items():
        for kind, value in memory.items():
            np.testing.assert_allclose(optimizer.state[key][kind], value, rtol=1e-5, atol=1e-6)
    assert Replayed.made == 2  # one for each size


def test_a_setting_that_is_built_in_makes_a_new_graph():
    net, optimizer = small_net(), xpnet.Momentum(0.1, momentum=0.5)
    step = GraphedSteps(net, optimizer)
    for _ in range(3):
        step(*batch(8))
    optimizer.momentum = 0.9
    for _ in range(3):
        step(*batch(8))

    assert Replayed.made == 2


def test_each_step_drops_by_a_mask_of_its_own():
    graphed_net, eager = dropout_net(), dropout_net()
    step, optimizer = GraphedSteps(graphed_net, SGD(0.1)), SGD(0.1)
    layers = [net.layers["Dropout1"] for net in (graphed_net, eager)]
    for i, samples in enumerate([8, 8, 8, 3, 8, 3, 8, 8]):
        if i == 5:
            for layer in layers:
                layer.rate = 0.75
        x, t = batch(samples, seed=i)

        np.testing.assert_allclose(step(x, t), eager_step(eager, optimizer, x, t), rtol=1e-5)

        for key, array in eager.params.items():
            np.testing.assert_allclose(graphed_net.params[key], array, rtol=1e-5, atol=1e-6)
        assert layers[0].step == layers[1].step == i + 1
    assert Replayed.made == 4  # one for each size and rate


def test_a_batch_that_is_not_contiguous_takes_the_eager_step():
    graphed_net, eager = small_net(), small_net()
    step, optimizer = GraphedSteps(graphed_net, xpnet.Momentum(0.1)), xpnet.Momentum(0.1)
    for i in range(5):
        x, t = batch(8, seed=i)
        x = np.asfortranarray(x) if i % 2 else x
        assert step(x, t) == eager_step(eager, optimizer, x, t)

    assert Replayed.made == 1
    for key, array in eager.params.items():
        np.testing.assert_array_equal(graphed_net.params[key], array)


def test_a_number_of_a_mask_that_is_none_is_named():
    net = dropout_net()
    step = GraphedSteps(net, SGD(0.1))
    for _ in range(2):
        step(*batch(8))
    before = {name: array.copy() for name, array in net.params.items()}
    net.layers["Dropout1"].step = -1

    with pytest.raises(ValueError, match=r"xpnet\.ops\.dropout: step is -1"):
        step(*batch(8))

    for name, array in before.items():
        np.testing.assert_array_equal(net.params[name], array)


def test_parameters_that_are_bound_anew_make_a_new_graph():
    net = small_net()
    step = GraphedSteps(net, SGD(0.1))
    for _ in range(3):
        step(*batch(8))
    W = np.zeros((6, 5), dtype="float32")
    net.params["W1"] = W
    for _ in range(3):
        step(*batch(8))

    assert Replayed.made == 2
    assert net.params["W1"] is W


class Plain:
    def update(self, params, grads):
        for name, grad in grads.items():
            params[name] -= 0.1 * grad


def test_what_cannot_be_a_graph_is_eager_and_a_warning_says_so():
    net, eager, optimizer = small_net(), small_net(), Plain()
    with pytest.warns(
        RuntimeWarning, match="steps are eager and not compiled, for Plain has no kernel"
    ):
        step = GraphedSteps(net, optimizer)

    for i in range(3):
        assert step(*batch(8, seed=i)) == eager_step(eager, optimizer, *batch(8, seed=i))
    assert Replayed.made == 0


def test_a_layer_that_cannot_be_captured_is_eager_and_a_warning_says_so(monkeypatch):
    class Refused(Replayed):
        def __init__(self, *args):
            msg = "calling cuBLAS API during stream capture is currently unsupported"
            raise NotImplementedError(msg)

    monkeypatch.setattr(graphed, "GraphedStep", Refused)
    step = GraphedSteps(Sequential(Affine.random(6, 4, seed=0), Doubled()), SGD(0.1))

    with pytest.warns(RuntimeWarning, match="it cannot be one CUDA graph: calling cuBLAS"):
        step(*batch(8))
    losses = [float(step(*batch(8))) for _ in range(3)]

    assert losses == sorted(losses, reverse=True)


def test_a_graph_goes_on_with_other_numbers_of_transforms_and_groups():
    def optimizer():
        return xpnet.Momentum(
            xpnet.StepDecay(0.2, every=2, factor=0.5),
            transforms=[
                xpnet.weight_decay(xpnet.ExponentialDecay(0.1, factor=0.9), only="*.W"),
                xpnet.noise(0.01, seed=3),
                xpnet.clip_norm(0.5),
                xpnet.clip_value(0.05),
            ],
            groups={"*.b": {"lr": 0.3}, "Affine2.*": {"momentum": 0.5}},
        )

    graphed_net, eager = small_net(), small_net()
    mine, twin = optimizer(), optimizer()
    step = GraphedSteps(graphed_net, mine)
    for i in range(6):
        if i == 4:
            for each in (mine, twin):
                each.transforms[2].max_norm = 0.25
        x, t = batch(8, seed=i)
        step(x, t)
        eager_step(eager, twin, x, t)
        for key, array in eager.params.items():
            np.testing.assert_allclose(graphed_net.params[key], array, rtol=1e-5, atol=1e-6)
    assert Replayed.made == 1
    assert mine.steps == 6

    mine.groups = twin.groups = {"*.b": {"lr": 0.1}}
    for i in range(2):
        step(*batch(8, seed=i))
        eager_step(eager, twin, *batch(8, seed=i))
    for key, array in eager.params.items():
        np.testing.assert_allclose(graphed_net.params[key], array, rtol=1e-5, atol=1e-6)
    assert Replayed.made == 2


@pytest.mark.parametrize("where", ["settings", "groups"])
def test_a_built_in_setting_that_follows_a_schedule_is_not_graphed(where):
    fall = xpnet.StepDecay(0.9, every=1)
    settings = {"momentum": fall} if where == "settings" else {"groups": {"*": {"momentum": fall}}}
    graphed_net, eager = small_net(), small_net()
    mine, twin = xpnet.Momentum(0.1, **settings), xpnet.Momentum(0.1, **settings)
    step = GraphedSteps(graphed_net, mine)
    with pytest.warns(RuntimeWarning, match="momentum follows a schedule"):
        step(*batch(8))
    for i in range(3):
        step(*batch(8, seed=i))
    for i in (0, 0, 1, 2):
        eager_step(eager, twin, *batch(8, seed=i))

    for key, array in eager.params.items():
        np.testing.assert_array_equal(graphed_net.params[key], array)
