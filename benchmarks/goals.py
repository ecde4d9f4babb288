"""Which goals do the results reach? ``python -m benchmarks.goals [FILE ...]``, the newest unless
given. It exits with the number of those that are missed."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import results
from benchmarks.goals_set import CPU, FASTEST, GPU, LIMIT, OVERHEADS


def verdicts(content: dict[str, Any]) -> Iterator[tuple[str, bool | None]]:
    """Return a line for each goal, and whether it is reached; None where nobody measured."""
    rows = {(w["title"], row["name"]): row for w in content["workloads"] for row in w["rows"]}
    on_gpu = "gpu" in content
    for goal in GPU if on_gpu else CPU:
        row = rows.get((goal.title, goal.contender))
        for rival, factor in goal.factors.items():
            found = None if row is None else _factor(row, rival)
            what = f"{goal.title}, {goal.contender}: {factor:.2f} x {rival}"
            yield _verdict(what, found, None if found is None else found >= factor)
    for goal in () if on_gpu else OVERHEADS:
        row, other = (rows.get((goal.title, name)) for name in (goal.contender, goal.written_out))
        # Of the minima: where the processor's clock is half as fast, a difference is twice as much.
        found = row["us_min"] - other["us_min"] if row and other else None
        what = f"{goal.title}, {goal.contender}: {goal.microseconds} us over {goal.written_out}"
        yield _verdict(what, found, None if found is None else found <= goal.microseconds)


def _verdict(what: str, found: float | None, reached: bool | None) -> tuple[str, bool | None]:
    word = {True: "reached", False: "MISSED", None: "not measured"}[reached]
    return f"{word:<12}  {what}" + ("" if found is None else f": {found:.3f}"), reached


def _factor(row: dict[str, Any], rival: str) -> float | None:
    ratios = {name: quartiles[1] for name, quartiles in row["times_as_fast_as"].items()}
    if rival == FASTEST:
        return min(ratios.values(), default=None)
    if rival == LIMIT:
        percent = row["percent_of_limit"]
        return None if percent is None else percent / 100
    return ratios.get(rival)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.goals", description=__doc__)
    parser.add_argument("files", type=Path, nargs="*", metavar="FILE")
    files = parser.parse_args().files or [results.newest("cpu")]
    found = list(verdicts(results.load(files)))
    print(*(line for line, _ in found), sep="\n")
    return sum(reached is False for _, reached in found)


if __name__ == "__main__":
    raise SystemExit(main())
