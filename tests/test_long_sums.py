"""Sums of very many terms: what a float can no longer count, and what rounds each time alike."""

from __future__ import annotations

import numpy as np
import pytest

import xpnet
from xpnet import kernels, ops
from xpnet.backend import resolve_backend
from xpnet.dtypes import dtype_name
from xpnet.metrics import accuracy, binary_accuracy
from xpnet.numerics.sums import BLOCK, MANY, depth, mean, product, total
from xpnet.testing.parity.long_sums import LONG_SUMS, measure_long_sum

xp = resolve_backend("numpy").xp

# Of so many equal terms, a sum of one after the other is off by 100 times the bound.
TERMS = 2**21 + 1
BEYOND = 2**24 + 2**20  # and more than float32 can count one by one
NAMES = [each.name for each in LONG_SUMS]


@pytest.mark.parametrize("long_sum", LONG_SUMS, ids=NAMES)
def test_every_long_sum_keeps_its_bound(long_sum, xpnet_backend):
    assert measure_long_sum(long_sum, xpnet_backend, TERMS)[1] <= 1


@pytest.mark.parametrize("providers", [[], ["numpy"], ["numba"]], ids=["generic", "numpy", "numba"])
@pytest.mark.parametrize("long_sum", LONG_SUMS, ids=NAMES)
def test_every_long_sum_keeps_its_bound_with_each_kernel(long_sum, providers):
    with kernels.only(*providers):
        for terms in (MANY, MANY + 1, 10**6):
            entries = terms * long_sum.entries
            assert measure_long_sum(long_sum, resolve_backend("numpy"), entries)[1] <= 1


def test_kernels_leave_longer_sums_to_the_ops():
    one, many = np.float32(1), MANY + 1
    long, short = np.full((2, many), one), np.full((2, 2), one)
    with kernels.watch() as ran:
        ops.affine(long, np.full((many, 2), one), np.ones(2, "float32"))
        ops.affine_backward(long, short, long)
        ops.affine_param_gradients(long.T, long.T, short)
        ops.softmax(long)
        ops.log_softmax_backward(long, long)
        ops.softmax_with_loss(long, np.asarray([0, 1]))

    assert ran == []


def test_a_bias_counts_twenty_million_samples():
    dout, x = np.ones((2 * 10**7, 1), dtype="float32"), np.zeros((2 * 10**7, 1), dtype="float32")

    _dW, db = ops.affine_param_gradients(dout, x, np.ones((1, 1), dtype="float32"))
    _dx, _dW, db_of_both = ops.affine_backward(dout, x, np.ones((1, 1), dtype="float32"))

    assert db[0] == db_of_both[0] == 2 * 10**7


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_sixteen_bits_count_as_far(dtype):
    """Two columns, which NumPy adds row by row."""
    dout = np.broadcast_to(np.asarray([1, -1], dtype=dtype) / 2**12, (BEYOND, 2))

    dx, _dy = ops.add_backward(dout, np.zeros(2, dtype), np.zeros((BEYOND, 1), dtype))

    np.testing.assert_array_equal(dx, [2**12 + 2**8, -(2**12) - 2**8])


def test_every_hit_counts():
    y, t = np.zeros((BEYOND, 1), dtype="float32"), np.zeros(BEYOND, dtype="int8")
    y[2**24 :] = np.nan
    expected = np.float32(2**24) / np.float32(BEYOND)

    assert accuracy(y[: 2**24], t[: 2**24]) == binary_accuracy(y[: 2**24], t[: 2**24]) == 1
    assert accuracy(y, t) == binary_accuracy(y, t) == expected


@pytest.mark.parametrize("shape", [(MANY,), (MANY + 1,), (3, MANY + 5), (513, 513), (5, 300, 300)])
def test_a_total_is_that_of_numpy_along_any_axes(shape):
    x = np.random.default_rng(0).integers(0, 3, shape).astype("float64")
    rank = len(shape)
    axes = [None, *range(-rank, rank), tuple(range(rank)), (0, rank - 1) if rank > 1 else (0,)]

    for axis in axes:
        for keepdims in (False, True):
            expected = x.sum(axis=axis, keepdims=keepdims)
            found = total(xp, x, axis=axis, keepdims=keepdims)
            assert found.shape == expected.shape
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("terms", [1, MANY, MANY + 1, MANY + BLOCK, 3 * MANY - 7])
@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (3, 2), (1, 2000)])
def test_a_product_is_that_of_numpy(terms, rows, columns):
    rng = np.random.default_rng(0)
    a = rng.integers(0, 3, (rows, terms)).astype("float32")
    b = np.broadcast_to(rng.integers(0, 3, (terms, 1)).astype("float32"), (terms, columns))

    np.testing.assert_array_equal(product(xp, a, b), a @ b[:, :1] * np.ones(columns, "float32"))


def test_the_blocks_of_a_product_are_longer_than_it_is_high_and_wide():
    """Else all their products would take more memory than the factors."""
    shapes = []

    class Spy:
        def __getattr__(self, name):
            return getattr(xp, name)

        def matmul(self, a, b):
            shapes.append((a.shape, b.shape))
            return np.zeros((*a.shape[:-1], b.shape[-1]), "float32")

    one = np.float32(1)
    product(Spy(), np.broadcast_to(one, (1500, MANY + 1)), np.broadcast_to(one, (MANY + 1, 1600)))

    blocks = (MANY + 1) // 1500
    assert shapes[0] == ((blocks, 1500, 1500), (blocks, 1500, 1600))


def test_no_more_than_usual_is_left_to_the_library():
    x = np.random.default_rng(0).random((MANY, 3), dtype="float32")

    np.testing.assert_array_equal(total(xp, x, axis=0), x.sum(axis=0))
    np.testing.assert_array_equal(product(xp, x.T, x), x.T @ x)
    assert mean(xp, x[:100]) == x[:100].sum() / np.float32(300)


def test_the_depth_is_that_of_the_blocks():
    assert [depth(n) for n in (0, 1, MANY)] == [0, 1, MANY]
    assert depth(MANY + 1) == depth(BLOCK**2) == 2 * (BLOCK + 1)
    assert depth(BLOCK**2 + 1) == depth(BLOCK**3) == 3 * (BLOCK + 1)


def test_nan_and_inf_go_through_long_sums(xpnet_backend):
    if dtype_name(xpnet_backend.dtype) != "float32":
        pytest.skip("one dtype is enough")
    for strange in (np.nan, np.inf):
        host = np.zeros((MANY + 2, 1), dtype="float32")
        host[MANY] = strange
        dout = xpnet.asarray(host, xp=xpnet_backend)
        x, W = (xpnet.asarray(np.ones(n), xp=xpnet_backend) for n in ((MANY + 2, 1), (1, 1)))
        _dW, db = ops.affine_param_gradients(dout, x, W)
        np.testing.assert_array_equal(xpnet.to_numpy(db), [strange])
