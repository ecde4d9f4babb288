"""What is numba's own: an exponential that vectorises, and compiled code that is kept on disk."""

from __future__ import annotations

import ctypes
import os
import pkgutil
import platform
import re
import subprocess
import sys
from importlib import import_module

import numpy as np
import pytest

import xpnet
from xpnet.kernels.blas import gemm_of

WHY = "numba is not installed: run nox -s tests_backends"
numba = pytest.importorskip("numba", reason=WHY)
package = pytest.importorskip("xpnet.kernels.numba", reason=WHY)
intrinsics = pytest.importorskip("xpnet.kernels.numba.intrinsics", reason=WHY)
Dispatcher = import_module("numba.core.dispatcher").Dispatcher
NullCache = import_module("numba.core.caching").NullCache
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


@pytest.mark.skipif(
    platform.machine() not in ("x86_64", "AMD64"), reason="looks for instructions of x86-64"
)
@pytest.mark.parametrize(("dtype", "packed"), [("float32", "ps"), ("float64", "pd")])
def test_a_loop_of_exp_becomes_vectors(dtype, packed):
    again = numba.njit(exp_of.py_func)
    again(np.zeros(8, dtype), np.empty(8, dtype))

    (code,) = again.inspect_asm().values()

    # Packed moves are in any code; a packed product is in that of a vector only.
    assert re.search(rf"\bv?mul{packed}\b.*%[xyz]mm", code)


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


def test_a_label_that_changes_after_forward_is_never_an_address():
    layer, t = xpnet.SoftmaxWithLoss(), np.asarray([0, 1, 2])
    layer.forward(np.zeros((3, 4), dtype="float32"), t)
    t[0], t[1] = 10**15, -1

    dx = layer.backward()

    assert np.isnan(dx[:2]).all()
    np.testing.assert_allclose(dx[2], np.asarray([1, 1, -3, 1]) / 12, rtol=1e-6)


def compiled_functions():
    """Give the name of each function that numba compiles for the kernels, and its dispatcher."""
    for info in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        module = import_module(info.name)
        for name, member in vars(module).items():
            if isinstance(member, Dispatcher) and member.py_func.__module__ == module.__name__:
                yield f"{info.name.removeprefix(package.__name__)[1:]}.{name}", member


COMPILED = dict(compiled_functions())
each_compiled = pytest.mark.parametrize("name", COMPILED)
# Why it cannot be is said there.
NOT_KEPT = {"pieces.pieces"}
# Whether the interpreter's lock is held is for the compiled function to say that calls these.
ONLY_CALLED_BY_COMPILED_CODE = {"pieces.pieces", "pieces._word", "pieces._rest"}


def test_the_modules_of_all_kernels_have_compiled_functions():
    modules = {name.partition(".")[0] for name in COMPILED}

    expected = {"elementwise", "philox", "pieces", "products", "rows", "streaming", "updates"}
    assert modules == expected
    assert COMPILED.keys() >= {"rows._sum", "rows.softmax", "updates.adam", *NOT_KEPT}


@each_compiled
def test_compiled_code_is_kept_on_disk(name):
    kept = not isinstance(COMPILED[name]._cache, NullCache)

    assert kept == (name not in NOT_KEPT)


@each_compiled
def test_compiled_code_runs_without_the_lock_of_the_interpreter(name):
    without = COMPILED[name].targetoptions.get("nogil", False)

    assert without == (name not in ONLY_CALLED_BY_COMPILED_CODE)


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
