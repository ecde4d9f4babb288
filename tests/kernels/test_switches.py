"""What the environment can switch off in numba and JAX: ops then run in another way."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from kernels.arguments import WITH_ARGUMENTS, arguments, call, labels_of

import xpnet
from xpnet import kernels, ops


def run(code, **environment):
    done = subprocess.run(
        [sys.executable, *code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


SOFTMAX = """
import sys, numpy as np, xpnet
x = xpnet.asarray(np.zeros((1, 2)), xp=sys.argv[1])
with xpnet.kernels.watch() as ran:
    print(*xpnet.to_numpy(xpnet.softmax(x))[0], *(kernel.provider for kernel in ran))
"""


def test_without_numbas_compiler_numpys_kernels_run():
    pytest.importorskip("numba", reason="numba is not installed: run nox -s tests_backends")

    assert run(["-c", SOFTMAX, "numpy"], NUMBA_DISABLE_JIT="1").split() == ["0.5", "0.5", "numpy"]
    told = " ".join(run(["-m", "xpnet", "info"], NUMBA_DISABLE_JIT="1").split())
    assert "no kernels of numba: numba compiles nothing, for NUMBA_DISABLE_JIT is set" in told


def test_without_jaxs_compiler_the_generic_ops_run():
    pytest.importorskip("jax")

    assert run(["-c", SOFTMAX, "jax"], JAX_DISABLE_JIT="1").split() == ["0.5", "0.5"]
    told = " ".join(run(["-m", "xpnet", "info"], JAX_DISABLE_JIT="1").split())
    assert "kernels of jax: none of them runs: JAX_DISABLE_JIT is set" in told


def test_numba_that_cannot_be_imported_is_not_called_missing(tmp_path):
    (tmp_path / "numba.py").write_text("raise ImportError('Numba needs another NumPy')")
    path = os.pathsep.join([str(tmp_path), *sys.path[1:]])

    assert run(["-c", SOFTMAX, "numpy"], PYTHONPATH=path).split() == ["0.5", "0.5", "numpy"]
    told = " ".join(run(["-m", "xpnet", "info"], PYTHONPATH=path).split())
    assert "no kernels of numba: Numba needs another NumPy" in told


def on_jax(args):
    return [xpnet.asarray(a, xp="jax") if isinstance(a, np.ndarray) else a for a in args]


def as_tuple(result):
    return result if isinstance(result, tuple) else (result,)


@pytest.mark.parametrize(
    ("op", "labels"), [(op, labels) for op in WITH_ARGUMENTS for labels in labels_of(op)]
)
def test_each_op_runs_where_jax_compiles_nothing_and_takes_no_other_rank(op, labels):
    jax = pytest.importorskip("jax")
    rng = np.random.default_rng(0)
    args = on_jax(arguments(op, labels, rng.standard_normal((5, 7), dtype="float32"), rng))
    expected = as_tuple(call(op, *args))

    with jax.disable_jit(), kernels.watch() as ran:
        interpreted = as_tuple(call(op, *args))
    with jax.numpy_rank_promotion("raise"):
        strict = as_tuple(call(op, *args))
        with kernels.disabled():
            generic = as_tuple(call(op, *args))

    assert ran == []
    for found in (interpreted, strict, generic):
        for array, truth in zip(found, expected, strict=True):
            np.testing.assert_allclose(array, truth, rtol=1e-5, atol=1e-6)


def test_sums_and_products_broadcast_where_jax_takes_no_other_rank():
    jax = pytest.importorskip("jax")
    x, y = on_jax([np.ones((2, 3), "float32"), np.full(3, 2, "float32")])

    with jax.numpy_rank_promotion("raise"):
        assert ops.add(x, y).tolist() == [[3, 3, 3]] * 2
        assert ops.mul(y, x).tolist() == [[2, 2, 2]] * 2
        dx, dy = ops.mul_backward(x, x, y)

    assert (dx.tolist(), dy.tolist()) == ([[2, 2, 2]] * 2, [2, 2, 2])


@pytest.mark.parametrize("switch", ["nothing compiled", "ranks"])
def test_a_compiled_step_on_jax_is_the_eager_step_whatever_is_switched_off(switch):
    jax = pytest.importorskip("jax")
    x, t = on_jax([np.ones((4, 3), "float32"), np.asarray([0, 1, 1, 0], "int32")])

    def trained():
        with xpnet.use_backend("jax"):
            net = xpnet.TwoLayerNet(3, 5, 2, seed=0)
        step = xpnet.compile(net, xpnet.SGD(0.5))
        return [float(step(x, t)) for _ in range(3)]

    expected = trained()
    with jax.disable_jit() if switch == "nothing compiled" else jax.numpy_rank_promotion("raise"):
        np.testing.assert_allclose(trained(), expected, rtol=1e-5)
