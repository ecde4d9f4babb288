"""Steps that are compiled on NumPy with rows of labels, one-hot and soft."""

from __future__ import annotations

import numpy as np
import pytest
from compile.test_compile import eager_step

import xpnet
from xpnet import SGD, Affine, LabelError, Sequential, TwoLayerNet, kernels

pytestmark = pytest.mark.usefixtures("numpy_with_each_set_of_kernels")


def one_hot(t):
    return t[..., None] == np.arange(10)


def soft(t):
    """Return rows of which some probabilities are 0, and that sum to 1 in float64."""
    weights = np.random.default_rng(int(t.sum())).random((*t.shape, 10)) + one_hot(t)
    weights[weights < 0.25] = 0
    return weights / weights.sum(axis=-1, keepdims=True)


# What rows of labels may be, made from indices.
ROWS = {
    "int64": lambda t: one_hot(t).astype("int64"),
    "uint8": lambda t: one_hot(t).astype("uint8"),
    "bool": one_hot,
    "float32": lambda t: one_hot(t).astype("float32"),
    "float64": lambda t: one_hot(t).astype("float64"),
    "soft float32": lambda t: soft(t).astype("float32"),
    "soft float64": soft,
}


def batch(samples=100, seed=0):
    rng = np.random.default_rng(seed)
    return rng.random((samples, 784), dtype="float32"), rng.integers(0, 10, samples)


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize("shape", [(100,), (4, 25)], ids=["", "of sequences"])
@pytest.mark.parametrize("labels", ROWS)
def test_the_bits_are_those_of_the_eager_step(labels, shape, dtype):
    with xpnet.use_backend("numpy", dtype=dtype):
        compiled, eager = (Sequential(Affine.random(784, 10, seed=0)) for _ in range(2))
        step, optimizer = xpnet.compile(compiled, SGD(0.1)), SGD(0.1)
        for i in range(4):
            x, t = batch(seed=i)
            x, t = x.reshape(*shape, 784).astype(dtype), ROWS[labels](t.reshape(shape))
            assert step(x, t) == eager_step(eager, optimizer, x, t)

    for name, array in eager.params.items():
        np.testing.assert_array_equal(compiled.params[name], array)


@pytest.mark.parametrize("samples", [100, 2000])
@pytest.mark.parametrize("labels", ROWS)
def test_a_wrong_row_is_named_as_by_the_op_and_changes_no_parameter(labels, samples):
    net = TwoLayerNet(784, 5, 10, seed=0)
    step = xpnet.compile(net, SGD(0.1))
    x, t = batch(samples)
    t = ROWS[labels](t)
    wrong = t.copy()
    wrong[71] = 1
    with kernels.disabled(), pytest.raises(LabelError) as expected:
        net.loss(x, wrong)
    step(x, t)
    for _ in range(2):
        before = {name: array.copy() for name, array in net.params.items()}
        with pytest.raises(LabelError) as raised:
            step(x, wrong)
        assert str(raised.value) == str(expected.value)
        for name, array in net.params.items():
            np.testing.assert_array_equal(array, before[name])
        step(x, t)

    assert str(expected.value).startswith(
        "xpnet.ops.softmax_with_loss: row 71 of t sums to 10 with"
    )
