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
    "xpnet numpy compiled": Style("#0072B2", "D"),
    "xpnet numpy (no numba)": Style("#56B4E9", "o", ":"),
    "xpnet numpy compiled (no numba)": Style("#56B4E9", "D", ":"),
    "xpnet cupy": Style("#0072B2", "o"),
    "xpnet cupy compiled": Style("#0072B2", "D"),
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
WHAT = {
    "softmax": "elements of x",
    "loss_backward": "elements of x",
    "affine_backward": "floating-point operations",
    "step": "floating-point operations",
}


def throughput(content: dict[str, Any], path: Path) -> None:
    """Draw a panel for each op: rate against size, one line for each contender."""
    figure, axes = plt.subplots(2, 2, figsize=(11, 7.5), layout="constrained")
    drawn: dict[str, Any] = {}
    for panel, (op, title) in zip(axes.flat, PANELS.items(), strict=True):
        workloads = [w for w in content["workloads"] if w["op"] == op]
        for name, points in _lines(workloads).items():
            style = STYLES[name]
            (drawn[name],) = panel.plot(
                *zip(*sorted(points), strict=True),
                color=style.color,
                marker=style.marker,
                linestyle=style.line,
                markersize=5,
                linewidth=2 if name.startswith("xpnet") or name == "limit" else 1.2,
                zorder=3 if name.startswith("xpnet") else 2,
            )
        panel.set(xscale="log", yscale="log", title=title, xlabel=WHAT[op])
        if workloads:
            panel.set_ylabel(workloads[0]["unit"])
            _label_shapes(panel, workloads)
    ordered = [name for name in STYLES if name in drawn]
    figure.legend([drawn[name] for name in ordered], ordered, loc="outside lower center", ncols=5)
    figure.suptitle(_caption(content))
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _lines(workloads: list[dict[str, Any]]) -> dict[str, list[tuple[float, float]]]:
    """Return points of size and rate by contender, for those that have a style."""
    points = defaultdict(list)
    for workload in workloads:
        for row in workload["rows"]:
            if row["name"] in STYLES:
                points[row["name"]].append((_size(workload), row["rate"]))
    return points


def _size(workload: dict[str, Any]) -> float:
    reads_and_writes = 4 if workload["op"] == "loss_backward" else 2
    by_arithmetic = workload["unit"] == "GFLOP/s"
    return workload["flops"] if by_arithmetic else workload["elements"] / reads_and_writes


def _label_shapes(panel: Any, workloads: list[dict[str, Any]]) -> None:
    """Write the shapes along the upper edge."""
    upper = panel.secondary_xaxis("top")
    upper.set_xticks([_size(w) for w in workloads], [w["shape"] for w in workloads])
    upper.tick_params(labelsize=6.5, labelrotation=20, length=2)
    upper.minorticks_off()


def roofline(content: dict[str, Any], path: Path) -> None:
    """Draw what memory and arithmetic allow, and where xpnet and its best rival are under it."""
    workloads = content["workloads"]
    limits = [(w, row) for w in workloads for row in w["rows"] if row["role"] == "limit"]
    bandwidth = max(row["rate"] for w, row in limits if w["unit"] == "GB/s" and _is_large(w))
    peak = max(row["rate"] for w, row in limits if w["unit"] == "GFLOP/s")

    figure, axes = plt.subplots(figsize=(9, 6), layout="constrained")
    ridge = peak / bandwidth
    left, right = 0.3, 1000
    axes.plot([left, ridge, right], [left * bandwidth, peak, peak], "k--", linewidth=2)
    axes.annotate(
        f"one copy: {bandwidth:.0f} GB/s",
        (0.35, 0.35 * bandwidth),
        (0, 8),
        rotation=32,
        textcoords="offset points",
        fontsize=8,
    )
    axes.annotate(
        f"bare products: {peak:.0f} GFLOP/s",
        (right, peak),
        (-4, 5),
        ha="right",
        textcoords="offset points",
        fontsize=8,
    )
    for workload in workloads:
        own = _fastest(workload, "own")
        rival = _fastest(workload, "rival")
        intensity = workload["flops"] / (4 * workload["elements"])
        for row, style in (own, STYLES["xpnet numpy"]), (rival, STYLES["torch"]):
            if row:
                rate = workload["flops"] / row["us_min"] / 1e3
                face = style.color if row is own else "none"
                axes.plot(intensity, rate, style.marker, color=style.color, markerfacecolor=face)
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="operations per byte that must be moved",
        ylabel="GFLOP/s",
        title=_caption(content),
    )
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _is_large(workload: dict[str, Any]) -> bool:
    return workload["elements"] > 2**20


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
