"""What a step takes beside busy processes: ``python -m benchmarks.busy``.

A net of seven layers is trained on the digits with the threads that BLAS has by default, and with
one, in new processes that take turns: first alone, then beside two that compute without end.
Threads that wait for each other within a product lose whole slices of time there.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack
from itertools import pairwise

import numpy as np

import xpnet
from xpnet.bench import machine

ROUNDS, SECONDS, BUSY = 5, 2.0, 2
HIDDEN = [50, 100, 200]
THREADS = {"default": {}, "one": {"OPENBLAS_NUM_THREADS": "1"}}


def milliseconds(hidden: int, seconds: float) -> float:
    """Return what a compiled step takes, the pauses that others cause among it."""
    sizes = [64, *6 * [hidden], 10]
    layers: list[xpnet.Layer] = []
    for seed, (inputs, outputs) in enumerate(pairwise(sizes)):
        layers += [
            xpnet.Affine.random(inputs, outputs, weight_init_std=0.1, seed=seed),
            xpnet.ReLU(),
        ]
    step = xpnet.compile(xpnet.Sequential(*layers[:-1]), xpnet.SGD(0.01))
    (x, t), _ = xpnet.datasets.load_digits()
    rng, count = np.random.default_rng(0), 0
    start = time.perf_counter()
    while time.perf_counter() < start + seconds:
        batch = rng.integers(0, len(x), 100)
        step(x[batch], t[batch])
        count += 1
    return 1e3 * (time.perf_counter() - start) / count


def in_a_process(hidden: int, variables: dict[str, str]) -> float:
    command = [sys.executable, "-m", "benchmarks.busy", str(hidden)]
    environment = {**os.environ, **variables}
    return float(subprocess.run(command, env=environment, check=True, capture_output=True).stdout)


def main() -> None:
    for line in machine.lines(machine.describe()):
        print(line)
    for busy in (0, BUSY):
        with ExitStack() as others:
            for _ in range(busy):
                process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
                others.callback(process.kill)
            for hidden in HIDDEN:
                turns = [[in_a_process(hidden, v) for v in THREADS.values()] for _ in range(ROUNDS)]
                medians = map(statistics.median, zip(*turns, strict=True))
                ratio = statistics.median(default / one for default, one in turns)
                times = ", ".join(
                    f"{name} {median:.2f} ms" for name, median in zip(THREADS, medians, strict=True)
                )
                print(f"{busy} busy, {hidden:3} hidden: {times}; ratio {ratio:.2f}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(milliseconds(int(sys.argv[1]), SECONDS))
    else:
        main()
