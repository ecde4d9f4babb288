"""Routines of NumPy's BLAS, where they can be had."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest

import xpnet
from xpnet import kernels
from xpnet.kernels import blas
from xpnet.kernels.blas import add_scaled

FOUND = blas._axpy(np.dtype("float32")) is not None
needs_it = pytest.mark.skipif(not FOUND, reason="this build of NumPy does not show it")

# OpenBLAS takes several threads for the last.
SIZES = [1, 7, 10_000, 1_000_003]
each_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


@pytest.fixture
def library(monkeypatch):
    """Return a function that lets other routines take the place of NumPy's."""

    def forget():
        for cached in (blas._axpy, blas.gemm_of, blas.gemm_batch_of, blas._routine):
            cached.cache_clear()

    def replace(**routines):
        forget()
        monkeypatch.setattr(blas, "_library", lambda: SimpleNamespace(**routines))

    yield replace
    forget()


def random(size, dtype, seed):
    return np.random.default_rng(seed).standard_normal(size).astype(dtype)


def test_it_is_found_in_the_wheels_of_numpy_for_linux():
    built_with = np.show_config(mode="dicts")["Build Dependencies"]["blas"]["name"]
    if sys.platform != "linux" or built_with != "scipy-openblas":
        pytest.skip(f"this is a build with {built_with} on {sys.platform}")

    assert FOUND
    for dtype in map(np.dtype, ("float32", "float64")):
        assert blas.gemm_of(dtype)
        assert blas.gemm_batch_of(dtype)
    assert blas.blas_thread_count() >= 1


def test_nothing_is_found_where_numpy_shows_nothing(library):
    library()

    assert add_scaled(1.0, np.ones(2), np.ones(2)) is None
    assert blas.gemm_of(np.dtype("float64")) is None
    assert blas.gemm_batch_of(np.dtype("float64")) is None
    assert blas.blas_thread_count() == 1


def test_a_batch_is_only_for_openblas_whose_threads_compute_whole_products(library):
    library(cblas_dgemm_batch64_=print)

    assert blas.gemm_batch_of(np.dtype("float64")) is None


def test_a_product_with_integers_of_32_bits_is_not_called(library):
    library(cblas_dgemm=print, cblas_dgemm_batch=print, openblas_get_num_threads=lambda: 2)

    assert blas.blas_thread_count() == 2
    assert blas.gemm_batch_of(np.dtype("float64")) is None
    assert blas.gemm_of(np.dtype("float64")) is None


@needs_it
@each_dtype
@pytest.mark.parametrize("size", SIZES)
def test_each_entry_is_right_to_a_rounding_or_two(size, dtype):
    x, y = random(size, dtype, 1), random(size, dtype, 2)
    before = y.copy()

    add_scaled(-0.1, x, y)()

    step = np.longdouble(np.dtype(dtype).type(-0.1)) * x
    off = np.abs(y - (before + step)) / (np.abs(step) + np.abs(before))
    assert off.max() < np.finfo(dtype).eps


@needs_it
def test_it_can_be_called_again():
    x, y = random(7, "float64", 1), np.zeros(7)
    add = add_scaled(2.0, x, y)

    add()
    x[...] = 1
    before = y.copy()
    add()

    np.testing.assert_array_equal(y, before + 2)


@needs_it
@each_dtype
@pytest.mark.parametrize("size", SIZES[1:])
def test_special_values_are_those_of_arithmetic(size, dtype):
    x, y = np.ones(size, dtype), np.ones(size, dtype)
    special = np.asarray([np.nan, np.inf, -np.inf, 0, -0.0, np.finfo(dtype).max], dtype)
    x[: special.size], y[-special.size :] = special, special
    with np.errstate(all="ignore"):
        expected = y + 2 * x

    add_scaled(2, x, y)()

    np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize("scale", [0.0, -0.0, 1e-60])
def test_a_factor_of_0_is_left_to_others_for_BLAS_ignores_NaN_then(scale):
    x, y = np.full(3, np.nan, "float32"), np.ones(3, "float32")

    assert add_scaled(scale, x, y) is None


def test_other_dtypes_are_left_to_others():
    x = np.ones(3, "float16")

    assert add_scaled(1.0, x, x.copy()) is None


@pytest.mark.parametrize("provider", ["numpy", "numba"])
def test_without_it_a_large_update_has_the_bits_of_the_rule(library, provider):
    if provider == "numba":
        pytest.importorskip("numba")
    library()
    params, grads = {"W": random(50_000, "float32", 1)}, {"W": random(50_000, "float32", 2)}
    expected = params["W"] - np.float32(0.1) * grads["W"]

    with kernels.only(provider), kernels.watch() as ran:
        xpnet.SGD(lr=0.1).update(params, grads)

    assert [kernel.provider for kernel in ran] == [provider]
    np.testing.assert_array_equal(params["W"], expected)
