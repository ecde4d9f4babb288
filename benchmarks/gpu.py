"""The whole visit to a machine with a GPU in one call: ``python -m benchmarks.gpu [FOLDER]``.

It runs the tests on CuPy, trains there, measures there, and writes all that was printed, with the
date, the GPU and the versions, to ``FOLDER/gpu-DATE.txt``; FOLDER is ``benchmarks/results`` unless
given. It needs no network: only CuPy with its CUDA libraries, pytest, hypothesis,
array-api-compat and array-api-strict, pytest-benchmark and threadpoolctl.
"""

from __future__ import annotations

import datetime
import os
import subprocess
import sys
import time
from pathlib import Path

import xpnet
from benchmarks import machine

RESULTS = Path(__file__).parent / "results"
SECONDS_PER_STEP = 240

PYTHON = [sys.executable, "-m"]
STEPS = {
    "what can be used": ["xpnet", "info"],
    "the tests on CuPy": ["pytest", "-q", "--xpnet-backends=cupy,numpy"],
    "the digits": ["xpnet", "train", "--backend", "cupy"],
    "the digits on NumPy, for comparison": ["xpnet", "train", "--backend", "numpy"],
    "MNIST": ["xpnet", "train", "--backend", "cupy", "--data", "mnist"],
    "the benchmarks": ["pytest", "-q", "benchmarks", "-k", "cupy or book"],
}


def main(folder: Path) -> int:
    """Take all steps, however one of them ends, and return how many failed."""
    backend = xpnet.set_backend("cupy")  # raises here if there is nothing to visit
    today = datetime.datetime.now(tz=datetime.UTC).date().isoformat()
    report = [f"{today}, {machine.device_name(backend)}", *machine.describe([backend])]
    failed = 0
    for title, command in STEPS.items():
        if title == "MNIST" and "XPNET_DATA" not in os.environ:
            report.append(f"\n== {title}: not run, XPNET_DATA is not set")
            continue
        status, seconds, output = _run(command)
        failed += status != 0
        report.append(f"\n== {title}: {' '.join(command)}\n{output}")
        report.append(f"== exit status {status} after {seconds:.0f} s")
        print(report[-2][-4000:], report[-1], sep="\n", flush=True)
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"gpu-{today}.txt"
    target.write_text("\n".join(report) + "\n", encoding="utf-8")
    print(f"{failed} of {len(STEPS)} steps failed; all of it is in {target}")
    return failed


def _run(command: list[str]) -> tuple[int, float, str]:
    start = time.monotonic()
    try:
        done = subprocess.run(
            PYTHON + command,
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS_PER_STEP,
        )
        status, output = done.returncode, done.stdout
    except subprocess.TimeoutExpired as late:
        status, output = -1, f"{late.stdout or ''}\nstopped after {SECONDS_PER_STEP} s"
    return status, time.monotonic() - start, output


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else RESULTS))
