"""Which goals do the results reach? ``python -m benchmarks.goals [FILE ...]``, the newest unless
given. It exits with the number of those that are missed."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import results

FASTEST, LIMIT = "the fastest of all", "limit"


class Goal(NamedTuple):
    """How many times as fast as each rival, or what share of the limit, a contender shall be."""

    title: str
    contender: str
    factors: dict[str, float]


EAGER, COMPILED = "xpnet numpy", "xpnet numpy compiled"
GOALS = [
    *(
        Goal(f"softmax {shape}", EAGER, {"torch": 1.1, "jax.jit": 1.0})
        for shape in ("1024x1000", "4096x4096", "128x32000")
    ),
    Goal("softmax 4096x4096", EAGER, {LIMIT: 0.8}),
    *(
        Goal(
            f"softmax with loss, forward and backward {shape}",
            EAGER,
            {"torch": 2.0, "jax.jit": 1.8},
        )
        for shape in ("1024x1000", "128x32000")
    ),
    Goal("affine, forward and backward 512x512x512", EAGER, {LIMIT: 0.95, "torch": 1.0}),
    *(
        Goal(f"affine, forward and backward {shape}", EAGER, {LIMIT: 0.97, "torch": 1.0})
        for shape in ("1024x1024x1024", "512x4096x1024")
    ),
    Goal(
        "training step 784-50-10 batch 100",
        COMPILED,
        {"book float64": 3.5, "torch": 2.5, "jax.jit": 1.8, LIMIT: 1 / 1.25},
    ),
    Goal("training step 784-512-10 batch 128", COMPILED, {FASTEST: 1.3, LIMIT: 1 / 1.2}),
    Goal("training step 784-4096-10 batch 512", COMPILED, {FASTEST: 1.15, LIMIT: 1 / 1.1}),
    *(
        Goal(f"softmax {shape}", f"{EAGER} (no numba)", {"book float64": 1.8})
        for shape in ("1024x1000", "4096x4096", "128x32000")
    ),
    Goal(
        "training step 784-50-10 batch 100",
        f"{COMPILED} (no numba)",
        {"book float64": 2.5, "torch": 1.0},
    ),
    # An eager step in half the book's time.
    Goal("training step 784-50-10 batch 100", EAGER, {"book float64": 2.0}),
]


def verdicts(content: dict[str, Any]) -> Iterator[tuple[str, bool | None]]:
    """Return a line for each goal, and whether it is reached; None where nobody measured."""
    rows = {(w["title"], row["name"]): row for w in content["workloads"] for row in w["rows"]}
    for goal in GOALS:
        row = rows.get((goal.title, goal.contender))
        for rival, factor in goal.factors.items():
            found = None if row is None else _factor(row, rival)
            what = f"{goal.title}, {goal.contender}: {factor:.2f} x {rival}"
            if found is None:
                yield f"not measured  {what}", None
            else:
                reached = found >= factor
                yield f"{'reached' if reached else 'MISSED':<12}  {what}: {found:.2f}", reached


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
