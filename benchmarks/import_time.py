"""What ``import xpnet`` costs beside ``import numpy``: ``python -m benchmarks.import_time``.

New interpreters take turns. Run it where xpnet is installed without ``-e``, so that its modules
are compiled, as NumPy's are.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from xpnet.bench import machine

ROUNDS = 20
CONTENDERS = ("import numpy", "import xpnet")


def seconds(statement: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-I", "-c", statement], check=True)
    return time.perf_counter() - start


def main() -> None:
    for line in machine.lines(machine.describe()):
        print(line)
    times: dict[str, list[float]] = {statement: [] for statement in CONTENDERS}
    for turn in range(ROUNDS + 1):
        for statement in CONTENDERS:
            taken = seconds(statement)
            if turn:  # the first one warms the disk's cache
                times[statement].append(taken)
    for statement, taken in times.items():
        least, median = 1e3 * min(taken), 1e3 * statistics.median(taken)
        print(f"{statement:14} minimum {least:6.1f} ms  median {median:6.1f} ms")
    ratios = [b / a for a, b in zip(*times.values(), strict=True)]
    print(f"xpnet / numpy: {statistics.median(ratios):.2f} (goal: at most 1.3)")


if __name__ == "__main__":
    main()
