"""The figures of a workload as plain data, which JSON keeps; tables and plots read nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypedDict

import numpy as np

from xpnet.bench.contender import Contender
from xpnet.bench.interleave import Turns, pair_ratios
from xpnet.bench.machine import load
from xpnet.bench.workloads import Workload

__all__ = ["Record", "Row", "record"]

_LIMIT = "limit"


class Row(TypedDict):
    """What one contender did."""

    name: str
    role: str
    dtype: str
    us_min: float
    us_median: float
    rate: float
    percent_of_limit: float | None
    times_as_fast_as: dict[str, list[float]]
    us_rounds: list[float]


class Record(TypedDict):
    """What all did on one workload.

    Times are microseconds of a call. ``rate`` is the work over the minimum, in ``unit``. Ratios
    are of pairs of turns in the same round: median for ``percent_of_limit``, quartiles for
    ``times_as_fast_as``, which has the baselines and rivals by name. ``load`` is that of the
    machine at the end.
    """

    op: str
    title: str
    shape: str
    samples: int
    unit: str
    limit: str
    flops: int
    elements: int
    load: str
    rows: list[Row]
    missing: dict[str, str]


def record(
    workload: Workload,
    contenders: Iterable[Contender],
    times: Mapping[str, Turns],
    missing: Mapping[str, str],
) -> Record:
    """Return the figures of those contenders that have times."""
    present = [contender for contender in contenders if contender.name in times]
    rivals = [contender.name for contender in present if contender.role == "rival"]
    return {
        "op": workload.op,
        "title": str(workload),
        "shape": workload.shape,
        "samples": workload.N,
        "unit": workload.unit,
        "limit": workload.limit,
        "flops": workload.work.flops,
        "elements": workload.work.elements,
        "load": load(),
        "rows": [_row(workload, contender, times, rivals) for contender in present],
        "missing": dict(missing),
    }


def _row(
    workload: Workload, contender: Contender, times: Mapping[str, Turns], rivals: list[str]
) -> Row:
    name, work = contender.name, workload.work
    own = times[name]
    least = min(map(min, own))
    size = np.dtype(contender.dtype).itemsize
    amount = work.flops if workload.unit == "GFLOP/s" else work.elements * size
    limit = pair_ratios(times[_LIMIT], own)[1] * 100 if _LIMIT in times else None
    return {
        "name": name,
        "role": contender.role,
        "dtype": contender.dtype,
        "us_min": _short(least * 1e6),
        "us_median": _short(float(np.median(np.concatenate(own))) * 1e6),
        "rate": _short(amount / least / 1e9),
        "percent_of_limit": None if limit is None else _short(limit),
        "times_as_fast_as": {
            rival: [_short(q) for q in pair_ratios(times[rival], own)] for rival in rivals
        },
        "us_rounds": [_short(float(np.median(turn)) * 1e6) for turn in own],
    }


def _short(value: float) -> float:
    """Return four significant digits: more would be noise."""
    return float(f"{value:.4g}")
