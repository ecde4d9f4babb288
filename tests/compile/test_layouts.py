"""On NumPy a compiled step has the bits of the eager step, however a batch lies in memory."""

from __future__ import annotations

import numpy as np
import pytest
from compile.test_compile import Doubled

import xpnet
from xpnet import SGD, Affine, Concat, Dropout, ReLU, Sequential, Sigmoid

pytestmark = pytest.mark.usefixtures("numpy_with_each_set_of_kernels")

FEATURES, CLASSES = 300, 10


class Centred(Doubled):
    """Its sums over samples round by the layout: NumPy adds along memory where it can."""

    def forward(self, x):
        self.samples = len(x)
        return x - x.sum(axis=0) / max(len(x), 1)

    def backward(self, dout):
        return dout - dout.sum(axis=0) / max(self.samples, 1)


class EverySecond(Doubled):
    """A layer whose results have gaps, as the ones of its backward."""

    def forward(self, x):
        return x[:, ::2]

    def backward(self, dout):
        return np.repeat(dout, 4, axis=1)[:, ::2]


class Matrix(Doubled):
    """A product that nobody but NumPy computes."""

    def forward(self, x):
        self.x = x
        return x @ np.linspace(-1, 1, x.shape[1] * 8, dtype=x.dtype).reshape(-1, 8)

    def backward(self, dout):
        return dout @ np.linspace(-1, 1, self.x.shape[1] * 8, dtype=dout.dtype).reshape(8, -1)


class Mean(Doubled):
    """A layer whose results lie in memory once for all features."""

    def forward(self, x):
        return np.broadcast_to(x.mean(axis=1, keepdims=True), x.shape)

    def backward(self, dout):
        return np.broadcast_to(dout.mean(axis=1, keepdims=True), dout.shape)


class ByColumns(Doubled):
    """A layer whose results lie in memory column by column."""

    def forward(self, x):
        return np.asfortranarray(2 * x)

    def backward(self, dout):
        return np.asfortranarray(2 * dout)


def affine(inputs=FEATURES, outputs=CLASSES, seed=0):
    return Affine.random(inputs, outputs, weight_init_std=0.1, seed=seed)


def transposed():
    layer = affine()
    return Affine(np.asfortranarray(layer.W), layer.b)


NETS = {
    "affine": lambda: [affine(FEATURES, 50), ReLU(), affine(50, seed=1)],
    "sigmoid": lambda: [Sigmoid(), affine()],
    "relu": lambda: [ReLU(), affine(FEATURES, 50), Sigmoid(), affine(50, seed=1)],
    "dropout": lambda: [Dropout(0.5, seed=0), affine()],
    "own": lambda: [Centred(), affine()],
    "own between": lambda: [affine(FEATURES, 50), Centred(), affine(50, seed=1)],
    "by columns": lambda: [affine(FEATURES, 50), ByColumns(), Sigmoid(), affine(50, seed=1)],
    "by columns, twice": lambda: [ByColumns(), Centred(), affine()],
    "by columns, then dropout": lambda: [ByColumns(), Dropout(0.5, seed=0), affine()],
    "with gaps": lambda: [EverySecond(), Matrix(), affine(8)],
    "with gaps, for kernels": lambda: [EverySecond(), affine(FEATURES // 2)],
    "one for all": lambda: [Mean(), Matrix(), Mean(), Centred(), affine(8)],
    "weights by columns": lambda: [transposed()],
    "branches": lambda: [Concat(affine(FEATURES, 4), affine(FEATURES, 6, seed=1))],
}
LAYOUTS = {
    "contiguous": lambda a: a,
    "by columns": np.asfortranarray,
    "gaps": lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
    "columns of a wider one": lambda a: np.concatenate([a, a], axis=-1)[..., : a.shape[-1]],
    "every second row": lambda a: np.repeat(a, 2, axis=0)[::2],
    "backwards": lambda a: a[::-1].copy()[::-1],
}


def batch(seed, shape=(64,), dtype="float32"):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((*shape, FEATURES)).astype(dtype)
    return x, rng.integers(0, CLASSES, shape)


def assert_same_bits(make_layers, batches):
    compiled, eager = Sequential(*make_layers()), Sequential(*make_layers())
    step, optimizer = xpnet.compile(compiled, SGD(0.1)), SGD(0.1)
    for x, t in batches:
        loss, grads = eager.loss_and_gradient(x, t)
        optimizer.update(eager.params, grads)
        before = x.copy(), t.copy()
        assert step(x, t) == loss
        for array, copy in zip((x, t), before, strict=True):
            np.testing.assert_array_equal(array, copy)
        for name, array in eager.params.items():
            np.testing.assert_array_equal(compiled.params[name], array)


@pytest.mark.parametrize("layers", NETS.values(), ids=NETS)
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_the_bits_are_those_of_the_eager_step(layout, layers):
    batches = [batch(seed) for seed in range(4)]

    assert_same_bits(layers, [(layout(x), layout(t)) for x, t in batches])


@pytest.mark.parametrize("layers", NETS.values(), ids=NETS)
def test_batches_of_all_layouts_may_follow_each_other(layers):
    layouts = [*LAYOUTS.values(), *reversed(LAYOUTS.values())]
    batches = [batch(seed) for seed in range(len(layouts))]

    assert_same_bits(
        layers, [(layout(x), layout(t)) for layout, (x, t) in zip(layouts, batches, strict=True)]
    )


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize(
    ("shape", "dtype"),
    [((8, 6), "float32"), ((64,), "float64"), ((64,), "float16"), ((1,), "float32")],
    ids=["more axes", "float64", "float16", "one sample"],
)
def test_for_other_shapes_and_dtypes_too(shape, dtype, layout):
    with xpnet.use_backend("numpy", dtype=dtype):
        batches = [batch(seed, shape, dtype) for seed in range(3)]
        batches = [(layout(x), layout(t)) for x, t in batches]
        assert_same_bits(NETS["affine"], batches)
        assert_same_bits(NETS["own"], batches)
        assert_same_bits(NETS["branches"], batches)


@pytest.mark.parametrize("dtype", ["uint8", ">i4", "int64"])
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_for_labels_of_other_dtypes_too(layout, dtype):
    batches = [(x, layout(t.astype(dtype))) for x, t in map(batch, range(3))]

    assert_same_bits(NETS["affine"], batches)


@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8", "float16"])
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_for_rows_of_labels_too(layout, dtype):
    rows = np.eye(CLASSES, dtype=dtype)
    batches = [(layout(x), layout(rows[t])) for x, t in map(batch, range(3))]

    assert_same_bits(NETS["affine"], batches)
