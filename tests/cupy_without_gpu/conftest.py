"""The kernels, compiled for the CPU.

A test skips where CuPy, its headers or g++ is missing. With ``XPNET_CUDA_CHECKS=required``, as in
``nox -s tests_cupy``, it fails: else all would look well with nothing checked.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cuda_on_cpu import CPU, Library, compile_library

from xpnet.kernels.cuda.plan import every_kernel
from xpnet.kernels.cuda.source import source_of

HERE = Path(__file__).parent
ONLY_WITHOUT_A_GPU = "so this is not to be seen"  # in the reason of a skip that is right


def required(report: pytest.CollectReport | pytest.TestReport, path: Path) -> None:
    """Let a test or a file of this folder fail that has skipped, if it must not."""
    if os.environ.get("XPNET_CUDA_CHECKS") != "required" or HERE not in path.parents:
        return
    if report.skipped and ONLY_WITHOUT_A_GPU not in str(report.longrepr):
        *_, reason = report.longrepr if isinstance(report.longrepr, tuple) else [report.longrepr]
        report.outcome = "failed"
        report.longrepr = f"This must not skip here. {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    required(report, collector.path)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    required(report, item.path)
    return report


@pytest.fixture(scope="session")
def cuda_headers() -> list[Path]:
    """Return the folders that CuPy gives to the compiler."""
    core = pytest.importorskip("cupy._core.core")
    options = core.assemble_cupy_compiler_options(())
    folders = [Path(option[2:]) for option in options if option.startswith("-I")]
    if not any((folder / "cuda_fp16.h").exists() for folder in folders):
        pytest.skip("CUDA KERNELS NOT TESTED: no CUDA headers; run nox -s tests_cupy")
    return folders


@pytest.fixture(scope="session")
def gxx(cuda_headers: list[Path]) -> list[Path]:
    """Make sure of a compiler for the CPU, and return the headers for it."""
    if shutil.which("g++") is None:
        pytest.skip("CUDA KERNELS NOT RUN ON THE CPU: g++ is missing")
    return cuda_headers


@pytest.fixture(scope="session")
def libraries(gxx: list[Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Library]:
    folder = tmp_path_factory.mktemp("kernels")
    names: dict[str, list[str]] = {}
    for kernel in every_kernel():
        names.setdefault(kernel.file, []).append(kernel.name)

    def compiled(file: str) -> Library:
        return Library(
            compile_library(file, source_of(file), names[file], folder=folder, headers=gxx)
        )

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(names, pool.map(compiled, names), strict=True))


@pytest.fixture
def cpu(libraries: dict[str, Library]) -> CPU:
    return CPU(libraries)
