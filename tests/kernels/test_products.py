"""The affine map and its gradients on numba, each by one call where it is small."""

from __future__ import annotations

import numpy as np
import pytest
from kernels.affine_maps import arguments, assert_as_special, assert_right, computed, each_dtype

from xpnet.kernels.blas import gemm_of

WHY = "numba is not installed: run nox -s tests_backends"
pytest.importorskip("numba", reason=WHY)
products = pytest.importorskip("xpnet.kernels.numba.products", reason=WHY)

if not gemm_of(np.dtype("float32")):
    pytest.skip("this build of NumPy does not show its products", allow_module_level=True)

AT_ONCE = [products.affine, products.affine_relu, products.gradients, products.param_gradients]


@each_dtype
@pytest.mark.parametrize("samples", [1, 3, 100])
def test_a_small_one_is_one_call_each(samples, dtype):
    arrays = arguments(samples, 5, 3, dtype)

    results, called = computed("numba", *arrays)

    assert called == AT_ONCE
    assert_right(results, *arrays)


@pytest.mark.parametrize("shape", [(3, 5, 3), (40_000, 5, 3)], ids=str)
def test_where_numpy_shows_no_product_it_multiplies_itself(monkeypatch, shape):
    monkeypatch.setattr("xpnet.kernels.numba.affine.gemm_of", lambda _: None)
    arrays = arguments(*shape, "float32")

    results, called = computed("numba", *arrays)

    assert not {*called} & {*AT_ONCE}
    assert_right(results, *arrays)


@pytest.mark.parametrize("special", [np.nan, np.inf, -np.inf])
def test_special_values_spread_as_in_a_product(special):
    arrays = x, W, _, dout = arguments(4, 3, 2, "float64")
    x[1, 2], W[0, 1], dout[2, 0] = special, 0, special

    results, called = computed("numba", *arrays)

    assert called == AT_ONCE
    assert_as_special(results, *arrays)
