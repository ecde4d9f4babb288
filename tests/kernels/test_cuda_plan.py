"""The plan of a launch is plain arithmetic, and needs no GPU and no CuPy."""

from __future__ import annotations

import re
import subprocess
import sys

import numpy as np
import pytest

from xpnet.kernels import cuda
from xpnet.kernels.cuda.plan import FLOATS, Kernel, elementwise, every_kernel, rowwise
from xpnet.kernels.cuda.source import source_of

SIZES = {"float16": 8, "bfloat16": 8, "float32": 4, "float64": 2}  # numbers in 16 bytes
LENGTHS = [*range(1, 300), *range(1000, 1050), 4096, 4097, 16384, 16385, 32768, 32769, 10**6, 2**40]
OPS = ["softmax", "log_softmax_backward"]


def team_of(kernel: Kernel) -> tuple[int, int]:
    *_, team, chunks = re.findall(r"\d+", kernel.name)
    return int(team), int(chunks)


@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize("dtype", FLOATS)
def test_a_row_fits_into_its_team_wherever_it_begins(dtype: str, op: str) -> None:
    size = SIZES[dtype]
    for n in LENGTHS:
        team, chunks = team_of(rowwise(op, dtype, 7, n).kernel)
        leads = [0] if n % size == 0 else range(size)
        if chunks > 0:
            assert all(team * chunks >= -(-(n + lead) // size) for lead in leads)


@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize("dtype", FLOATS)
def test_every_row_has_a_team(dtype: str, op: str) -> None:
    for rows in (1, 2, 31, 32, 33, 10**6, 2**33):
        for n in (1, 100, 1000, 50_000):
            launch = rowwise(op, dtype, rows, n)
            teams = launch.threads // team_of(launch.kernel)[0]
            assert (launch.blocks - 1) * teams < rows <= launch.blocks * teams


@pytest.mark.parametrize("dtype", FLOATS)
def test_rows_up_to_32k_of_32_bits_are_read_once(dtype: str) -> None:
    longest = 4096 if dtype == "float64" else 32768
    assert team_of(rowwise("softmax", dtype, 1, longest).kernel)[1] > 0
    assert team_of(rowwise("softmax", dtype, 1, longest + 1).kernel)[1] == 0


@pytest.mark.parametrize("dtype", FLOATS)
def test_a_row_of_1025_is_kept_as_one_of_1024(dtype: str) -> None:
    short, long = (rowwise("softmax", dtype, 1, n).kernel for n in (1024, 1025))
    assert team_of(long)[0] <= 4 * team_of(short)[0]
    assert team_of(long)[1] > 0


@pytest.mark.parametrize("dtype", FLOATS)
def test_every_element_has_a_thread(dtype: str) -> None:
    numbers = SIZES[dtype] * (1 if "16" in dtype else 2) * 256  # of a block
    for n in (1, 7, numbers - 1, numbers, numbers + 1, 10**6, 2**31 + 1, 2**38):
        blocks = elementwise("sgd", dtype, n).blocks
        assert blocks * numbers >= n + SIZES[dtype] - 1  # the first chunk may lack all but one
        assert (blocks - 2) * numbers < n


def test_a_grid_is_as_large_as_cuda_allows() -> None:
    assert elementwise("sgd", "float64", 2**38).blocks < 2**31
    assert rowwise("softmax", "float32", 2**30, 1000).blocks < 2**31


def test_every_plan_is_of_a_known_kernel() -> None:
    kernels = every_kernel()
    for dtype in FLOATS:
        for n in LENGTHS:
            for op in OPS:
                launch = rowwise(op, dtype, 3, n)
                assert kernels[launch.kernel] == launch.threads
        launch = elementwise("bias_activation", dtype, 10, "ReLU")
        assert kernels[launch.kernel] == launch.threads


@pytest.mark.parametrize("file", sorted({kernel.file for kernel in every_kernel()}))
def test_a_source_has_each_header_once_and_the_constants_of_the_plan(file: str) -> None:
    source = source_of(file)
    assert '#include "' not in source
    assert source.count("struct alignas(16) Chunk") == 1
    if "THREADS" in source:
        assert "constexpr int THREADS = 256;" in source
        assert "constexpr int CHUNKS = sizeof(T) == 2 ? 1 : 2;" in source


# Which arrays are taken ----------------------------------------------------------------------

x = np.ones((4, 3), dtype=np.float32)
t = np.zeros(4, dtype=np.int64)


@pytest.mark.parametrize(
    ("expected", "op", "arrays", "axis"),
    [
        (True, "softmax", [x], -1),
        (True, "softmax", [x], 1),
        (False, "softmax", [x], 0),
        (True, "softmax", [x.astype("float16")], -1),
        (False, "softmax", [x.astype("longdouble")], -1),
        (False, "softmax", [np.ones((4, 6))[:, ::2]], -1),
        (False, "softmax", [np.asfortranarray(x)], -1),
        (True, "relu_backward", [x, x], -1),
        (False, "relu_backward", [x, x.astype("float64")], -1),
        (False, "relu_backward", [x, x[::-1]], -1),
        (True, "softmax_with_loss", [x, t], -1),
        (True, "softmax_with_loss", [x, t.astype("int32"), x], -1),
        (False, "softmax_with_loss", [x, t.astype("int8")], -1),
        (False, "softmax_with_loss", [x, x], -1),
        (False, "softmax_with_loss", [x, t.astype("int64")[::-1]], -1),
        (False, "softmax_with_loss_backward", [x, t, x.astype("float64")], -1),
    ],
)
def test_takes(expected: bool, op: str, arrays: list[np.ndarray], axis: int) -> None:
    assert cuda.takes(op, arrays, axis) is expected


def test_importing_the_kernels_does_not_import_cupy() -> None:
    program = "import sys, xpnet.kernels.cuda; sys.exit('cupy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
