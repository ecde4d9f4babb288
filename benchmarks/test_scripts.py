"""Do the scripts around the comparison work? Only with ``--smoke``; they would spoil its times."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import xpnet
from benchmarks import goals, plots, readme, results
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


def run(*command):
    return subprocess.run(
        [sys.executable, "-m", *command], check=False, capture_output=True, text=True, cwd=ROOT
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


def test_every_contender_of_a_plot_has_its_own_style():
    assert len(set(plots.STYLES.values())) >= len(plots.STYLES) - 4  # of which a plot has one


def test_figures_of_the_readme(saved):
    content = results.load([saved])
    text = readme.figures(content, "somewhere.json")
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


def test_the_readme_says_what_the_newest_results_do():
    if not list(results.FOLDER.glob("cpu-*.json")):
        pytest.skip("there are no results")
    done = run("benchmarks.readme", "--check")
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
