"""The affine map and its gradients on numba: by one product, by parts, or as on NumPy."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from threading import Thread

import numpy as np
import pytest

from xpnet import kernels, ops
from xpnet.kernels.blas import gemm_batch_of, gemm_of
from xpnet.kernels.tape import Tape
from xpnet.ops.affine import affine_relu

WHY = "numba is not installed: run nox -s tests_backends"
pytest.importorskip("numba", reason=WHY)
products = pytest.importorskip("xpnet.kernels.numba.products", reason=WHY)

if not gemm_of(np.dtype("float32")) or not gemm_batch_of(np.dtype("float32")):
    pytest.skip("this build of NumPy does not show its products", allow_module_level=True)

each_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])
WHERE = "xpnet.kernels.numba.affine"
AT_ONCE = [products.affine, products.affine_relu, products.gradients, products.param_gradients]
IN_PARTS = [
    products.affine_in_parts,
    products.affine_relu_in_parts,
    products.gradients_in_parts,
    products.param_gradients_in_parts,
]


@pytest.fixture
def threads(monkeypatch):
    """Return a function that pretends that BLAS has so many threads."""
    return lambda count: monkeypatch.setattr(f"{WHERE}.blas_thread_count", lambda: count)


def arguments(samples, inputs, outputs, dtype):
    rng = np.random.default_rng(0)
    shapes = [(samples, inputs), (inputs, outputs), (outputs,), (samples, outputs)]
    return [rng.standard_normal(shape).astype(dtype) for shape in shapes]


def computed(x, W, b, dout):
    """Return all results, and the functions that were called for them."""
    tape = Tape()
    with kernels.only("numba"), tape.recording():
        y, y_relu = ops.affine(x, W, b), affine_relu(x, W, b)
        dx, dW, db = ops.affine_backward(dout, x, W)
        only_dW, only_db = ops.affine_param_gradients(dout, x, W)
    np.testing.assert_array_equal(only_dW, dW)
    np.testing.assert_array_equal(only_db, db)
    return (y, y_relu, dx, dW, db), [function for function, _ in tape.calls]


def assert_right(results, x, W, b, dout):
    y, y_relu, dx, dW, db = results
    wide = partial(np.asarray, dtype="longdouble")
    exact = wide(x) @ W + b
    assert_near(y, exact, abs(x) @ abs(W))
    assert_near(y_relu, np.maximum(exact, 0), abs(x) @ abs(W))
    assert_near(dx, wide(dout) @ W.T, abs(dout) @ abs(W.T))
    assert_near(dW, wide(x).T @ dout, abs(x.T) @ abs(dout))
    assert_near(db, wide(dout).sum(axis=0), abs(dout).sum(axis=0))


def assert_near(found, exact, size_of_terms):
    assert (abs(found - exact) <= 4 * np.finfo(found.dtype).eps * (1 + size_of_terms)).all()


@each_dtype
@pytest.mark.parametrize("samples", [1, 3, 100])
def test_a_small_one_is_one_call_each(samples, dtype):
    arrays = arguments(samples, 5, 3, dtype)

    results, called = computed(*arrays)

    assert called == AT_ONCE
    assert_right(results, *arrays)


@each_dtype
@pytest.mark.parametrize("count", [2, 3, 4])
@pytest.mark.parametrize("shape", [(100, 784, 81), (101, 785, 79), (16, 4001, 97)], ids=str)
def test_a_large_one_is_computed_in_parts(threads, shape, count, dtype):
    arrays = arguments(*shape, dtype)
    threads(count)

    results, called = computed(*arrays)

    assert called == IN_PARTS
    assert_right(results, *arrays)


@each_dtype
@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("shape", [(1501, 33, 101), (201, 803, 40)], ids=str)
def test_samples_are_divided_unless_there_are_many_inputs(threads, shape, count, dtype):
    arrays = arguments(*shape, dtype)
    threads(count)

    results, called = computed(*arrays)

    assert called.count(products.multiply_samples_in_parts) == 2
    assert called[-2:] == IN_PARTS[-2:]
    assert_right(results, *arrays)


@pytest.mark.parametrize(
    ("count", "shape"),
    [
        (1, (100, 784, 50)),  # nobody to share with
        (5, (100, 784, 100)),  # more threads than were measured
        (2, (100, 300, 99)),  # too little work
        (3, (100, 784, 57)),  # too little for three
        (2, (15, 4000, 60)),  # too few samples
        (2, (10_000, 31, 10)),  # too few inputs
    ],
)
def test_other_products_are_left_to_blas_as_a_whole(threads, count, shape):
    arrays = arguments(*shape, "float32")
    threads(count)

    results, called = computed(*arrays)

    assert called == AT_ONCE
    assert_right(results, *arrays)


@pytest.mark.parametrize("shape", [(3, 5, 3), (100, 784, 50), (40_000, 5, 3)], ids=str)
def test_where_numpy_shows_no_product_it_multiplies_itself(monkeypatch, shape):
    monkeypatch.setattr(f"{WHERE}.gemm_of", lambda _: None)
    monkeypatch.setattr(f"{WHERE}.gemm_batch_of", lambda _: None)
    arrays = arguments(*shape, "float32")

    results, called = computed(*arrays)

    assert not {*called} & {*AT_ONCE, *IN_PARTS}
    assert_right(results, *arrays)


@pytest.mark.parametrize("special", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("shape", [(4, 3, 2), (100, 784, 50)], ids=str)
def test_special_values_spread_as_in_a_product(threads, shape, special):
    x, W, b, dout = arguments(*shape, "float64")
    x[1, 2], W[0, 1], dout[2, 0] = special, 0, special
    threads(2)

    (y, _, dx, dW, db), called = computed(x, W, b, dout)

    assert called == (AT_ONCE if shape[0] == 4 else IN_PARTS)
    with kernels.disabled():
        expected = ops.affine(x, W, b), *ops.affine_backward(dout, x, W)
    for found, truth in zip((y, dx, dW, db), expected, strict=True):
        finite = np.isfinite(truth)
        np.testing.assert_array_equal(found[~finite], truth[~finite])
        np.testing.assert_allclose(found[finite], truth[finite], rtol=1e-9, atol=1e-9)


def test_several_threads_may_multiply_in_parts_at_the_same_time(threads):
    arrays = arguments(100, 784, 50, "float32")
    threads(2)
    expected, _ = computed(*arrays)
    differing = []

    def compute():
        for _ in range(50):
            results, _ = computed(*arrays)
            differing.extend(not (a == b).all() for a, b in zip(results, expected, strict=True))

    at_work = [Thread(target=compute) for _ in range(4)]
    for thread in at_work:
        thread.start()
    for thread in at_work:
        thread.join()

    assert len(differing) == 4 * 50 * 5
    assert not any(differing)


FORK = """
import os, signal
import numpy as np, xpnet
x, W, b = np.ones((100, 784)), np.ones((784, 50)), np.zeros(50)
parent = xpnet.ops.affine(x, W, b)
if os.fork() == 0:
    signal.alarm(60)
    os._exit(0 if (xpnet.ops.affine(x, W, b) == parent).all() else 1)
print(os.waitpid(-1, 0)[1])
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_process_that_was_forked_multiplies_in_parts_too():
    # In an interpreter of its own, because forking one with threads is deprecated.
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "2"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORK],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
        timeout=120,
    )
    assert done.stdout == "0\n"
