"""Write docs/speed.md from results: ``python -m benchmarks.page [FILE ...]``.

The newest results are taken unless some are given. ``--check`` writes nothing, and fails where the
page says something else than they do.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from benchmarks import results
from benchmarks.goals import verdicts

PAGE = Path(__file__).parents[1] / "docs" / "speed.md"
HEAD = """# Speed

Written by `python -m benchmarks.page`, after `nox -s bench`: medians in microseconds; what share of
the limit's speed that is, the limit being one copy of the memory (two for a loss with its gradient)
or the bare matrix products; and how many times as fast xpnet is as each of the others in the same
rounds. All compute in float32 but for the book's float64. xpnet runs on NumPy with the extra
`numba`, and its training steps are compiled. [benchmarks/README.md](../benchmarks/README.md) tells
how it is measured, and how far to believe it; `python -m benchmarks.goals` holds the figures
against what xpnet means to reach; what is missed is listed below the tables."""

# Eager, unless there is a compiled step to be had.
OWN = ("xpnet numpy compiled", "xpnet numpy")
OWN_WITHOUT_NUMBA = ("xpnet numpy compiled (no numba)", "xpnet numpy (no numba)")
OPS = ("softmax", "loss_backward", "affine_backward", "step")
RIVALS = {
    "book float64": "book, float64",
    "book float32": "book, float32",
    "torch": "PyTorch",
    "torch.compile": "torch.compile",
    "jax.jit": "JAX",
    "thinc": "Thinc",
    "scikit-learn": "scikit-learn",
}


def page(content: dict[str, Any], source: str) -> str:
    """Return the page."""
    machine = content["machine"]
    versions = ", ".join(f"{name} {v}" for name, v in machine["versions"].items())
    threads = ", ".join(f"{name} {n}" for name, n in machine["threads"].items())
    machine_line = (
        f"{machine['processor']}, {machine['cores']} cores, {content['date']}; {versions}; "
        f"threads: {threads}; load {machine['load']}; [all figures]({source})."
    )
    parts = [
        HEAD,
        machine_line,
        _table(content["workloads"], OWN),
        "The same without numba:",
        _table(
            [w for w in content["workloads"] if w["op"] in ("softmax", "step")], OWN_WITHOUT_NUMBA
        ),
    ]
    plot = Path(source).with_name(f"{Path(source).stem}-throughput.png").as_posix()
    parts.append(f"![Rate against size for each contender, with the limit]({plot})")
    parts.append(_goals(content))
    return "\n\n".join(parts) + "\n"


def _goals(content: dict[str, Any]) -> str:
    found = [(line, reached) for line, reached in verdicts(content) if reached is not None]
    missed = [line.removeprefix("MISSED").strip() for line, reached in found if not reached]
    heading = (
        f"Of {len(found)} goals, {len(found) - len(missed)} are reached. Missed, with what was "
        "asked for and what was measured:"
    )
    return "\n".join([heading, "", *(f"- {line}" for line in missed)])


def _table(workloads: list[dict[str, Any]], own: tuple[str, ...]) -> str:
    lines = [
        "| | xpnet, µs | of the limit | " + " | ".join(RIVALS.values()) + " |",
        "|---|" + "---:|" * (2 + len(RIVALS)),
    ]
    for workload in workloads:
        rows = {row["name"]: row for row in workload["rows"]}
        row = next((rows[name] for name in own if name in rows), None)
        if row and workload["op"] in OPS:
            lines.append(f"| {workload['title']} | " + " | ".join(_cells(row)) + " |")
    return "\n".join(lines)


def _cells(row: dict[str, Any]) -> list[str]:
    ratios = row["times_as_fast_as"]
    percent = row["percent_of_limit"]
    return [
        f"{row['us_median']:,.0f}" if row["us_median"] >= 100 else f"{row['us_median']:.1f}",
        "" if percent is None else f"{percent:.0f} %",
        *(f"{ratios[name][1]:.2f}" if name in ratios else "" for name in RIVALS),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.page", description=__doc__)
    parser.add_argument("files", type=Path, nargs="*", metavar="FILE")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    files = options.files or [results.newest("cpu")]
    text = page(results.load(files), f"../benchmarks/results/{files[0].name}")
    if not options.check:
        PAGE.write_text(text, encoding="utf-8")
    elif text != PAGE.read_text(encoding="utf-8"):
        print(f"{PAGE.name} does not say what {files[0].name} does: run python -m benchmarks.page")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
