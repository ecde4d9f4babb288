"""Records as text: one block for each workload, one row for each contender."""

from __future__ import annotations

from xpnet.bench.record import Record, Row

__all__ = ["block"]

_CELL = 10
_SHORT = {
    "book float64": "book64",
    "book float32": "book32",
    "torch.compile": "compile",
    "scikit-learn": "sklearn",
}


def block(record: Record) -> str:
    """Return the rows of a workload: microseconds, rate, percent of the limit, and ratios.

    The last columns tell how many times as fast a row is as each rival.
    """
    rivals = [row["name"] for row in record["rows"] if row["role"] == "rival"]
    head = ["min", "median", record["unit"], "% limit", *map(_column, rivals)]
    names = [f"  {row['name']}" for row in record["rows"]]
    width = max(map(len, names), default=0)
    lines = [f"{record['title']} (limit: {record['limit']})", _line(" " * width, head)]
    lines += [
        _line(name.ljust(width), _cells(row, rivals))
        for name, row in zip(names, record["rows"], strict=True)
    ]
    lines += [f"  {name}: not available, {why}" for name, why in record["missing"].items()]
    return "\n".join(lines)


def _column(rival: str) -> str:
    return "/ " + _SHORT.get(rival, rival)


def _cells(row: Row, rivals: list[str]) -> list[str]:
    percent = row["percent_of_limit"]
    ratios = row["times_as_fast_as"]
    return [
        f"{row['us_min']:,.1f}",
        f"{row['us_median']:,.1f}",
        f"{row['rate']:,.3g}",
        "" if percent is None else f"{percent:.0f}",
        *(f"{ratios[rival][1]:.2f}" for rival in rivals),
    ]


def _line(name: str, cells: list[str]) -> str:
    return name + "".join(f"{cell:>{_CELL}}" for cell in cells).rstrip()
