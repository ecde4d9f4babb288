"""The short form, for a user's own machine: a few workloads, xpnet, and whoever is installed."""

from __future__ import annotations

import time
from collections.abc import Callable

from xpnet.backend import Backend
from xpnet.bench import machine
from xpnet.bench.book import Book
from xpnet.bench.contender import Contender
from xpnet.bench.limit import Limit
from xpnet.bench.measure import measure, prepare
from xpnet.bench.own import Compiled, Eager
from xpnet.bench.record import record
from xpnet.bench.rivals.jax import Jax
from xpnet.bench.rivals.torch import Torch
from xpnet.bench.table import block
from xpnet.bench.workloads import AffineForwardBackward, LossBackward, Softmax, Step, Workload
from xpnet.progress import progress

__all__ = ["bench"]

_WORKLOADS: list[Workload] = [
    Softmax(1024, 1000),
    LossBackward(1024, 1000),
    AffineForwardBackward(512, 512, 512),
    Step(100, 784, 50, 10),
]
_BURST = 20  # a GPU is not waited for at each call


def bench(backend: Backend, seconds: float = 25.0) -> bool:
    """Print how fast a backend is here, beside plain NumPy and the libraries that are installed.

    All contenders of a workload have turns in the same rounds. Their results are verified first.

    Parameters
    ----------
    backend : Backend
        Which xpnet uses; it computes in float32.
    seconds : float
        About how long to measure; each contender has five turns anyway.

    Returns
    -------
    bool
        Whether all results were right.
    """
    contenders, burst = _contenders(backend)
    left_out: dict[str, str] = {}
    failures: dict[str, Exception] = {}
    blocks = []
    with progress(100, "measuring", unit="%") as line:
        for number, workload in enumerate(_WORKLOADS):
            field = prepare(workload, contenders, burst)
            share = seconds / len(_WORKLOADS)
            at_least = 100 * number / len(_WORKLOADS)
            times = measure(field, share, _by_time(line.update, at_least, share))
            blocks.append(block(record(workload, contenders, times, {})))
            left_out |= field.missing
            failures |= {f"{workload}, {name}": error for name, error in field.failures.items()}
    print(*machine.lines(machine.describe()), sep="\n")
    print("book: the computation of the book in plain NumPy. Times in microseconds.")
    print("/ book64: how many times as fast as book float64; and so on for the others.\n")
    print("\n\n".join(blocks))
    print(*(f"\nleft out: {name} ({reason})" for name, reason in left_out.items()), sep="")
    print(*(f"\nWRONG: {where}: {error}" for where, error in failures.items()), sep="")
    return not failures


def _contenders(backend: Backend) -> tuple[list[Contender], int]:
    """Return who takes part, and after how many calls a device is waited for."""
    books = [Book("float64"), Book("float32")]
    own = [kind(backend.name, backend.device_name) for kind in (Eager, Compiled)]
    if "cuda" in backend.device_name:
        return [*books, Torch("cuda"), *own], _BURST
    return [Limit(), *books, Torch(), Jax(), *own], 1


def _by_time(
    update: Callable[[int], object], percent: float, seconds: float
) -> Callable[[], object]:
    """Return what brings the progress line to where the clock is, within a workload's share."""
    start, shown = time.perf_counter(), round(percent)
    whole = 100 / len(_WORKLOADS)

    def after_turn() -> None:
        nonlocal shown
        passed = min((time.perf_counter() - start) / seconds, 1.0)
        now = round(percent + whole * passed)
        update(now - shown)
        shown = now

    return after_turn
