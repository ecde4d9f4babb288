"""Products in parts, on NumPy alone and with numba: when there are any, and that they are right."""

from __future__ import annotations

import os
import subprocess
import sys
import weakref
from threading import Thread

import numpy as np
import pytest
from kernels.affine_maps import arguments, assert_as_special, assert_right, computed, each_dtype

from xpnet.kernels import parts
from xpnet.kernels.blas import gemm_batch_of
from xpnet.kernels.parts import Multiplier, parts_of_backward, parts_of_forward

if not gemm_batch_of(np.dtype("float32")):
    pytest.skip("this build of NumPy does not show its products", allow_module_level=True)


@pytest.fixture(params=["numpy", "numba"])
def provider(request):
    if request.param == "numba":
        pytest.importorskip("numba", reason="numba is not installed: run nox -s tests_backends")
    return request.param


@pytest.fixture
def threads(monkeypatch):
    """Return a function that pretends that BLAS has so many threads."""
    return lambda count: monkeypatch.setattr(parts, "usual_thread_count", lambda: count)


def are_in_parts(functions):
    """Return for each function that was called whether it computes a product in parts."""
    return [
        isinstance(function, Multiplier) or function.__name__.endswith("_in_parts")
        for function in functions
    ]


@each_dtype
@pytest.mark.parametrize("count", [2, 3, 4])
@pytest.mark.parametrize(
    "shape",
    [
        (100, 784, 81),
        (101, 785, 79),
        (16, 4001, 97),
        # Samples are divided, for there are not so many more inputs.
        (1801, 33, 101),
        (201, 803, 40),
    ],
    ids=str,
)
def test_large_products_are_computed_in_parts(provider, threads, shape, count, dtype):
    arrays = arguments(*shape, dtype)
    threads(count)

    results, called = computed(provider, *arrays)

    x, W, _, dout = arrays
    assert parts_of_forward(x, W).size == count
    assert parts_of_forward(x, W).are_sums is (shape[1] >= 4 * shape[0])
    assert [each.size for each in parts_of_backward(dout, x)] == [count, count]
    # Four functions, of which backward has two products.
    assert sum(are_in_parts(called)) >= 4
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
def test_other_products_are_left_to_blas_as_a_whole(provider, threads, count, shape):
    arrays = arguments(*shape, "float32")
    threads(count)

    results, called = computed(provider, *arrays)

    assert not any(are_in_parts(called))
    assert_right(results, *arrays)


def test_where_numpy_shows_no_batch_there_are_no_parts(provider, threads, monkeypatch):
    monkeypatch.setattr(parts, "gemm_batch_of", lambda _: None)
    arrays = arguments(100, 784, 50, "float32")
    threads(2)

    results, called = computed(provider, *arrays)

    assert not any(are_in_parts(called))
    assert_right(results, *arrays)


@pytest.mark.parametrize("special", [np.nan, np.inf, -np.inf])
def test_special_values_spread_as_in_a_product(provider, threads, special):
    arrays = x, W, _, dout = arguments(100, 784, 50, "float64")
    x[1, 2], W[0, 1], dout[2, 0] = special, 0, special
    threads(2)

    results, called = computed(provider, *arrays)

    assert any(are_in_parts(called))
    assert_as_special(results, *arrays)


def test_a_batch_that_is_read_only_is_taken(provider, threads):
    arrays = arguments(100, 784, 50, "float32")
    arrays[0].flags.writeable = False
    threads(2)

    results, called = computed(provider, *arrays)

    assert any(are_in_parts(called))
    assert_right(results, *arrays)


def test_a_multiplier_takes_other_matrices_after_the_first(threads):
    threads(2)
    x, W, _, dout = arguments(200, 401, 80, "float64")
    in_parts, product = parts_of_forward(x, W), np.empty((200, 80))
    multiply = Multiplier(in_parts, x.dtype)
    multiply(x, W, product)
    np.testing.assert_allclose(product, x @ W, rtol=1e-9, atol=1e-9)

    multiply(-x, W, product)
    np.testing.assert_allclose(product, -x @ W, rtol=1e-9, atol=1e-9)

    multiply(x, W, other := np.empty_like(dout))
    np.testing.assert_allclose(other, x @ W, rtol=1e-9, atol=1e-9)


def test_after_an_interrupt_between_addresses_they_are_found_again(threads):
    threads(2)
    x, W, _, dout = arguments(200, 401, 80, "float64")
    other = -x
    multiply = Multiplier(parts_of_forward(x, W), x.dtype)
    multiply(x, W, dout)

    class Interrupted:
        """Addresses, of which the first alone is written."""

        def __setitem__(self, part, address):
            if part > 0:
                raise KeyboardInterrupt
            addresses[part] = address

    addresses, multiply._addresses = multiply._addresses, Interrupted()
    with pytest.raises(KeyboardInterrupt):
        multiply(other, W, dout)
    multiply._addresses = addresses

    for matrix in (x, other):
        multiply(matrix, W, dout)
        np.testing.assert_allclose(dout, matrix @ W, rtol=1e-9, atol=1e-9)


def test_a_plan_lives_as_long_as_its_multiplier(threads):
    threads(2)
    x, _, _, dout = arguments(100, 784, 50, "float32")
    plans = parts_of_backward(dout, x)
    memory = weakref.ref(plans[1].plan[0].base)
    multiply = Multiplier(plans[1], x.dtype)

    del plans
    parts._parts_of_backward.cache_clear()
    assert memory() is not None

    del multiply
    assert memory() is None


def test_several_threads_may_multiply_in_parts_at_the_same_time(provider, threads):
    arrays = arguments(100, 784, 50, "float32")
    threads(2)
    expected, _ = computed(provider, *arrays)
    differing = []

    def compute():
        for _ in range(50):
            results, _ = computed(provider, *arrays)
            differing.extend(not (a == b).all() for a, b in zip(results, expected, strict=True))

    at_work = [Thread(target=compute) for _ in range(4)]
    for thread in at_work:
        thread.start()
    for thread in at_work:
        thread.join()

    assert len(differing) == 4 * 50 * 5
    assert not any(differing)


FORK = """
import os, signal, sys
import numpy as np, xpnet
x, W, b = np.ones((100, 784)), np.ones((784, 50)), np.zeros(50)
with xpnet.kernels.only(sys.argv[1]):
    parent = xpnet.ops.affine(x, W, b)
    if os.fork() == 0:
        signal.alarm(60)
        os._exit(0 if (xpnet.ops.affine(x, W, b) == parent).all() else 1)
print(os.waitpid(-1, 0)[1])
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_process_that_was_forked_multiplies_in_parts_too(provider):
    # In an interpreter of its own, because forking one with threads is deprecated.
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "2"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORK, provider],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
        timeout=120,
    )
    assert done.stdout == "0\n"
