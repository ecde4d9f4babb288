"""What is numba's own: an exponential that vectorises, and compiled code that is kept on disk."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from functools import partial

import numpy as np
import pytest

import xpnet
from xpnet import kernels, ops
from xpnet.kernels.blas import gemm_of
from xpnet.kernels.tape import Tape
from xpnet.ops.affine import affine_relu

WHY = "numba is not installed: run nox -s tests_backends"
numba = pytest.importorskip("numba", reason=WHY)
intrinsics = pytest.importorskip("xpnet.kernels.numba.intrinsics", reason=WHY)
products = pytest.importorskip("xpnet.kernels.numba.products", reason=WHY)
exp, larger, multiply_add = intrinsics.exp, intrinsics.larger, intrinsics.multiply_add


@numba.njit
def exp_of(x, y):
    for i in range(x.shape[0]):
        y[i] = exp(x[i])


def computed(x):
    y = np.empty_like(x)
    exp_of(x, y)
    return y


@pytest.mark.parametrize(("dtype", "lowest"), [("float32", -87.3), ("float64", -708.3)])
def test_exp_is_within_2_units_in_the_last_place(dtype, lowest):
    rng = np.random.default_rng(0)
    x = np.concatenate(
        [
            np.linspace(lowest, 0, 1_000_003),
            -np.geomspace(1e-30, 1, 100_003),
            # Where the nearest integer to x * log2(e) changes.
            (np.arange(0, int(lowest / np.log(2)), -1) - 0.5) * np.log(2),
            rng.uniform(lowest, 0, 1_000_003),
        ]
    ).astype(dtype)

    exact = np.exp(x.astype(np.longdouble))
    ulps = abs(computed(x) - exact) / np.spacing(exact.astype(dtype))

    assert ulps[x >= lowest].max() < 2


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_exp_at_the_edges(dtype):
    x = np.asarray([0.0, -0.0, -np.inf, np.nan, -1e30, -800.0, -90.0], dtype=dtype)

    y = computed(x)

    assert y[:3].tolist() == [1, 1, 0]
    assert np.isnan(y[3])
    assert y[4:6].tolist() == [0, 0]
    assert y[6] == pytest.approx(0 if dtype == "float32" else np.exp(-90.0), rel=1e-14)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_larger_and_multiply_add(dtype):
    @numba.njit
    def both(a, b, c):
        return larger(a, b), multiply_add(a, b, c)

    kind = np.dtype(dtype).type

    assert both(kind(2), kind(3), kind(4)) == (3, 10)
    assert both(kind(3), kind(-np.inf), kind(0))[0] == 3


def test_a_function_of_C_is_called_with_what_stands_in_the_tuple():
    seen = []
    function = ctypes.CFUNCTYPE(None, ctypes.c_double, ctypes.c_int32)(lambda *a: seen.append(a))

    @numba.njit
    def twice(address, x):
        intrinsics.call_address(address, (x, np.int32(-1)))
        intrinsics.call_address(address, (x / 2, np.int32(7)))

    twice(ctypes.cast(function, ctypes.c_void_p).value, 3.0)

    assert seen == [(3.0, -1), (1.5, 7)]


@pytest.fixture(params=[True, False], ids=["gemm", "no gemm"])
def gemm(request, monkeypatch):
    """Let NumPy show a product for compiled code, or none, and return whether it does."""
    if not request.param:
        monkeypatch.setattr("xpnet.kernels.numba.affine.gemm_of", lambda _: None)
    elif gemm_of(np.dtype("float32")) is None:
        pytest.skip("this build of NumPy does not show it")
    return request.param


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("samples", [1, 3, 100, 40_000])
def test_affine_and_its_gradients_in_one_call_of_compiled_code_or_in_several(gemm, samples, dtype):
    rng = np.random.default_rng(0)
    shapes = [(samples, 5), (5, 3), (3,), (samples, 3)]
    x, W, b, dout = (rng.standard_normal(shape).astype(dtype) for shape in shapes)
    tape = Tape()

    with kernels.only("numba"), tape.recording():
        y, y_relu = ops.affine(x, W, b), affine_relu(x, W, b)
        dx, dW, db = ops.affine_backward(dout, x, W)
        only_dW, only_db = ops.affine_param_gradients(dout, x, W)

    wide_x, wide_dout = x.astype("longdouble"), dout.astype("longdouble")
    close = partial(np.testing.assert_allclose, rtol=0, atol=np.finfo(dtype).eps * (9 + samples))
    close(y, wide_x @ W + b)
    close(y_relu, np.maximum(wide_x @ W + b, 0))
    close(dx, wide_dout @ W.T)
    close(dW, wide_x.T @ dout)
    close(db, wide_dout.sum(axis=0))
    np.testing.assert_array_equal(only_dW, dW)
    np.testing.assert_array_equal(only_db, db)
    in_one = [products.affine, products.affine_relu, products.gradients, products.param_gradients]
    several = gemm is False or samples == 40_000
    assert several == ([function for function, _ in tape.calls] != in_one)


@pytest.mark.parametrize("special", [np.nan, np.inf, -np.inf])
def test_special_values_spread_in_compiled_code_as_in_a_product(special):
    x, W, b = np.ones((4, 3)), np.ones((3, 2)), np.zeros(2)
    x[1, 2], W[0, 1] = special, 0

    with kernels.only("numba"):
        found = ops.affine(x, W, b)
        gradients = ops.affine_backward(found, x, W)
    with kernels.disabled():
        np.testing.assert_array_equal(found, ops.affine(x, W, b))
        for gradient, expected in zip(gradients, ops.affine_backward(found, x, W), strict=True):
            np.testing.assert_array_equal(gradient, expected)


def test_a_label_that_changes_after_forward_is_never_an_address():
    layer, t = xpnet.SoftmaxWithLoss(), np.asarray([0, 1, 2])
    layer.forward(np.zeros((3, 4), dtype="float32"), t)
    t[0], t[1] = 10**15, -1

    dx = layer.backward()

    assert np.isnan(dx[:2]).all()
    np.testing.assert_allclose(dx[2], np.asarray([1, 1, -3, 1]) / 12, rtol=1e-6)


@pytest.mark.parametrize(
    ("call", "module"),
    [
        ("xpnet.softmax(np.ones((2, 3)))", "rows import softmax"),
        ("xpnet.ops.affine(*map(np.ones, [(2, 3), (3, 2), 2]))", "products import affine"),
    ],
)
def test_code_is_compiled_once_for_all_processes(call, module, tmp_path):
    if "products" in module and gemm_of(np.dtype("float64")) is None:
        pytest.skip("this build of NumPy shows no product for compiled code")
    code = (
        f"import numpy as np, xpnet; {call}\n"
        f"from xpnet.kernels.numba.{module} as kernel\n"
        "print(sum(kernel.stats.cache_hits.values()), sum(kernel.stats.cache_misses.values()))"
    )
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}

    def run():
        command = [sys.executable, "-c", code]
        return subprocess.run(
            command, capture_output=True, text=True, check=True, env=environment
        ).stdout.split()

    assert [run(), run()] == [["0", "1"], ["1", "0"]]
