"""Plots of the results: ``python -m benchmarks.plots [FILE ...]``, the newest ones unless given.

They land beside the first file, as ``NAME-throughput.png`` and ``NAME-roofline.png``.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter

from benchmarks import results

mpl.use("Agg")
plt.rcParams.update({"font.size": 9, "axes.grid": True, "grid.alpha": 0.3})


class Style(NamedTuple):
    color: str
    marker: str
    line: str = "-"


# The colours of Okabe and Ito, which colour-blind people can tell apart; markers say it again.
STYLES = {
    "limit": Style("black", "", "--"),
    "xpnet numpy": Style("#0072B2", "o"),
    "xpnet numpy compiled": Style("#0072B2", "D", "-."),
    "xpnet numpy (no numba)": Style("#56B4E9", "o", ":"),
    "xpnet numpy compiled (no numba)": Style("#56B4E9", "D", "-."),
    "xpnet cupy": Style("#0072B2", "o"),
    "xpnet cupy compiled": Style("#0072B2", "D", "-."),
    "torch": Style("#D55E00", "s"),
    "torch cuda": Style("#D55E00", "s"),
    "torch.compile": Style("#E69F00", "^"),
    "torch CUDA graph": Style("#E69F00", "^"),
    "jax.jit": Style("#009E73", "v"),
    "thinc": Style("#CC79A7", "P"),
    "scikit-learn": Style("#CC79A7", "X", ":"),
    "book float32": Style("#777777", "x"),
    "book float64": Style("#BBBBBB", "x"),
}
PANELS = {
    "softmax": "softmax",
    "loss_backward": "softmax with loss, forward and backward",
    "affine_backward": "affine, forward and backward",
    "step": "training step",
}
MARKERS = {"softmax": "o", "loss_backward": "s", "affine_backward": "^", "step": "D"}
OWN, RIVAL = "#0072B2", "#D55E00"


def throughput(content: dict[str, Any], path: Path) -> None:
    """Draw a panel for each op: rate against shape, one line for each contender."""
    figure, axes = plt.subplots(2, 2, figsize=(11, 8), layout="constrained")
    drawn: dict[str, Any] = {}
    for panel, (op, title) in zip(axes.flat, PANELS.items(), strict=True):
        workloads = _by_size(content, op)
        for name, points in _lines(workloads).items():
            style = STYLES[name]
            important = name.startswith("xpnet") or name == "limit"
            (drawn[name],) = panel.plot(
                *zip(*points, strict=True),
                color=style.color,
                marker=style.marker,
                linestyle=style.line,
                markersize=6,
                linewidth=2.2 if important else 1.2,
                zorder=3 if important else 2,
            )
        panel.set(yscale="log", title=title)
        panel.set_xticks(
            range(len(workloads)), [w["shape"].replace(" ", "\n", 1) for w in workloads]
        )
        panel.set_ylabel(workloads[0]["unit"] if workloads else "")
        panel.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        panel.yaxis.set_major_formatter("{x:g}")
        panel.yaxis.set_minor_formatter(NullFormatter())
    ordered = [name for name in STYLES if name in drawn]
    figure.legend([drawn[name] for name in ordered], ordered, loc="outside lower center", ncols=5)
    figure.suptitle(_caption(content))
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _by_size(content: dict[str, Any], op: str) -> list[dict[str, Any]]:
    """Return an op's workloads by size, without single samples, which are all overhead."""
    found = [w for w in content["workloads"] if w["op"] == op and w["samples"] > 1]
    return sorted(found, key=lambda workload: float(workload["flops"]))


def _lines(workloads: list[dict[str, Any]]) -> dict[str, list[tuple[float, float]]]:
    """Return points of position and rate by contender, for those that have a style."""
    points = defaultdict(list)
    for position, workload in enumerate(workloads):
        for row in workload["rows"]:
            if row["name"] in STYLES:
                points[row["name"]].append((position, row["rate"]))
    return points


def roofline(content: dict[str, Any], path: Path) -> None:
    """Draw what memory and arithmetic allow, and where xpnet and its best rival are under it."""
    bandwidth = _limit(_by_size(content, "softmax"))
    peak = max(_limit(_by_size(content, "affine_backward")), _limit(_by_size(content, "step")))
    figure, axes = plt.subplots(figsize=(9, 6), layout="constrained")
    left, ridge, right = 0.2, peak / bandwidth, 1000
    axes.plot([left, ridge, right], [left * bandwidth, peak, peak], "k--", linewidth=2)
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="operations per byte that must be moved",
        ylabel="GFLOP/s",
        title=_caption(content),
    )
    axes.yaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_major_formatter("{x:g}")
    for op, marker in MARKERS.items():
        for workload in _by_size(content, op):
            intensity = workload["flops"] / (4 * workload["elements"])
            for role, color, face in ("own", OWN, OWN), ("rival", RIVAL, "none"):
                if row := _fastest(workload, role):
                    rate = workload["flops"] / row["us_min"] / 1e3
                    axes.plot(intensity, rate, marker, color=color, markerfacecolor=face)
    axes.text(ridge * 0.4, peak / 2, f"one copy: {bandwidth:.0f} GB/s", ha="right")
    axes.text(right, peak * 1.1, f"bare products: {peak:.0f} GFLOP/s", ha="right")
    shapes = [Line2D([], [], color="#777777", marker=m, linestyle="") for m in MARKERS.values()]
    roles = [
        Line2D([], [], color=OWN, marker="o", linestyle=""),
        Line2D([], [], color=RIVAL, marker="o", markerfacecolor="none", linestyle=""),
    ]
    names = [PANELS[op] for op in MARKERS]
    figure.legend(
        [*roles, *shapes],
        ["xpnet", "the fastest rival", *names],
        loc="outside lower center",
        ncols=3,
    )
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _limit(workloads: list[dict[str, Any]]) -> float:
    """Return the highest rate of the limit."""
    return max(row["rate"] for w in workloads for row in w["rows"] if row["role"] == "limit")


def _fastest(workload: dict[str, Any], role: str) -> dict[str, Any] | None:
    rows = [row for row in workload["rows"] if row["role"] == role]
    return min(rows, key=lambda row: row["us_min"], default=None)


def _caption(content: dict[str, Any]) -> str:
    machine = content["machine"]
    where = content.get("gpu", f"{machine['processor']}, {machine['cores']} cores")
    return f"{where}, {content['date']}, xpnet {content['revision']}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.plots", description=__doc__)
    parser.add_argument("files", type=Path, nargs="*", metavar="FILE")
    files = parser.parse_args().files or [results.newest("cpu")]
    content = results.load(files)
    for draw in throughput, roofline:
        path = files[0].with_name(f"{files[0].stem}-{draw.__name__}.png")
        draw(content, path)
        print(path)


if __name__ == "__main__":
    main()
