"""Where the CUDA checks are required, a test that cannot run is no success."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent

# In a process where CuPy, or g++ alone, is not to be found.
WITHOUT_CUPY = "import sys; sys.modules['cupy'] = None"
WITHOUT_GXX = "import shutil; shutil.which = lambda name: None"
RUN = "import pytest; sys.exit(pytest.main(sys.argv[1:]))"


def outcome(preparation: str, checks: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = f"import sys; {preparation}; {RUN}"
    options = "-q", "-p", "no:cacheprovider", "--xpnet-backends=numpy"
    return subprocess.run(
        [sys.executable, "-c", program, *options, *arguments],
        env={**os.environ, "XPNET_CUDA_CHECKS": checks},
        cwd=HERE.parents[1],
        check=False,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("file", ["test_kernels_on_cpu.py", "test_kernels_compile.py"])
def test_files_without_cupy_skip_unless_they_are_required(file: str) -> None:
    pytest.importorskip("cupy", reason="CUDA KERNELS NOT TESTED: run nox -s tests_cupy")
    skipped = outcome(WITHOUT_CUPY, "", str(HERE / file))
    failed = outcome(WITHOUT_CUPY, "required", str(HERE / file))

    assert "run nox -s tests_cupy" in skipped.stdout
    assert "1 skipped" in skipped.stdout
    assert "error" not in skipped.stdout.lower()
    assert failed.returncode == pytest.ExitCode.INTERRUPTED
    assert "This must not skip here. Skipped: CUDA KERNELS NOT" in failed.stdout
    assert "1 error" in failed.stdout


def test_tests_without_a_compiler_skip_unless_they_are_required() -> None:
    pytest.importorskip("cupy", reason="CUDA KERNELS NOT TESTED: run nox -s tests_cupy")
    one = str(HERE / "test_registered.py"), "-k", "an_update_is_its_rule and SGD"
    skipped = outcome(WITHOUT_GXX, "", *one)
    failed = outcome(WITHOUT_GXX, "required", *one)

    assert skipped.returncode == 0
    assert "g++ is missing" in skipped.stdout
    assert failed.returncode == pytest.ExitCode.TESTS_FAILED
    assert "This must not skip here. Skipped: CUDA KERNELS NOT RUN ON THE CPU" in failed.stdout
