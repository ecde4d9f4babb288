"""Which kernel runs, and how to say that none shall."""

from __future__ import annotations

import subprocess
import sys
import threading

import numpy as np
import pytest

import xpnet
from xpnet import dispatch, kernels, ops
from xpnet.backend import resolve_backend
from xpnet.backends import Adapter
from xpnet.dispatch import providers_of
from xpnet.ops.op import OPS

X = np.asarray([[1.0, 2.0]], dtype="float32")


def providers(ran):
    return [kernel.provider for kernel in ran]


def test_only_and_disabled_hold_in_their_block_and_end_with_it():
    with kernels.watch() as ran:
        xpnet.softmax(X)
        with kernels.only("numpy"):
            xpnet.softmax(X)
            with kernels.disabled():
                xpnet.softmax(X)
            xpnet.softmax(X)
        with pytest.raises(ZeroDivisionError), kernels.disabled():
            raise ZeroDivisionError
        xpnet.softmax(X)

    usual = providers(ran)[0]
    assert providers(ran) == [usual, "numpy", "numpy", usual]


def test_another_thread_does_not_see_the_block():
    seen = []

    def run():
        with kernels.watch() as ran:
            xpnet.softmax(X)
        seen.extend(providers(ran))

    with kernels.disabled():
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()

    assert len(seen) == 1


def test_a_layer_runs_the_kernels_of_its_ops():
    layer = xpnet.Affine(np.ones((2, 3), dtype="float32"), np.ones(3, dtype="float32"))

    with kernels.only("numpy"), kernels.watch() as ran:
        layer.forward(X)
        layer.backward(np.ones((1, 3), dtype="float32"))

    assert [kernel.op for kernel in ran] == ["affine", "affine_backward"]


@pytest.mark.parametrize("library", ["numpy", "array_api_strict"])
def test_a_layer_looks_for_kernels_in_its_first_calls_alone(library, monkeypatch):
    pytest.importorskip(library)
    lookups = []

    def counted(adapter):
        lookups.append(adapter.name)
        return providers_of(adapter)

    monkeypatch.setattr(dispatch, "providers_of", counted)
    for op in (ops.affine, ops.affine_backward):
        op.declaration.kernels.at_once.clear()
        op.declaration.kernels.after_checks.clear()
    x, W, b, dout = (
        xpnet.asarray(np.ones(shape), xp=library) for shape in [(1, 2), (2, 3), 3, (1, 3)]
    )
    layer, counts = xpnet.Affine(W, b), []

    for _ in range(4):
        layer.forward(x)
        layer.backward(dout)
        counts.append(len(lookups))

    # Where there are kernels they answer at once. Else an op asks again after its checks.
    assert counts == [2 if library == "numpy" else 4] * 4
    assert set(lookups) == {library}


def test_float16_has_no_kernel_and_the_op_runs():
    with kernels.watch() as ran:
        y = xpnet.softmax(X.astype("float16"))

    assert ran == []
    assert y.dtype == np.float16


def in_a_new_process(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**__import__("os").environ, **environment},
    )


WHICH = """
import numpy as np, xpnet
with xpnet.kernels.watch() as ran:
    xpnet.softmax(np.ones((1, 2)))
print([kernel.provider for kernel in ran])
"""


@pytest.mark.parametrize(("value", "expected"), [("off", "[]"), ("numpy", "['numpy']")])
def test_the_environment_chooses_for_the_whole_process(value, expected):
    run = in_a_new_process(WHICH, XPNET_KERNELS=value)

    assert (run.stdout.strip(), run.stderr) == (expected, "")


def test_a_wrong_name_in_the_environment_is_an_error_that_lists_the_right_ones():
    run = in_a_new_process(WHICH, XPNET_KERNELS="numbra")

    assert "ValueError: XPNET_KERNELS is 'numbra'; it must be off, or some of numpy, numba" in (
        run.stderr
    )


def test_without_numba_its_kernels_are_missing_with_the_reason_and_numpys_run():
    code = (
        "import sys; sys.modules['numba'] = None"
        + WHICH
        + (
            "from xpnet.dispatch import providers_of\n"
            "from xpnet.backends import adapter_by_name\n"
            "print(providers_of(adapter_by_name('numpy'))[0].reason)"
        )
    )

    run = in_a_new_process(code)

    ran, reason = run.stdout.splitlines()
    assert ran == "['numpy']"
    assert reason == 'numba is not installed; install it with: pip install "xpnet[numba]"'


def test_import_xpnet_and_a_net_import_no_numba():
    run = in_a_new_process(
        "import sys, xpnet; xpnet.TwoLayerNet(4, 3, 2); print('numba' in sys.modules)"
    )

    assert run.stdout.strip() == "False"


def test_a_library_without_kernels_uses_the_generic_ops():
    class Plain(Adapter):
        module = "array_api_strict"

    assert providers_of(Plain()) == ()


def test_an_op_without_kernels_gets_none(monkeypatch):
    monkeypatch.setattr(dispatch, "_ALL", {})  # where all kernels of ops are noted
    kernels_of_none = dispatch.Kernels("an_op_of_ones_own")

    assert kernels_of_none.ask_all(X, X, X) is None
    assert kernels_of_none.ask(X, X, X, checks_itself=True) is None


def test_every_kernel_is_of_an_op_that_exists():
    for name, status in xpnet.available_backends().items():
        if status.available:
            for provider in providers_of(resolve_backend(name).adapter):
                assert provider.kernels.keys() <= OPS.keys()


def test_without_a_folder_for_compiled_code_numbas_kernels_are_missing_with_the_reason():
    code = (
        "import numba.core.caching as caching\n"
        "def refuse(path): raise OSError('read-only file system')\n"
        "for kind in caching.CacheImpl._locator_classes:\n"
        "    kind.ensure_cache_path = refuse"
        + WHICH
        + (
            "from xpnet.dispatch import providers_of\n"
            "from xpnet.backends import adapter_by_name\n"
            "print(providers_of(adapter_by_name('numpy'))[0].reason)"
        )
    )
    pytest.importorskip("numba", reason="numba is not installed: run nox -s tests_backends")

    run = in_a_new_process(code)

    ran, reason = run.stdout.splitlines()
    assert ran == "['numpy']"
    assert "no locator available" in reason
