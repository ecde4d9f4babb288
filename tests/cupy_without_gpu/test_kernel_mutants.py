"""Break the kernels in every way that GPU programs break: the tests on the CPU see each of them."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from cuda_on_cpu import CPU, Library, Schedule, compile_library

pytest.importorskip("ml_dtypes", reason="CUDA KERNELS NOT TESTED: ml_dtypes is missing")

from cuda_on_cpu.memory import Memory
from cuda_on_cpu.trials import ELEMENTWISE, ROWWISE, Trial

from xpnet.kernels.cuda.plan import rowwise
from xpnet.kernels.cuda.source import source_of


@dataclass(frozen=True)
class Mutant:
    """A fault, the kernel that it is put into, and a trial of that kernel."""

    before: str
    after: str
    file: str = "softmax.cu"
    kernel: str = "softmax<float, 256, 8>"
    op: str = "softmax"
    shape: tuple[int, int] = (3, 3001)


SMALL = {"kernel": "softmax<float, 4, 2>", "shape": (37, 9)}
STREAMED = {"kernel": "softmax<float, 512, 0>", "shape": (2, 33001)}
LOSS = {
    "file": "softmax_with_loss.cu",
    "kernel": "softmax_with_losses<float, int, 256, 8>",
    "op": "softmax_with_loss int32",
}
GRADIENT = {
    "file": "softmax_with_loss_backward.cu",
    "kernel": "softmax_with_loss_backward<float, int>",
    "op": "softmax_with_loss_backward int32",
}
BIAS = {"file": "activations.cu", "kernel": "bias_activation<float, None>", "op": "bias"}
ADAM = {"file": "updates.cu", "kernel": "adam<float>", "op": "adam"}

BARRIER = "    __syncthreads();\n    v = scratch"
LATE = "// every thread"  # nothing, in a place of a barrier

MUTANTS = {
    "no barrier": Mutant(BARRIER, "    v = scratch"),
    "a barrier for some threads": Mutant(
        BARRIER, "    if (threadIdx.x < 64) __syncthreads();\n    v = scratch"
    ),
    "a barrier too early": Mutant(
        "    if (lane == 0) scratch[warp] = v;\n    __syncthreads();",
        "    __syncthreads();\n    if (lane == 0) scratch[warp] = v;",
    ),
    "one scratch for two sums": Mutant(
        "combined<TEAM>(total, Sum(), sums)", "combined<TEAM>(total, Sum(), maxima)"
    ),
    "a shuffle too near": Mutant("distance = LANES / 2", "distance = LANES / 4"),
    "a shuffle too far": Mutant("distance = LANES / 2", "distance = 16", **SMALL),
    "a shuffle from oneself": Mutant(
        "combine(v, __shfl_xor_sync(0xffffffffu, v, distance))",
        "combine(v, __shfl_xor_sync(0xffffffffu, v, 0))",
    ),
    "a shuffle of half a warp": Mutant("__shfl_xor_sync(0xffffffffu, v", "__shfl_xor_sync(0xffffu, v"),
    "all warps write to one place": Mutant("scratch[warp] = v", "scratch[0] = v"),
    "half of the warps": Mutant("distance = WARPS / 2", "distance = WARPS / 4"),
    "threads without a row leave": Mutant(
        "  if (r >= rows) n = 0;\n", "  if (r >= rows) return;\n", **SMALL
    ),
    "threads without a row go on": Mutant("  if (r >= rows) n = 0;\n", "", **SMALL),
    "one element too many is read": Mutant("i < n ? static_cast", "i <= n ? static_cast"),
    "one element too many is written": Mutant("i < n) array[i] =", "i <= n) array[i] ="),
    "one element too few is written": Mutant("i < n) array[i] =", "i < n - 1) array[i] ="),
    "a chunk over the end": Mutant("first + SIZE<T> <= n", "first <= n"),
    "a chunk over the beginning": Mutant("return first >= 0 && first", "return first"),
    "a chunk that is not aligned": Mutant("% 16 == 0;", "% 1 == 0;"),
    "no lead": Mutant(
        "return static_cast<int>(reinterpret_cast<size_t>(array) % 16 / sizeof(T));", "return 1;"
    ),
    "the wrong filling": Mutant("row.lead(x, n), -infinity<T>()", "row.lead(x, n), Wide<T>(0)"),
    "a chunk is left out": Mutant("i < CHUNKS; ++i", "i < CHUNKS - 6; ++i"),
    "a stride too long": Mutant("Index(i) * TEAM * SIZE<T>", "Index(i) * TEAM * (SIZE<T> + 1)"),
    "the maximum of this thread": Mutant(
        "    most = combined<TEAM>(most, Max(), maxima);\n    row.each", "    row.each"
    ),
    "the wrong row": Mutant("x += r * n;", "x += (r + 1) % rows * n;"),
    "32 bits for an index": Mutant("typedef long long Index;", "typedef short Index;"),
    "streamed: the sum is not scaled": Mutant(
        "if (most > before) total *= exp(before - most);", "", **STREAMED
    ),
    "streamed: the threads' sums are not scaled": Mutant(
        "if (own < most) total *= exp(own - most);", "", **STREAMED
    ),
    "streamed: a stride too long": Mutant(
        "start += TEAM * SIZE<T>", "start += (TEAM + 1) * SIZE<T>", **STREAMED
    ),
    "loss: the target of another row": Mutant("x[t[r]]", "x[t[0]]", **LOSS),
    "loss: every thread writes it": Mutant(
        "losses[r] = log(sum.total)", "losses[r + 1] = log(sum.total)", **LOSS
    ),
    "loss: the target is read too late": Mutant(
        "target = static_cast<Wide<T>>(x[t[r]]);", "target = static_cast<Wide<T>>(y[t[r]]);", **LOSS
    ),
    "gradient: the next column": Mutant("label == column", "label == column + 1", **GRADIENT),
    "gradient: not of the mean": Mutant(
        "upstream / static_cast<Wide<T>>(rows)", "upstream", **GRADIENT
    ),
    "gradient: rows run on": Mutant("if (++column == n) {", "if (++column > n) {", **GRADIENT),
    "gradient: labels beyond the end": Mutant(
        "if (start + k < 0 || row >= rows) continue;", "if (start + k < 0) continue;", **GRADIENT
    ),
    "bias: a column too early": Mutant(
        "const Index from = start < 0 ? 0 : start;", "const Index from = start;", **BIAS
    ),
    "bias: chunks overlap": Mutant(
        "(THREADS * CHUNKS<T>) + threadIdx.x", "(THREADS * CHUNKS<T> - 1) + threadIdx.x", **BIAS
    ),
    "adam: no barrier": Mutant("  __syncthreads();\n  const Wide<T> of_mean", "  const Wide<T> of_mean", **ADAM),
    "adam: state is not written": Mutant(
        "written[] = {param, mean, square}", "written[] = {param, mean}", **ADAM
    ),
    "adam: state is swapped": Mutant(
        "read[] = {param, mean, square, grad}", "read[] = {param, square, mean, grad}", **ADAM
    ),
}


def build(mutant: Mutant, folder: Path, headers: list[Path], *flags: str) -> CPU:
    source = source_of(mutant.file)
    assert source.count(mutant.before) > 0, "there is no such code any more"
    names = [mutant.kernel]
    if "loss.cu" in mutant.file:
        names.append("mean_of_losses<float, 1024>")
    library = compile_library(
        mutant.file,
        source.replace(mutant.before, mutant.after),
        names,
        folder=folder,
        headers=headers,
        flags=("-Wno-error", *flags),
    )
    return CPU({mutant.file: Library(library)})


def try_out(mutant: Mutant, cpu: CPU) -> None:
    """Do what the tests of the kernels do."""
    trial: Trial = {**ROWWISE, **ELEMENTWISE}[mutant.op]("float32", mutant.shape)
    for shift in (0, 1):
        for schedule in Schedule:
            cpu.schedule = schedule
            memory = Memory(shift)
            trial.run(cpu, memory.array)
            memory.check()
            assert cpu.launched[0].kernel.name == mutant.kernel


@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=MUTANTS.keys())
def test_a_mutant_is_caught(mutant: Mutant, gxx: list[Path], tmp_path: Path) -> None:
    cpu = build(mutant, tmp_path, gxx)
    with pytest.raises((AssertionError, RuntimeError)):
        try_out(mutant, cpu)


@pytest.mark.parametrize(
    "mutant", {m.kernel: m for m in MUTANTS.values()}.values(), ids=lambda m: m.kernel
)
def test_what_is_not_broken_passes(mutant: Mutant, cpu: CPU) -> None:
    try_out(mutant, cpu)
