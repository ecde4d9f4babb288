"""Every kernel compiles for every GPU generation, and stays in its registers.

With CuPy's own compiler options. What CuPy has for that is private: see the bound on its version in
``noxfile.py``.
"""

from __future__ import annotations

import io
import re

import pytest

pytest.importorskip("cupy", reason="CUDA KERNELS NOT COMPILED: run nox -s tests_cupy")

from xpnet.kernels.cuda.plan import Kernel, every_kernel
from xpnet.kernels.cuda.source import source_of

ARCHITECTURES = [80, 90, 100, 120]  # A100; H100 and H200; B200; RTX 50
FILES = sorted({kernel.file for kernel in every_kernel()})


@pytest.fixture(scope="session")
def nvrtc(cuda_headers):
    """Return a function that compiles a file: the code, its kernels' names in it, and the log."""
    core = pytest.importorskip("cupy._core.core")
    compiler = pytest.importorskip("cupy.cuda.compiler")
    options = (
        *core.assemble_cupy_compiler_options(()),
        "-ftz=true",  # CuPy always adds these two
        "--device-as-default-execution-space",
    )

    def compiled(
        file: str, method: str, *more: str, source: str | None = None
    ) -> tuple[bytes, dict[str, str], str]:
        names = [kernel.name for kernel in every_kernel() if kernel.file == file]
        log = io.StringIO()
        program = compiler._NVRTCProgram(
            source or source_of(file), file, name_expressions=names, method=method
        )
        code, mangled = program.compile((*options, *more), log)
        return code, mangled, log.getvalue()

    return compiled


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("file", FILES)
def test_registers(file: str, architecture: int, nvrtc) -> None:
    _, mangled, log = nvrtc(file, "cubin", "--ptxas-options=-v", f"-arch=sm_{architecture}")
    assert "warning" not in log
    used = {Kernel(file, name): read_properties(log, symbol) for name, symbol in mangled.items()}
    assert used.keys() == {kernel for kernel in every_kernel() if kernel.file == file}
    assert {kernel: found for kernel, found in used.items() if exceeds(kernel, found)} == {}


def exceeds(kernel: Kernel, used: dict[str, int]) -> bool:
    """Whether a kernel uses memory for registers, or leaves too few for other blocks."""
    in_memory = used["stack"] + used["spill stores"] + used["spill loads"]
    # Of the threads that an SM can have, 72 leave it 7 in 16, and 96 one in three.
    most = 72 if kernel.file.startswith("softmax") else 96
    return in_memory > 0 or used["registers"] > most


def read_properties(log: str, symbol: str) -> dict[str, int]:
    """Return what ptxas says about one kernel."""
    found = re.search(
        rf"Function properties for {symbol}\n"
        r"\D*(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads\n"
        r".*Used (\d+) registers",
        log,
    )
    assert found is not None, f"ptxas says nothing about {symbol}"
    names = ("stack", "spill stores", "spill loads", "registers")
    return dict(zip(names, map(int, found.groups()), strict=True))


@pytest.mark.parametrize("file", FILES)
def test_16_bytes_are_read_and_written_at_once(file: str, nvrtc) -> None:
    code, mangled, _ = nvrtc(file, "ptx", "-arch=compute_80")
    ptx = code.decode()
    lacking = [
        name
        for name, symbol in mangled.items()
        if not name.startswith("mean_of_losses")  # sums what it reads with all its threads
        if not {"ld", "st"} <= accesses_of_16_bytes(ptx, symbol)
    ]
    assert lacking == []


def accesses_of_16_bytes(ptx: str, symbol: str) -> set[str]:
    """Return whether one kernel loads or stores four numbers of 32 bits, or two of 64, at once."""
    pattern = r"(ld|st)\.global\.(?:wb\.)?(?:v4\.\w32|v2\.\w64)"
    return set(re.findall(pattern, body_of(ptx, symbol)))


def body_of(ptx: str, symbol: str) -> str:
    return ptx.split(f".entry {symbol}(")[1].split(".entry")[0]


@pytest.mark.parametrize("dtype", ["float", "__half"])
def test_all_of_a_row_is_asked_for_before_any_is_used(dtype: str, nvrtc) -> None:
    code, mangled, _ = nvrtc("softmax.cu", "ptx", "-arch=compute_80")
    body = body_of(code.decode(), mangled[f"softmax<{dtype}, 128, 4>"])
    loads = [match.start() for match in re.finditer(r"ld\.global\.v4", body)]
    assert len(loads) == 4
    assert loads[-1] < re.search(r"cvt\.f32|setp\S*\.f32|max\.f32|ex2", body).start()


def test_a_kernel_that_keeps_too_much_is_found(nvrtc) -> None:
    # Indexed by a number that is not known at compile time, the row cannot be in registers.
    source = source_of("softmax.cu").replace(
        "visit(chunks[i], start)", "visit(chunks[n % 2], start)"
    )
    _, mangled, log = nvrtc(
        "softmax.cu", "cubin", "--ptxas-options=-v", "-arch=sm_90", source=source
    )
    kernel = Kernel("softmax.cu", "softmax<float, 128, 4>")
    assert exceeds(kernel, read_properties(log, mangled[kernel.name]))
