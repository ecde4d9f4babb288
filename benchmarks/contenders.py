"""Who competes on the CPU; the order is that of the rows."""

from __future__ import annotations

from benchmarks.rivals.sklearn import Sklearn
from benchmarks.rivals.thinc import Thinc
from benchmarks.rivals.torch_compile import TorchCompile
from xpnet.bench.book import Book
from xpnet.bench.contender import Contender
from xpnet.bench.limit import Limit
from xpnet.bench.own import Compiled, Eager, numpy_contenders
from xpnet.bench.rivals.jax import Jax
from xpnet.bench.rivals.torch import Torch


def all_contenders() -> list[Contender]:
    return [
        Limit(),
        Book("float64"),
        Book("float32"),
        Torch(),
        TorchCompile(),
        Jax(),
        Thinc(),
        Sklearn(),
        *numpy_contenders(),
        *(kind(backend) for backend in ("torch", "jax") for kind in (Eager, Compiled)),
    ]
