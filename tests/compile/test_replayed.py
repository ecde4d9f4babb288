"""On NumPy a compiled step replays what was recorded."""

from __future__ import annotations

import numpy as np
import pytest
from compile.test_compile import Doubled, Scaled, eager_step

import xpnet
from xpnet import (
    SGD,
    Adam,
    Affine,
    Momentum,
    ReLU,
    Sequential,
    Sigmoid,
    TwoLayerNet,
    kernels,
)

PROVIDERS = [("numpy",), ("numba", "numpy")]


@pytest.fixture(autouse=True)
def _on_numpy():
    with xpnet.use_backend("numpy"):
        yield


def batch(samples=100, seed=0):
    rng = np.random.default_rng(seed)
    return rng.random((samples, 784), dtype="float32"), rng.integers(0, 10, samples)


@pytest.mark.parametrize("providers", [(), *PROVIDERS], ids=lambda names: "+".join(names) or "off")
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_the_bits_are_those_of_the_eager_step_with_the_same_kernels(providers, dtype):
    with kernels.only(*providers), xpnet.use_backend("numpy", dtype=dtype):
        compiled, eager = (TwoLayerNet(784, 50, 10, seed=0) for _ in range(2))
        step, optimizer = xpnet.compile(compiled, SGD(0.1)), SGD(0.1)
        for i in range(4):
            x, t = batch(seed=i)
            x = x.astype(dtype)
            assert step(x, t) == eager_step(eager, optimizer, x, t)

    for name, array in eager.params.items():
        np.testing.assert_array_equal(compiled.params[name], array)


def test_a_layer_with_parameters_of_its_own_is_trained():
    def net():
        return Sequential(
            Scaled(np.asarray(2.0, dtype="float32")),
            Affine.random(784, 5, seed=0),
            ReLU(),
            Scaled(np.asarray(3.0, dtype="float32")),
            Doubled(),
            Affine.random(5, 10, seed=1),
        )

    compiled, eager = net(), net()
    step, optimizer = xpnet.compile(compiled, SGD(0.01)), SGD(0.01)
    for i in range(4):
        x, t = batch(seed=i)
        step(x, t)
        eager_step(eager, optimizer, x, t)

    assert compiled.params["Scaled1.scale"] != 2
    for name, array in eager.params.items():
        np.testing.assert_array_equal(compiled.params[name], array)


def test_a_subclass_of_a_layer_is_called():
    calls = []

    class Watched(ReLU):
        def forward(self, x):
            calls.append(x.shape)
            return super().forward(x)

    net = Sequential(Affine.random(784, 5, seed=0), Watched(), Affine.random(5, 10, seed=1))
    step = xpnet.compile(net, SGD(0.1))
    for i in range(3):
        step(*batch(seed=i))

    assert len(calls) == 3


def test_a_state_may_be_put_back():
    net, optimizer = TwoLayerNet(784, 5, 10, seed=0), Adam()
    step = xpnet.compile(net, optimizer)
    x, t = batch()
    for _ in range(3):
        step(x, t)

    optimizer.state = {}
    step(x, t)
    step(x, t)

    assert optimizer.state["W1"]["step"] == 2


def test_eager_gradients_between_steps_do_no_harm():
    compiled, eager = (TwoLayerNet(784, 5, 10, seed=0) for _ in range(2))
    step, optimizer = xpnet.compile(compiled, SGD(0.1)), SGD(0.1)
    for i in range(4):
        x, t = batch(seed=i)
        compiled.gradient(x[:7], t[:7])
        step(x, t)
        eager_step(eager, optimizer, x, t)
        for name, grad in eager.grads.items():
            np.testing.assert_array_equal(compiled.grads[name], grad)


def test_many_sizes_of_batches_do_not_fill_the_memory():
    step = xpnet.compile(TwoLayerNet(784, 5, 10, seed=0), SGD(0.1))
    for samples in range(1, 20):
        step(*batch(samples))

    assert len(step._step._recordings) <= 4


class WritesInPlace(Scaled):
    """Its gradient is the same array each time."""

    def __init__(self, scale):
        super().__init__(scale)
        self.grads["scale"] = np.zeros_like(scale)

    def backward(self, dout):
        self.grads["scale"][...] = (dout * self.x).sum()
        return self.params["scale"] * dout


class KeepsItsOwn(WritesInPlace):
    """It does not look for the array where it has laid it."""

    def __init__(self, scale):
        super().__init__(scale)
        self.dscale = self.grads["scale"]

    def backward(self, dout):
        self.dscale[...] = (dout * self.x).sum()
        return self.params["scale"] * dout


class Block:
    """Shows what belongs to a layer inside it."""

    def __init__(self, scale):
        self.inner = Scaled(scale)

    params = property(lambda self: {**self.inner.params})
    grads = property(lambda self: {**self.inner.grads})

    def forward(self, x):
        return self.inner.forward(x)

    def backward(self, dout):
        return self.inner.backward(dout)


@pytest.mark.parametrize("kind", [WritesInPlace, KeepsItsOwn, Block])
def test_the_gradients_of_ones_own_layer_are_those_of_this_step(kind):
    def net():
        return Sequential(Affine.random(784, 10, seed=0), kind(np.ones((), dtype="float32")))

    compiled, eager = net(), net()
    step, optimizer = xpnet.compile(compiled, SGD(0.1)), SGD(0.1)
    for i in range(4):
        x, t = batch(seed=i)
        step(x, t)
        eager_step(eager, optimizer, x, t)
        *_, name = eager.params
        np.testing.assert_array_equal(compiled.grads[name], eager.grads[name])

    assert compiled.params[name] == eager.params[name] != 1
    x, t = batch(seed=9)
    for name, grad in eager.gradient(x, t).items():
        np.testing.assert_array_equal(compiled.gradient(x, t)[name], grad)


@pytest.mark.parametrize("foreign", [[0] * 100, None], ids=["list", "None"])
def test_labels_that_are_no_array_are_named(foreign):
    step = xpnet.compile(TwoLayerNet(784, 5, 10, seed=0), SGD(0.1))
    x, t = batch()
    for _ in range(2):
        with pytest.raises(xpnet.BackendMismatchError, match="t is"):
            step(x, foreign)
        step(x, t)


def test_labels_of_another_library_are_not_copied_silently():
    torch = pytest.importorskip("torch")
    step = xpnet.compile(TwoLayerNet(784, 5, 10, seed=0), SGD(0.1))
    x, t = batch()
    for _ in range(2):
        with pytest.raises(
            xpnet.BackendMismatchError, match="t is torch on cpu, but x is numpy on cpu"
        ):
            step(x, torch.from_numpy(t))
        step(x, t)


def test_a_memory_or_a_setting_that_is_replaced_between_replayed_updates_counts():
    compiled, eager = (TwoLayerNet(784, 5, 10, seed=0) for _ in range(2))
    optimizer, twin = Momentum(0.1), Momentum(0.1)
    step = xpnet.compile(compiled, optimizer)
    for i in range(9):
        if i == 4:
            for each in (optimizer, twin):
                each.state["W1"]["velocity"] = np.ones((784, 5), dtype="float32")
        if i == 6:
            optimizer.momentum = twin.momentum = 0.5
        x, t = batch(seed=i)
        step(x, t)
        eager_step(eager, twin, x, t)
        for name, array in eager.params.items():
            np.testing.assert_array_equal(compiled.params[name], array)


def test_layers_remember_their_own_forward_and_not_that_of_a_compiled_step():
    net = TwoLayerNet(784, 5, 10, seed=0)
    layer = net.layers["Affine1"]
    step = xpnet.compile(net, SGD(0.0))
    for seed in range(3):
        step(*batch(seed=seed))
    with pytest.raises(xpnet.BackwardError):
        layer.backward(np.ones((100, 5), dtype="float32"))
    x, _ = batch(4)
    layer.forward(x)
    step(*batch())
    step(*batch(7))

    layer.backward(np.ones((4, 5), dtype="float32"))

    np.testing.assert_allclose(layer.dW[:, 0], x.sum(axis=0), rtol=1e-5)


@pytest.mark.parametrize("providers", PROVIDERS, ids="+".join)
def test_a_parameter_that_may_no_longer_be_written_to_is_replaced(providers):
    net = TwoLayerNet(784, 50, 10, seed=0)
    x, t = batch()
    with kernels.only(*providers):
        step = xpnet.compile(net, SGD(0.1))
        for _ in range(3):
            step(x, t)
        frozen = net.params["W1"]
        before = frozen.copy()
        frozen.flags.writeable = False

        step(x, t)

    np.testing.assert_array_equal(frozen, before)
    assert (net.params["W1"] != before).any()


class ByColumns(Doubled):
    """A layer whose results do not lie in memory row by row, which kernels do not take."""

    def forward(self, x):
        return np.asfortranarray(x)

    def backward(self, dout):
        return np.asfortranarray(dout)


def transposed(inputs, outputs, seed):
    layer = Affine.random(inputs, outputs, seed=seed)
    return Affine(np.asfortranarray(layer.W), layer.b)


@pytest.mark.parametrize("providers", PROVIDERS, ids="+".join)
@pytest.mark.parametrize("by_hand", [False, True], ids=["", "after a forward by hand"])
@pytest.mark.parametrize(
    ("samples", "layers"),
    [
        (1, lambda: [Affine.random(784, 1, seed=0), ReLU(), Affine.random(1, 10, seed=1)]),
        (100, lambda: [Affine.random(784, 1, seed=0), ReLU(), Affine.random(1, 10, seed=1)]),
        (0, lambda: [Affine.random(784, 5, seed=0), ReLU(), Affine.random(5, 10, seed=1)]),
        (9, lambda: [transposed(784, 5, 0), ReLU(), transposed(5, 10, 1)]),
        (9, lambda: [transposed(784, 5, 0), Sigmoid(), Affine.random(5, 10, seed=1)]),
        (9, lambda: [Affine.random(784, 5, seed=0), ByColumns(), Affine.random(5, 10, seed=1)]),
        (9, lambda: [ByColumns(), Affine.random(784, 5, seed=0), ReLU(), transposed(5, 10, 1)]),
    ],
    ids=["a number", "one feature", "empty", "transposed", "once", "own", "own first"],
)
def test_what_kernels_do_not_take_is_not_replayed_with_old_arrays(
    samples, layers, by_hand, providers
):
    compiled, eager = (Sequential(*layers()) for _ in range(2))
    step, optimizer = xpnet.compile(compiled, SGD(0.5)), SGD(0.5)
    with kernels.only(*providers):
        for seed in range(4):
            x, t = batch(samples, seed)
            x -= 0.5
            if by_hand:
                compiled.loss(*batch(max(samples, 1), 99))
            step(x, t)
            eager_step(eager, optimizer, x, t)
            for name, array in eager.params.items():
                np.testing.assert_allclose(compiled.params[name], array, rtol=1e-5, atol=1e-7)


class Overflows(Doubled):
    def forward(self, x):
        self.seen = np.geterr()["over"]
        return x


@pytest.mark.parametrize("providers", PROVIDERS, ids="+".join)
def test_warnings_are_off_in_kernels_and_as_they_were_in_layers_of_ones_own(providers):
    x, t = batch(4)
    own = Overflows()
    net = Sequential(own, Affine.random(784, 10, seed=0))
    with kernels.only(*providers), np.errstate(all="raise"):
        step = xpnet.compile(net, SGD(lr=0.1))
        for _ in range(3):
            own.seen = None
            step(np.full_like(x, 1e38), t)  # its products overflow

            assert own.seen == "raise"


def test_a_first_batch_whose_labels_are_its_input_is_not_taken_for_both():
    rows = np.eye(10, dtype="float32")

    def net():
        return Sequential(Doubled(), Affine.random(10, 10, seed=0))

    compiled, eager = net(), net()
    step, optimizer = xpnet.compile(compiled, SGD(0.1)), SGD(0.1)
    for x, t in [(rows, rows), (rows[::-1], rows), (rows[::-1].copy(), rows)]:
        assert step(x, t) == eager_step(eager, optimizer, x, t)
    gaps = np.repeat(rows, 2, axis=1)[:, ::2]
    for x, t in [(gaps, gaps), (np.repeat(rows[::-1], 2, axis=1)[:, ::2], gaps)]:
        assert step(x, t) == eager_step(eager, optimizer, x, t)


def test_the_mask_of_a_masked_array_is_not_forgotten():
    net = TwoLayerNet(784, 5, 10, seed=0)
    step = xpnet.compile(net, SGD(0.1))
    x, t = batch()
    step(x, t)
    masked = np.ma.masked_less(x, 0.5)

    for use in (net.loss, step):
        with pytest.raises(xpnet.UnsupportedArrayError, match="its mask would be lost"):
            use(masked, t)


def test_a_batch_of_a_file_that_is_mapped_gives_the_bits_of_the_eager_step(tmp_path):
    compiled, eager = (TwoLayerNet(784, 5, 10, seed=0) for _ in range(2))
    step, optimizer = xpnet.compile(compiled, SGD(0.1)), SGD(0.1)
    x, t = batch()
    np.save(tmp_path / "x.npy", x)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    for inputs in (x, mapped, mapped, x):
        assert step(inputs, t) == eager_step(eager, optimizer, inputs, t)
