"""The CUDA kernels themselves, run on the CPU, against float64 in several orders of threads."""

from __future__ import annotations

import numpy as np
import pytest
from cuda_on_cpu import CPU, Schedule

pytest.importorskip("cupy", reason="CUDA KERNELS NOT TESTED: run nox -s tests_cupy")
pytest.importorskip("ml_dtypes", reason="CUDA KERNELS NOT TESTED: run nox -s tests_cupy")

from cuda_on_cpu.memory import Memory, sparse
from cuda_on_cpu.trials import (
    DTYPES,
    ELEMENTWISE,
    ROWWISE,
    Trial,
    softmax_with_loss,
    softmax_with_loss_backward,
)

from xpnet.kernels import cuda
from xpnet.kernels.cuda.plan import every_kernel, rowwise

# What is asked for, and lengths with which every team is taken.
LENGTHS = [1, 31, 32, 33, 100, 300, 1000, 1023, 1024, 1025, 3000, 4097, 7000, 10000, 16384]
LENGTHS += [20000, 32000, 32768, 32769]
SIZES = [1, 31, 32, 33, 1023, 1024, 1025, 32000]


def run(trial: Trial, cpu: CPU, shifts: tuple[int, ...] = (0, 1)) -> None:
    """Run a trial in every order, with arrays at 16-byte boundaries and elsewhere."""
    for shift in shifts:
        for schedule in Schedule:
            cpu.schedule = schedule
            memory = Memory(shift)
            trial.run(cpu, memory.array)
            memory.check()


@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("op", ROWWISE)
def test_rows(op: str, dtype: str, n: int, cpu: CPU) -> None:
    run(ROWWISE[op](dtype, (3, n)), cpu)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("op", ELEMENTWISE)
def test_elements(op: str, dtype: str, n: int, cpu: CPU) -> None:
    run(ELEMENTWISE[op](dtype, (3, n)), cpu)


def test_the_tests_above_run_every_kernel() -> None:
    names = {"softmax_with_loss int32": ("softmax_with_losses", "int")}
    names["softmax_with_loss int64"] = ("softmax_with_losses", "long long")
    run_above = {
        rowwise(op, dtype, 3, n, *types).kernel
        for op, *types in (names.get(op, (op,)) for op in ROWWISE)
        for dtype in DTYPES
        for n in LENGTHS
    }
    of_rows = {op.name for op in run_above}
    assert of_rows == {k.name for k in every_kernel() if k.name.count(",") >= 2}
    others = {k.name.split("<")[0] for k in every_kernel() if k.name.count(",") < 2}
    assert len(others) == 11


@pytest.mark.parametrize("shape", [(5,), (2, 3, 5), (70, 5), (2, 1, 1, 40), (300, 1)])
@pytest.mark.parametrize("op", [*ROWWISE, *ELEMENTWISE])
def test_any_rank(op: str, shape: tuple[int, ...], cpu: CPU) -> None:
    run({**ROWWISE, **ELEMENTWISE}[op]("float32", shape), cpu)


@pytest.mark.parametrize("op", [*ROWWISE, *ELEMENTWISE])
def test_no_rows(op: str, cpu: CPU) -> None:
    run({**ROWWISE, **ELEMENTWISE}[op]("float32", (0, 5)), cpu)
    assert all(launch.kernel.name.startswith("mean_of_losses") for launch in cpu.launched)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("op", [*ROWWISE, *ELEMENTWISE])
def test_arrays_that_begin_differently(op: str, dtype: str, cpu: CPU) -> None:
    shifts = iter([1, 2, 0, 3, 1, 2])
    memories = []

    def array(values: np.ndarray) -> np.ndarray:
        memories.append(Memory(next(shifts)))
        return memories[-1].array(values)

    {**ROWWISE, **ELEMENTWISE}[op](dtype, (3, 1025)).run(cpu, array)
    for memory in memories:
        memory.check()


@pytest.mark.parametrize("n", [10, 1025, 33000])
@pytest.mark.parametrize(
    ("op", "same"),
    [
        ("softmax", (0, 1)),
        ("log_softmax", (0, 1)),
        ("softmax_with_loss int64", (0, 3)),
        ("softmax_backward", (0, 2)),
        ("softmax_backward", (1, 2)),
        ("log_softmax_backward", (0, 2)),
        ("log_softmax_backward", (1, 2)),
        ("softmax_with_loss_backward int64", (0, 2)),
        ("relu_backward", (0, 2)),
        ("relu_backward", (1, 2)),
        ("sigmoid_backward", (0, 2)),
        ("sigmoid_backward", (1, 2)),
    ],
)
def test_the_output_may_be_an_input(op: str, same: tuple[int, int], n: int, cpu: CPU) -> None:
    for schedule in Schedule:
        cpu.schedule = schedule
        trial = {**ROWWISE, **ELEMENTWISE}[op]("float32", (3, n))
        arrays = [array.copy() for array in trial.arrays]
        source, target = same
        arrays[target] = arrays[source]
        trial.call(*arrays, launch=cpu)
        arrays[source] = trial.arrays[source]
        trial.check(arrays)


# Beyond 2**31 elements -----------------------------------------------------------------------

ROWS, N = 2**21, 1025  # of float16, in memory that is only promised


@pytest.mark.parametrize(
    "op", ["softmax", "log_softmax_backward", "bias", "relu_backward", "adam", "momentum"]
)
def test_beyond_two_to_the_31(op: str, cpu: CPU) -> None:
    assert (ROWS - 2) * N > 2**31
    trial = {**ROWWISE, **ELEMENTWISE}[op]("float16", (2, N))
    arrays = [
        at_the_end_of_many_rows(array) if array.ndim == 2 else array for array in trial.arrays
    ]
    cpu.last_blocks = 3
    trial.call(*arrays, launch=cpu)
    trial.check([array[-2:] if array.ndim == 2 else array for array in arrays])


def test_a_loss_beyond_two_to_the_31(cpu: CPU) -> None:
    forward = softmax_with_loss("float16", (2, N))
    x, t, y = (at_the_end_of_many_rows(forward.arrays[i]) for i in (0, 1, 3))
    loss = forward.arrays[2]
    del forward.written[2]  # the mean over the rows that were left out
    cpu.last_blocks = 3
    cuda.softmax_with_loss(x, t, loss.copy(), y, launch=cpu)
    forward.check([x[-2:], t[-2:], loss, y[-2:]])


def test_a_gradient_of_the_loss_beyond_two_to_the_31(cpu: CPU) -> None:
    backward = softmax_with_loss_backward("float16", (2, N), dout=1.0)
    y, t, dx = (at_the_end_of_many_rows(array) for array in backward.arrays)
    cpu.last_blocks = 3
    cuda.softmax_with_loss_backward(ROWS / 2, y, t, dx, launch=cpu)  # so that dout / N is 1 / 2
    backward.check([y[-2:], t[-2:], dx[-2:]])


def at_the_end_of_many_rows(array: np.ndarray) -> np.ndarray:
    large = sparse((ROWS, *array.shape[1:]), array.dtype)
    large[-2:] = array
    return large
