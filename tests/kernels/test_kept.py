"""Compiled code on disk: damaged, or where nothing can be written, it is compiled anew."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

WHY = "numba is not installed: run nox -s tests_backends"
pytest.importorskip("numba", reason=WHY)
keeping = pytest.importorskip("xpnet.kernels.numba.kept", reason=WHY)

KEYS = [(("float32",), "this processor", number) for number in range(3)]


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.setattr(keeping, "_folders", set())
    return keeping._Files(tmp_path, "kernel")


@pytest.fixture
def file(files, tmp_path):
    files.save(KEYS[0], list(range(100)))
    (path,) = tmp_path.iterdir()
    return path


def test_what_was_kept_is_found(files, file):
    assert files.load(KEYS[0]) == list(range(100))
    assert list(keeping.problems()) == []


def test_every_bit_counts_and_so_does_the_end(files, file):
    whole = file.read_bytes()
    for position in range(len(whole)):
        for bit in (1, 128):
            damaged = bytearray(whole)
            damaged[position] ^= bit
            file.write_bytes(damaged)
            assert files.load(KEYS[0]) is None
    for size in (*range(0, len(whole), 7), len(whole) - 1):
        file.write_bytes(whole[:size])
        assert files.load(KEYS[0]) is None
    assert list(keeping.problems()) == [
        f"1 files in {file.parent} are damaged; their code is compiled anew"
    ]

    files.save(KEYS[0], "again")
    assert files.load(KEYS[0]) == "again"
    assert list(keeping.problems()) == []


@pytest.mark.parametrize("what", ["_sources", "key"])
def test_code_of_other_sources_is_not_taken(files, file, what, monkeypatch):
    if what == "_sources":
        monkeypatch.setattr(keeping, "_sources", lambda: "others")
    assert files.load(KEYS[0] if what == "_sources" else KEYS[1]) is None


def test_nothing_is_left_of_a_file_that_could_not_be_written(files, file, monkeypatch):
    def fail(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(keeping.Path, "replace", fail)
    with pytest.raises(KeyboardInterrupt):
        files.save(KEYS[1], "lost")

    assert list(file.parent.iterdir()) == [file]
    assert files.load(KEYS[0]) == list(range(100))


def test_a_name_that_is_a_folder_is_no_file(files, tmp_path):
    files._path(KEYS[0]).mkdir()

    assert files.load(KEYS[0]) is None
    with pytest.raises(OSError, match="directory"):
        files.save(KEYS[0], 1)


def test_all_files_of_a_function_are_deleted_together(files, file):
    other = keeping._Files(file.parent, "kernel2")
    other.save(KEYS[0], 2)

    files.flush()

    assert files.load(KEYS[0]) is None
    assert other.load(KEYS[0]) == 2


# Prints whether the result is right, how often compiled code was found and not, and the problems.
RUN = """
import numpy as np, xpnet
from xpnet.backends import adapter_by_name
from xpnet.dispatch import providers_of
with xpnet.kernels.watch() as ran:
    y = xpnet.ops.relu_backward(np.ones(4), np.ones(4))
assert (y == 1).all() and [kernel.provider for kernel in ran] == ["numba"]
from xpnet.kernels.numba.elementwise import relu_backward as kernel
print(sum(kernel.stats.cache_hits.values()), sum(kernel.stats.cache_misses.values()))
(numba, *_) = providers_of(adapter_by_name("numpy"))
print(*numba.problems())
"""
FULL = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))
"""


def run(folder, prepare=""):
    """Return the hits, the misses and the problems of a process that keeps its code there."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(folder)}
    command = [sys.executable, "-c", prepare + RUN]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, "")
    counts, problems = done.stdout.splitlines()
    return (*map(int, counts.split()), problems)


def test_kernels_run_right_beside_damaged_files_and_the_problem_is_told(tmp_path):
    assert run(tmp_path) == (0, 1, "")
    assert run(tmp_path) == (1, 0, "")
    paths = sorted(tmp_path.rglob("relu_backward*.xpnet")) or sorted(tmp_path.rglob("*.xpnet"))
    for path in paths:
        path.write_bytes(path.read_bytes()[:-1])

    assert run(tmp_path) == (0, 1, "")  # mended
    assert run(tmp_path) == (1, 0, "")


@pytest.mark.skipif(sys.platform == "win32", reason="this system sets no limit on files")
def test_kernels_run_where_nothing_can_be_written_and_the_problem_is_told(tmp_path):
    for _ in range(2):
        hits, misses, problems = run(tmp_path, FULL)
        assert (hits, misses) == (0, 1)
        assert problems.startswith(f"compiled code cannot be kept in {tmp_path}")
        assert "File too large" in problems
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
