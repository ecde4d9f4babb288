"""The whole visit to a machine with a GPU in one call: ``python -m benchmarks.gpu [FOLDER]``.

Correctness first: it runs the tests on CuPy and trains there; then it measures. All of it goes to
``FOLDER/gpu-DATE.json``, with the GPU, its driver and the versions; FOLDER is
``benchmarks/results`` unless given. Without a GPU it fails at once. It needs no network: only
CuPy with its CUDA libraries, pytest, hypothesis, array-api-compat and array-api-strict, and for
the rivals' rows PyTorch with CUDA.

``--stand-in`` runs the measuring part on NumPy at tiny shapes, to see that the script works.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import xpnet
from benchmarks import results
from benchmarks.rivals.cuda import contenders
from xpnet.bench import machine
from xpnet.bench.measure import measure, prepare
from xpnet.bench.record import Record, record
from xpnet.bench.table import block
from xpnet.bench.workloads import (
    AffineForward,
    AffineForwardBackward,
    LossBackward,
    Softmax,
    Step,
    Workload,
)

_ELEMENTS = 2**25  # 128 MB in float32: more than any cache of a GPU
_ROWS = (1024, 1025, 2048, 4096, 8192, 16384, 32768)
WORKLOADS: list[Workload] = [
    *(Softmax(_ELEMENTS // C, C) for C in _ROWS),
    *(LossBackward(_ELEMENTS // C, C) for C in _ROWS),
    AffineForward(4096, 4096, 4096),
    AffineForwardBackward(4096, 4096, 4096),
    Step(100, 784, 50, 10),
    Step(128, 784, 512, 10),
    Step(512, 784, 4096, 10),
]
STAND_IN: list[Workload] = [
    Softmax(8, 10),
    LossBackward(8, 10),
    AffineForwardBackward(8, 8, 8),
    Step(8, 16, 8, 10),
]
SECONDS = 1.0  # for each contender of a workload
BURST = 20  # a launch costs microseconds, and training does not wait for each

SECONDS_PER_COMMAND = 240
COMMANDS = {
    "what can be used": ["xpnet", "info"],
    "the tests on CuPy": ["pytest", "-q", "--xpnet-backends=cupy,numpy"],
    "the digits": ["xpnet", "train", "--backend", "cupy"],
    "the digits on NumPy, for comparison": ["xpnet", "train", "--backend", "numpy"],
    "MNIST": ["xpnet", "train", "--backend", "cupy", "--data", "mnist"],
}


def main() -> int:
    options = _options()
    if options.stand_in:
        records, failures = comparison("numpy", STAND_IN, seconds=0.01)
        results.save(options.folder / "gpu-stand-in.json", records, failures=failures)
        return len(failures)
    backend = xpnet.set_backend("cupy")  # raises here if there is nothing to visit
    path = options.folder / results.dated("gpu").name
    gpu = {"gpu": machine.device_name(backend), "driver": _driver()}
    commands: list[dict[str, Any]] = []
    for title, command in COMMANDS.items():
        commands.append(_run(title, command))
        results.save(path, [], **gpu, commands=commands)  # whatever happens later
    records, failures = comparison("cupy", WORKLOADS, SECONDS)
    results.save(path, records, **gpu, commands=commands, failures=failures)
    failed = [done["title"] for done in commands if done["status"] not in (0, "not run")]
    print(f"failed: {', '.join([*failed, *failures]) or 'nothing'}; all of it is in {path}")
    return len(failed) + len(failures)


def comparison(
    backend: str, workloads: Iterable[Workload], seconds: float
) -> tuple[list[Record], dict[str, str]]:
    """Return the figures, and what went wrong by workload and contender."""
    records, failures = [], {}
    for workload in workloads:
        everybody = contenders(backend)
        field = prepare(workload, everybody, BURST)
        failures |= {f"{workload}: {name}": repr(e) for name, e in field.failures.items()}
        times = measure(field, seconds * len(field.entries))
        records.append(record(workload, everybody, times, field.missing))
        print(block(records[-1]), *field.failures.values(), sep="\n", flush=True)
    return records, failures


def _run(title: str, command: list[str]) -> dict[str, Any]:
    if title == "MNIST" and "XPNET_DATA" not in os.environ:
        return {"title": title, "status": "not run", "why": "XPNET_DATA is not set"}
    start = time.monotonic()
    try:
        done = subprocess.run(
            [sys.executable, "-m", *command],
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS_PER_COMMAND,
        )
        status, output = done.returncode, done.stdout
    except subprocess.TimeoutExpired as late:
        status, output = -1, f"{late.stdout or ''}\nstopped after {SECONDS_PER_COMMAND} s"
    print(f"== {title}: exit status {status}\n{output[-4000:]}", flush=True)
    return {
        "title": title,
        "command": " ".join(command),
        "status": status,
        "seconds": round(time.monotonic() - start),
        "output": output.splitlines(),
    }


def _driver() -> dict[str, int]:
    import cupy

    runtime = cupy.cuda.runtime
    return {"driver": runtime.driverGetVersion(), "runtime": runtime.runtimeGetVersion()}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=results.FOLDER)
    parser.add_argument("--stand-in", action="store_true", help="NumPy in place of a GPU")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
