"""Every check of the project: ``nox -l`` lists them, ``nox`` runs the quick tests."""

from __future__ import annotations

import os
import shutil
import sys
from fnmatch import fnmatch
from glob import glob
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"  # uv, where there is one, takes seconds
nox.options.sessions = ["tests"]

if "PIP_FIND_LINKS" in os.environ:  # uv does not read what is meant for pip
    os.environ.setdefault("UV_FIND_LINKS", os.environ["PIP_FIND_LINKS"].replace(" ", ","))

PYPROJECT = nox.project.load_toml("pyproject.toml")
MUTATION = PYPROJECT["tool"]["xpnet"]["mutation"]
PYTHONS = ["3.11", "3.12", "3.13", "3.14"]
PYTHON_OF_TESTS = f"{sys.version_info.major}.{sys.version_info.minor}"
# One worker for each processor. Tests that measure time or memory are few, and allow for company.
SIDE_BY_SIDE = ("-n", "auto", "--maxprocesses=8", "--dist=worksteal")
# A version that is pinned is taken from a local folder of wheels (PIP_FIND_LINKS) if one holds its
# CPU build; else the index gives the build with several GB of CUDA libraries.
TORCH = "torch==2.13.0"
OTHER_LIBRARIES = ["dask[array]", "ndonnx", "onnxruntime", "sparse", "blosc2", "cubed", "mlx[cpu]"]

# Tests compile through a part of CuPy that is private, hence the bound on its version.
CUPY_AND_COMPILER = [
    "cupy-cuda13x>=14.0.1,!=14.1.0,<15",
    "nvidia-cuda-nvrtc==13.0.88",
    "nvidia-cuda-runtime==13.0.96",
    "nvidia-cuda-crt==13.0.88",
    "ml_dtypes",
]


def group(name: str) -> list[str]:
    return nox.project.dependency_groups(PYPROJECT, name)


def pytest(session: nox.Session, backends: str, *args: str) -> None:
    session.run("pytest", f"--xpnet-backends={backends}", *args, *session.posargs)


def pytest_side_by_side(session: nox.Session, backends: str, *args: str) -> None:
    pytest(session, backends, *SIDE_BY_SIDE, *args)


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests on NumPy and array-api-strict; the quick check."""
    session.install("-e", ".", *group("test"))
    pytest_side_by_side(session, "numpy,array_api_strict", "-q")


@nox.session
def tests_backends(session: nox.Session) -> None:
    """Run the tests on PyTorch and JAX, on the CPU, and with numba; and verify the rivals.

    array-api-strict has no kernels, and gives here what it gives in the session ``tests``.
    """
    session.install("-e", ".[numba]", *group("bench"), *group("rivals"), TORCH, "jax")
    # pytest-benchmark warns beside pytest-xdist, and no benchmark is run.
    pytest_side_by_side(session, "numpy,torch,jax", "-q", "-p", "no:benchmark")
    if not session.posargs:  # the rivals of the comparison, which are here, must compute right
        session.run("python", "-m", "pytest", "benchmarks", "--smoke", "-q")


@nox.session
def tests_generic(session: nox.Session) -> None:
    """Run the contracts without any kernel, with the tests that mutation needs.

    Of the libraries in the session ``tests``, NumPy alone has kernels that can be missing.
    """
    session.install("-e", ".", *group("test"))
    session.env["XPNET_KERNELS"] = "off"
    pytest_side_by_side(session, "numpy", "-q", *MUTATION["generic"]["tests"])


@nox.session(python=PYTHONS)
def tests_pythons(session: nox.Session) -> None:
    """Run the tests of NumPy on every Python; one that is missing is listed as skipped.

    What differs is the language, its library and the builds of NumPy, not arithmetic on pretended
    devices. Nothing is left for the Python on which the session ``tests`` runs, but to be named.
    """
    if session.python == PYTHON_OF_TESTS and not session.posargs:
        session.skip("the session tests runs on this Python")
    session.install("-e", ".", *group("test"))
    pytest_side_by_side(session, "numpy", "-q")


@nox.session
def tests_threads(session: nox.Session) -> None:
    """Run each contract in three threads at once."""
    session.install("-e", ".[numba]", *group("test"), "pytest-run-parallel")
    tests = ["tests/test_conformance.py", "tests/test_edges.py", "tests/random"]
    # The traps for reads on the host are set for the whole process.
    only = ("--parallel-threads=3", "-q", "-k", "not host")
    pytest_side_by_side(session, "numpy,array_api_strict", *only, *tests)


@nox.session
def proof(session: nox.Session) -> None:
    """Run the gradient check on all its faults and odd layers with 200 seeds; some minutes."""
    session.install("-e", ".", *group("test"))
    session.env["XPNET_GRADIENT_CHECK_SEEDS"] = "200"
    pytest_side_by_side(session, "numpy", "-q", "tests/gradient_check/test_proof.py")


@nox.session
def soak(session: nox.Session) -> None:
    """Take 100,000 steps and look for growth, and interrupt a step at every line; an hour."""
    session.install("-e", ".[numba]", *group("test"), "jax")
    session.env["XPNET_SOAK"] = "1"
    files = sorted(str(file) for file in Path("tests").rglob("test_*.py") if uses_soak(file))
    pytest_side_by_side(session, "numpy,array_api_strict,jax", "-q", *files)


def uses_soak(file: Path) -> bool:
    return "quick_or_soak" in file.read_text(encoding="utf-8")


@nox.session
def tests_cupy(session: nox.Session) -> None:
    """Check the CuPy path without a GPU; compile the kernels for some, and run them on the CPU.

    An error where there is no g++, or anything else that they need.
    """
    if shutil.which("g++") is None:
        session.error("THERE IS NO g++ HERE. The CUDA kernels cannot be run on the CPU.")
    session.install("-e", ".", *group("test"), *CUPY_AND_COMPILER)
    session.env["XPNET_CUDA_CHECKS"] = "required"  # a test that skips has failed
    pytest_side_by_side(session, "numpy", "-q", "tests/cupy_without_gpu")


@nox.session
def tests_gpu(session: nox.Session) -> None:
    """Run the tests on CuPy; an error where there is no GPU."""
    if shutil.which("nvidia-smi") is None:
        session.error("THERE IS NO NVIDIA GPU HERE. Nothing was tested on CuPy.")
    session.install("-e", ".[cuda13]", *group("test"))
    pytest(session, "cupy,numpy")


@nox.session
def parity(session: nox.Session) -> None:
    """Measure how far every op is from float64 on every backend, and write docs/parity.md."""
    session.install("-e", ".[numba]", *group("test"), TORCH, "jax")
    session.run("python", "-m", "xpnet.testing.parity", "docs/parity.md", *session.posargs)


@nox.session
def libraries(session: nox.Session) -> None:
    """Hold every array library that can be had against every contract: docs/libraries.md."""
    session.install("-e", ".", *group("test"), TORCH, "jax", *OTHER_LIBRARIES)
    session.run("python", "-m", "xpnet.testing.libraries", "docs/libraries.md")


@nox.session
def mutation(session: nox.Session) -> None:
    """Break ops, layers, nets and compiled steps in every small way: docs/mutation.md; hours.

    With names of files, such as ``nox -s mutation -- xpnet/ops/activations.py``, only these are
    broken, and what survives is listed.
    """
    session.install("-e", ".", *group("test"), "mutmut")
    folders = []
    for name, part in MUTATION.items():
        files = [file for file in session.posargs if any(fnmatch(file, p) for p in part["files"])]
        if bool(files) == bool(session.posargs) and any(map(glob, part["files"])):
            folders.append(Path(session.create_tmp()).resolve() / name)
            shutil.rmtree(folders[-1], ignore_errors=True)
            session.run("python", "tests/mutation/undecorated.py", str(folders[-1]), name, *files)
            break_each_line(session, folders[-1], kernels=part["kernels"])
    if not folders:
        session.error(f"no part of tool.xpnet.mutation has {' '.join(session.posargs)}")
    page = [] if session.posargs else ["--page", "docs/mutation.md"]
    session.run("python", "tests/mutation/report.py", *page, *map(str, folders))


def break_each_line(session: nox.Session, folder: Path, *, kernels: str) -> None:
    """Run mutmut in a folder, on all processors."""
    env = {"OPENBLAS_NUM_THREADS": "1", "XPNET_KERNELS": kernels}  # mutants run side by side
    # A loop that a mutant lets run on would else take all memory there is.
    with_limit = ("bash", "-c", f'ulimit -v {4 << 20}; exec "$@"', "-")
    with session.chdir(folder):
        command = (*with_limit, "mutmut", "run")
        session.run(*command, success_codes=[0, 1], external=True, env=env)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure xpnet beside other libraries and the limit; see benchmarks/README.md.

    With ``--smoke`` only results are checked; ``--against REV`` compares two revisions of xpnet.
    """
    session.install("-e", ".[numba]", *group("bench"))
    if "--against" in session.posargs:
        args = [arg for arg in session.posargs if arg != "--against"]
        session.run("python", "-m", "benchmarks.against", *args)
        return
    if "--smoke" not in session.posargs:
        session.install(TORCH, "jax", *group("rivals"))
    session.run("python", "-m", "pytest", "benchmarks", *session.posargs)
    if not session.posargs:  # after a whole run there are new results
        session.run("python", "-m", "benchmarks.plots")
        session.run("python", "-m", "benchmarks.goals", success_codes=range(100))


@nox.session
def package(session: nox.Session) -> None:
    """Build the wheel, and use it from outside the checkout."""
    folder = Path(session.create_tmp()).resolve()
    session.install("build")
    session.run("python", "-m", "build", "--outdir", str(folder), ".")
    (wheel,) = folder.glob("*.whl")
    session.install(str(wheel))
    session.chdir(folder)
    session.run("xpnet", "info")
    kernels = "from xpnet.kernels.cuda import plan, source"
    session.run(
        "python", "-c", f"{kernels}; [source.source_of(k.file) for k in plan.every_kernel()]"
    )
    session.run("xpnet", "train", "--iterations", "100")
    wheel.unlink()


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and formatting."""
    session.install(*group("lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check types, strictly."""
    session.install("-e", ".", *group("types"))
    session.run("mypy")
