"""The table at the end of a run: one row a contender, beside the book."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

import numpy as np

from benchmarks.contenders import BASELINE
from benchmarks.workloads import Work

_LEGEND = (
    "Times in microseconds; GFLOP/s and GB/s from the minimum. Faster: how many times as long\n"
    f"{BASELINE} took when the two had turns; the median and the middle half of the turns."
)
_CELL = 12


@dataclass(frozen=True)
class Row:
    """What one contender did on one workload: times in seconds, quartiles of the ratio."""

    title: str
    contender: str
    minimum: float
    median: float
    faster: np.ndarray
    work: Work
    itemsize: int

    @property
    def gflops(self) -> float:
        return self.work.flops / self.minimum / 1e9

    @property
    def gbytes(self) -> float:
        return self.work.elements * self.itemsize / self.minimum / 1e9


def table(rows: list[Row]) -> str:
    """Return rows as text, one block for each title."""
    width = 2 + max(len(row.title) for row in rows)
    lines = [_LEGEND]
    for title, block in groupby(rows, key=attrgetter("title")):
        lines += [
            "",
            _line(width, title, "min", "median", "GFLOP/s", "GB/s", "faster", "middle half"),
        ]
        for row in block:
            low, middle, high = row.faster
            lines.append(
                _line(
                    width,
                    f"  {row.contender}",
                    f"{row.minimum * 1e6:,.1f}",
                    f"{row.median * 1e6:,.1f}",
                    f"{row.gflops:,.3g}",
                    f"{row.gbytes:,.3g}",
                    f"{middle:.2f}",
                    f"{low:.2f}-{high:.2f}",
                )
            )
    return "\n".join(lines)


def _line(width: int, name: str, *cells: str) -> str:
    return f"{name:<{width}}" + "".join(f"{cell:>{_CELL}}" for cell in cells)
