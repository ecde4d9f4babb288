"""After its first step, a step that is compiled on NumPy allocates no array above 4 KiB."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from compile.test_compile import eager_step
from compile.test_layouts import LAYOUTS
from compile.test_rows_of_labels import ROWS
from optimizers.catalog import OPTIMIZERS

import xpnet
from xpnet import SGD, Affine, Dropout, ReLU, Sequential, Sigmoid, TwoLayerNet, kernels

PROVIDERS = [("numpy",), ("numba", "numpy")]


@pytest.fixture(autouse=True)
def _on_numpy():
    with xpnet.use_backend("numpy"):
        yield


@pytest.fixture(params=PROVIDERS, ids="+".join)
def providers(request):
    if "numba" in request.param:
        pytest.importorskip("numba")
    return request.param


def batch(samples=100):
    rng = np.random.default_rng(0)
    return rng.random((samples, 784), dtype="float32"), rng.integers(0, 10, samples)


def allocated(function):
    """Return how many bytes a call has allocated, at most at once and for good."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        function()
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return peak - before, after - before


def assert_allocates_no_array(providers, step, x, t, has_iterators=None):
    """Take steps with kernels of some providers, and look at the fourth."""
    with kernels.only(*providers):
        for _ in range(3):
            step(x, t)
        most, kept = allocated(lambda: step(x, t))
    # Python's own small objects, which are most where updates are planned anew, and buffers that
    # NumPy's iterators have wherever a bias is added, for as many columns as there are classes, and
    # for an input with gaps: they are no arrays, and do not grow with those of the net, of which
    # each has 80 kB here.
    if has_iterators is None:
        has_iterators = "numba" not in providers
    assert most < 32_768 + (2 * 8192 * 4 if has_iterators else 0)
    assert kept < 32_768


def net_of(*hidden):
    return Sequential(Affine.random(784, 200, seed=0), *hidden, Affine.random(200, 10, seed=1))


@pytest.mark.parametrize("activation", [ReLU, Sigmoid])
@pytest.mark.parametrize("entry", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_with_every_optimizer(entry, activation, providers):
    step = xpnet.compile(net_of(activation()), entry.make())

    assert_allocates_no_array(providers, step, *batch())


@pytest.mark.parametrize("entry", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_with_batches_of_two_sizes_in_turn(entry, providers):
    step = xpnet.compile(net_of(ReLU()), entry.make())

    def two_steps(x, t):
        step(x, t)
        step(x[:70], t[:70])

    assert_allocates_no_array(providers, two_steps, *batch())


@pytest.mark.parametrize(
    "layers",
    [
        lambda: [Dropout(0.1, seed=0), *net_of(ReLU()).layers.values()],
        lambda: net_of(ReLU(), Dropout(0.5, seed=0)).layers.values(),
        lambda: net_of(Dropout(0.5, seed=0), ReLU()).layers.values(),
    ],
    ids=["first", "behind", "before"],
)
def test_with_dropout(layers, providers):
    step = xpnet.compile(Sequential(*layers()), SGD(0.1))

    assert_allocates_no_array(providers, step, *batch())


@pytest.mark.parametrize("samples", [100, 2000])
@pytest.mark.parametrize("labels", ROWS.values(), ids=ROWS)
def test_with_rows_of_labels(labels, samples, providers):
    x, t = batch(samples)
    step = xpnet.compile(net_of(ReLU()), SGD(0.1))

    with kernels.watch() as ran:
        assert_allocates_no_array(providers, step, x, labels(t))

    taken = [kernel.provider for kernel in ran if kernel.op.startswith("softmax_with_loss")]
    assert taken == [providers[0]] * 2


@pytest.mark.parametrize("labels", [lambda t: t, ROWS["float32"]], ids=["indices", "rows"])
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize(
    "first",
    [list, lambda: [ReLU()], lambda: [Sigmoid()], lambda: [Dropout(0.1, seed=0)]],
    ids=["affine", "relu", "sigmoid", "dropout"],
)
def test_with_batches_of_any_layout(first, layout, labels, providers):
    x, t = batch()
    step = xpnet.compile(Sequential(*first(), *net_of(Sigmoid()).layers.values()), SGD(0.1))

    # No kernel of numba's competes with NumPy's maximum.
    has_iterators = True if isinstance(step.net.layers.get("ReLU1"), ReLU) else None
    assert_allocates_no_array(providers, step, layout(x), layout(labels(t)), has_iterators)


def test_an_eager_step_would_be_noticed_by_that():
    net, optimizer = TwoLayerNet(784, 50, 10, seed=0), SGD(0.1)
    x, t = batch()
    eager_step(net, optimizer, x, t)

    most, _ = allocated(lambda: eager_step(net, optimizer, x, t))

    assert most > 100_000
