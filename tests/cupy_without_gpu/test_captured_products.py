"""A step that becomes a CUDA graph multiplies with xpnet's own cuBLAS handle alone.

CuPy refuses its own while a stream is captured. Here the stand-ins write down who multiplies, and
the CUDA kernels run on the CPU.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pytest
from cuda_on_cpu import CPU

import xpnet
from xpnet.arrays import array_namespace
from xpnet.compiled.graphed import GraphedSteps
from xpnet.dispatch import Kernels, only
from xpnet.kernels.cuda import products
from xpnet.kernels.cuda.registered import registered

CURRENT = 7  # the address of the stream that work goes to


class Stream:
    """Knows whether it is captured; the events of others are of no interest here."""

    ptr = CURRENT
    is_captured = False
    captures = 0

    def __init__(self, **_) -> None:
        pass

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_) -> None:
        pass

    def begin_capture(self) -> None:
        Stream.is_captured = True
        Stream.captures += 1

    def end_capture(self) -> None:
        Stream.is_captured = False

    def synchronize(self) -> None:
        pass


@pytest.fixture
def who_multiplied(cpu: CPU, monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[tuple[str, str]]]:
    """Put the kernels for CuPy and stand-ins for CuPy in place, and count by whom and when."""
    counted: Counter[tuple[str, str]] = Counter()
    table = registered(cpu)
    xp = array_namespace(np.zeros(1))
    matmul = xp.matmul

    def note(who: str) -> None:
        counted[who, "captured" if Stream.is_captured else "not captured"] += 1

    def matmul_of_cupy(a, b, /, **settings):
        note("CuPy")
        return matmul(a, b, **settings)

    def matmul_of_handle(a, b, out, stream) -> None:
        note("own handle")
        assert stream == CURRENT
        matmul(a, b, out=out)

    def ask(kernels: Kernels, _array, *args, checks_itself, **settings):
        kernel = table.get(kernels.op) if checks_itself else None  # each is asked once
        return None if kernel is None else kernel(*args, **settings)

    cuda = SimpleNamespace(
        MemoryPool=lambda: SimpleNamespace(malloc=None),
        Stream=Stream,
        get_current_stream=Stream,
        using_allocator=nullcontext,
    )
    monkeypatch.setitem(sys.modules, "cupy", SimpleNamespace(cuda=cuda))
    monkeypatch.setattr(Stream, "captures", 0)
    monkeypatch.setattr(xp, "matmul", matmul_of_cupy)
    by_address = import_module("xpnet.kernels.cuda.registered")
    monkeypatch.setattr(by_address, "_overlap", np.may_share_memory)
    monkeypatch.setattr(products, "device_of", lambda _: SimpleNamespace(id=0))
    monkeypatch.setattr(products, "cublas_of", lambda _: SimpleNamespace(matmul=matmul_of_handle))
    monkeypatch.setattr(Kernels, "ask", ask)
    with only("cuda"):  # else an op would call NumPy's own at once
        yield counted


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("make_optimizer", [xpnet.SGD, xpnet.Adam])
def test_every_product_of_a_captured_step_is_that_of_the_own_handle(
    make_optimizer, dtype, who_multiplied
) -> None:
    rng = np.random.default_rng(0)
    x, t = rng.standard_normal((8, 6)).astype(dtype), rng.integers(0, 4, 8)
    with xpnet.use_backend("numpy", dtype=dtype):
        step = GraphedSteps(xpnet.TwoLayerNet(6, 5, 4, seed=0), make_optimizer())
        step(x, t)  # eager, and then captured

    assert Stream.captures == 1
    # Forward, W and b of both layers, and dx of the second.
    each_step = 2 + 2 * 2 + 1
    assert who_multiplied == {
        ("CuPy", "not captured"): each_step,
        ("own handle", "not captured"): 2 * each_step,  # to warm up
        ("own handle", "captured"): each_step,
    }


def test_products_are_those_of_cupy_again_after_an_error(who_multiplied) -> None:
    a, b, out = (np.ones((2, 2)) for _ in range(3))
    with pytest.raises(ZeroDivisionError), products.capturable_products():
        raise ZeroDivisionError
    products.product(a, b, out)

    assert who_multiplied == {("CuPy", "not captured"): 1}
