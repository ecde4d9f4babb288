"""Do the scripts around the comparison work? Only with ``--smoke``; they would spoil its times."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest

import xpnet
from benchmarks import goals, page, plots, results
from benchmarks.against import ROOT
from xpnet.bench.book import Book
from xpnet.bench.limit import Limit
from xpnet.bench.measure import measure, prepare
from xpnet.bench.own import numpy_contenders
from xpnet.bench.record import record
from xpnet.bench.workloads import AffineForwardBackward, LossBackward, Softmax, Step


@pytest.fixture(autouse=True)
def _only_in_smoke(request):
    if not request.config.option.smoke:
        pytest.skip("only with --smoke")


def run(*command, cwd=ROOT):
    return subprocess.run(
        [sys.executable, "-m", *command], check=False, capture_output=True, text=True, cwd=cwd
    )


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A results file with a few quick workloads."""
    contenders = [Limit(), Book("float64"), *numpy_contenders()]
    records = []
    for workload in (
        Softmax(1024, 1100),
        LossBackward(100, 10),
        AffineForwardBackward(64, 64, 64),
        Step(100, 784, 50, 10),
    ):
        field = prepare(workload, contenders)
        records.append(record(workload, contenders, measure(field, 0.01), field.missing))
    path = tmp_path_factory.mktemp("results") / "cpu-today.json"
    results.save(path, records)
    return path


def test_plots(saved):
    done = run("benchmarks.plots", str(saved))
    assert done.returncode == 0, done.stderr
    for kind in ("throughput", "roofline"):
        image = saved.with_name(f"cpu-today-{kind}.png")
        assert image.read_bytes().startswith(b"\x89PNG")


@pytest.fixture
def drawn(saved, tmp_path, monkeypatch):
    """Return a function that draws a plot of the results and returns its figure."""
    figures = []
    monkeypatch.setattr(plots.plt, "close", figures.append)

    def draw(plot):
        plot(results.load([saved]), tmp_path / "plot.png")
        return figures[-1]

    yield draw
    monkeypatch.undo()
    for figure in figures:
        plots.plt.close(figure)


def test_a_throughput_plot_has_the_limit_in_every_panel(saved, drawn):
    figure = drawn(plots.throughput)

    assert len(figure.axes) == len(plots.PANELS)
    for op, panel in zip(plots.PANELS, figure.axes, strict=True):
        workloads = plots._by_size(results.load([saved]), op)
        limits = [row["rate"] for w in workloads for row in w["rows"] if row["name"] == "limit"]
        (line,) = [
            line
            for line in panel.lines
            if (line.get_color(), line.get_linestyle()) == ("black", "--")
        ]
        assert len(limits) > 0
        assert line.get_ydata().tolist() == limits
    (legend,) = figure.legends
    assert legend.get_texts()[0].get_text() == "limit"


def test_a_roofline_has_its_roof(saved, drawn):
    (axes,) = drawn(plots.roofline).axes
    content = results.load([saved])
    rates = {
        w["op"]: row["rate"]
        for w in content["workloads"]
        for row in w["rows"]
        if row["name"] == "limit"
    }
    bandwidth, peak = rates["softmax"], max(rates["affine_backward"], rates["step"])

    roof = axes.lines[0]
    left, ridge, right = roof.get_xdata()
    assert left < ridge < right
    assert ridge == pytest.approx(peak / bandwidth)
    assert list(roof.get_ydata()) == pytest.approx([left * bandwidth, peak, peak])
    labels = [text.get_text() for text in axes.texts]
    assert labels == [f"one copy: {bandwidth:.0f} GB/s", f"bare products: {peak:.0f} GFLOP/s"]


def test_every_contender_of_a_plot_has_its_own_style():
    assert len(set(plots.STYLES.values())) >= len(plots.STYLES) - 4  # of which a plot has one


def test_figures_of_the_page(saved):
    content = results.load([saved])
    text = page.page(content, "somewhere.json")
    (row,) = [r for r in content["workloads"][0]["rows"] if r["name"] == "xpnet numpy"]
    assert (
        f"| softmax 1024x1100 | {row['us_median']:,.0f} | {row['percent_of_limit']:.0f} %" in text
    )
    assert "The same without numba" in text


def test_goals(saved):
    content = results.load([saved])
    lines = dict(goals.verdicts(content))
    (row,) = [r for r in content["workloads"][-1]["rows"] if r["name"] == "xpnet numpy"]
    ratio = row["times_as_fast_as"]["book float64"][1]
    line = f"training step 784-50-10 batch 100, xpnet numpy: 2.00 x book float64: {ratio:.3f}"
    assert lines[f"{'reached' if ratio >= 2 else 'MISSED':<12}  {line}"] is (ratio >= 2)


def test_the_page_says_what_the_newest_results_do():
    if not list(results.FOLDER.glob("cpu-*.json")):
        pytest.skip("there are no results")
    done = run("benchmarks.page", "--check")
    assert done.returncode == 0, done.stdout + done.stderr


def test_visit_to_a_gpu_on_a_stand_in(tmp_path):
    done = run("benchmarks.gpu", "--stand-in", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    content = json.loads((tmp_path / "gpu-stand-in.json").read_text())
    assert content["failures"] == {}
    assert [w["op"] for w in content["workloads"]] == [
        "softmax",
        "loss_backward",
        "affine_backward",
        "step",
    ]


def test_visit_to_a_gpu_fails_at_once_without_one(tmp_path):
    if xpnet.available_backends()["cupy"].available:
        pytest.skip("there is a GPU")
    done = run("benchmarks.gpu", str(tmp_path))
    assert done.returncode != 0
    assert "BackendUnavailableError" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_comparison_with_another_revision():
    if not (ROOT / ".git").exists():
        pytest.skip("this is no git checkout")
    done = run("benchmarks.against", "HEAD", "-k", "softmax 1x10", "--seconds", "0.1")
    assert done.returncode == 0, done.stdout + done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("softmax 1x10")]
    assert float(line.split()[6]) > 0, line


def test_comparison_with_no_revision():
    if not (ROOT / ".git").exists():
        pytest.skip("this is no git checkout")
    done = run("benchmarks.against", "no-such-revision")
    assert done.returncode != 0
    assert "no-such-revision" in done.stderr


@pytest.fixture
def repository(tmp_path):
    """Return a function that makes a checkout whose last commit has something after xpnet."""
    for package in ("xpnet", "benchmarks"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=ignored)
    init = tmp_path / "xpnet" / "__init__.py"
    today = init.read_text()

    def committed(more):
        init.write_text(today + more)
        git = ["git", "-C", str(tmp_path), "-c", "user.name=test", "-c", "user.email=test@test"]
        for order in (["init", "-q"], ["add", "xpnet"], ["commit", "-q", "-m", "then"]):
            subprocess.run([*git, *order], check=True)
        init.write_text(today)
        return tmp_path

    return committed


ignored = shutil.ignore_patterns("__pycache__", "results")


def test_comparison_measures_the_other_revision_and_not_this_one(repository):
    folder = repository(
        "\n\ndef old(*_, **__):\n    raise RuntimeError('this is the old one')\n\n\n"
        "ops.softmax = old\n"
    )
    done = run("benchmarks.against", "HEAD", "-k", "softmax 1x10", "--seconds", "0.1", cwd=folder)

    assert done.returncode == 0, done.stdout + done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("softmax 1x10")]
    assert line.endswith("not available then, RuntimeError('this is the old one')")


def test_a_revision_that_cannot_be_imported_is_one_line(repository):
    folder = repository("\nraise ImportError('this is too old')\n")
    done = run("benchmarks.against", "HEAD", cwd=folder)

    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("xpnet at HEAD cannot be imported with the measuring code of today")
    assert line.endswith("ImportError: this is too old")


def test_every_pool_has_the_pinned_number_of_threads():
    program = (
        "import numpy; from benchmarks import threads; threads.pin(); import numba, threadpoolctl;"
        "pools = threadpoolctl.threadpool_info();"
        "print(numba.get_num_threads(), *(pool['num_threads'] for pool in pools))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "XPNET_BENCH_THREADS": "1"},  # no machine's number of cores
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    of_numba, *pools = map(int, done.stdout.split())
    assert of_numba == 1
    assert set(pools) == {1}
