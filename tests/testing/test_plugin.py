"""The pytest plugin repeats a user's test on every backend that is named."""

from __future__ import annotations

import subprocess
import sys

import pytest

TEST = """
import xpnet

def test_zero_stays_zero(xpnet_backend):
    x = xpnet.asarray([0.0], xp=xpnet_backend)
    assert float(xpnet.relu(x)[0]) == 0

def test_something_else():
    pass
"""


@pytest.fixture
def run_pytest(tmp_path):
    (tmp_path / "test_mine.py").write_text(TEST)

    def run(*args):
        command = [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", *args]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    return run


def test_a_test_runs_on_each_named_backend_and_dtype(run_pytest):
    done = run_pytest("--xpnet-backends=numpy,array_api_strict")

    assert done.returncode == 0, done.stdout
    assert "xpnet backends: numpy, array_api_strict" in done.stdout
    for name in ("numpy-cpu-float64", "array_api_strict-no_float64-float32"):
        assert f"test_zero_stays_zero[{name}] PASSED" in done.stdout
    assert done.stdout.count("test_something_else PASSED") == 1


def test_without_names_the_header_says_which_cannot_be_used(run_pytest):
    done = run_pytest()

    assert "xpnet does not test cupy: backend 'cupy'" in done.stdout
    assert "test_zero_stays_zero[numpy-cpu-float32] PASSED" in done.stdout


def test_a_named_backend_that_cannot_be_used_is_an_error(run_pytest):
    done = run_pytest("--xpnet-backends=cupy")

    assert done.returncode != 0
    assert "BackendUnavailableError" in done.stdout
    assert "passed" not in done.stdout.splitlines()[-1]


def test_a_name_that_is_none_is_an_error_with_the_known_ones(run_pytest):
    done = run_pytest("--xpnet-backends=nunpy")

    assert done.returncode != 0
    assert "unknown backend 'nunpy'; known are 'numpy'" in done.stdout
