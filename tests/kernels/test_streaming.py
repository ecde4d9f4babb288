"""Results that numba's kernels write past the caches."""

from __future__ import annotations

import numpy as np
import pytest

from xpnet import kernels, ops

pytest.importorskip("numba", reason="numba is not installed: run nox -s tests_backends")

from numba import njit

from xpnet.kernels.numba import rows
from xpnet.kernels.numba.pieces import alone
from xpnet.kernels.numba.streaming import is_for_streaming, scale_into

each_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


def random(*shape, dtype="float64"):
    return np.random.default_rng(0).standard_normal(shape).astype(dtype)


@each_dtype
@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 40, 1000])
@pytest.mark.parametrize("offset", [0, 1, 3, 8, 15])
def test_a_row_is_scaled_wherever_it_begins_and_ends(offset, size, dtype):
    x, y = random(size + 2, dtype=dtype), np.full(size + 40, 7, dtype)
    factor = np.dtype(dtype).type(0.3)

    scale_into(x[1:-1], factor, y[offset : offset + size])

    np.testing.assert_array_equal(y[offset : offset + size], x[1:-1] * factor)
    assert (np.delete(y, np.s_[offset : offset + size]) == 7).all()


def test_it_is_written_past_the_caches():
    again = njit(scale_into.py_func)
    again(np.ones(100), 2.0, np.ones(100))

    (code,) = again.inspect_llvm().values()
    assert "!nontemporal" in code


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((64, 32_768), True),
        ((63, 32_768), False),  # the caches hold it
        ((4096, 4095), False),  # short rows
        ((0, 4096), False),
        ((4096, 0), False),
    ],
    ids=str,
)
def test_only_a_large_result_of_long_rows_is(shape, expected):
    assert is_for_streaming(np.empty(shape, "float32")) is expected


def test_a_result_that_is_not_aligned_is_not():
    bytes_ = np.empty(2**23 + 1, np.uint8)

    assert is_for_streaming(np.ndarray((64, 32_768), "float32", bytes_))
    assert not is_for_streaming(np.ndarray((64, 32_768), "float32", bytes_, offset=1))


@each_dtype
def test_a_large_gradient_of_the_loss_is_that_of_the_op(dtype):
    y, t = abs(random(65, 32_771, dtype=dtype)), np.arange(65) * 500
    y /= y.sum(axis=1, keepdims=True)
    assert is_for_streaming(y)

    with kernels.only("numba"), kernels.watch() as ran:
        dx = ops.softmax_with_loss_backward(1, y, t)

    assert [kernel.provider for kernel in ran] == ["numba"]
    one_hot = np.zeros_like(y)
    one_hot[np.arange(65), t] = 1
    np.testing.assert_array_equal(dx, (y - one_hot) * np.dtype(dtype).type(1 / 65))


def test_a_row_without_a_class_is_nan_and_the_others_are_not():
    # As when labels change after forward has checked them.
    y, t = np.ones((64, 32_768), "float32"), np.full(64, 5)
    t[7], dx = -1, np.empty_like(y)

    rows.scaled_difference(alone(64), y, t, 1.0, dx)

    assert np.isnan(dx).all(axis=1).nonzero()[0].tolist() == [7]
    assert dx[6, 5] == 0
    assert dx[6, 4] == 1
