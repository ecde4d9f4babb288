"""Break the kernels in every way that GPU programs break: the tests on the CPU see each of them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cuda_on_cpu import CPU, Library, Schedule, compile_library

pytest.importorskip("cupy", reason="CUDA KERNELS NOT TESTED: run nox -s tests_cupy")
pytest.importorskip("ml_dtypes", reason="CUDA KERNELS NOT TESTED: run nox -s tests_cupy")

from cuda_on_cpu.memory import Memory, sparse
from cuda_on_cpu.trials import ELEMENTWISE, ROWWISE, Trial

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
    "shape": (37, 9),
}
BIAS = {"file": "activations.cu", "kernel": "bias_activation<float, None>", "op": "bias"}
ADAM = {"file": "updates.cu", "kernel": "adam<float>", "op": "adam"}
LOGARITHM = {"kernel": "log_softmax<float, 256, 8>", "op": "log_softmax"}
BACKWARD = {
    "file": "softmax_backward.cu",
    "kernel": "softmax_backward<float, 256, 4>",
    "op": "softmax_backward",
}
LOGARITHM_BACKWARD = {
    "file": "softmax_backward.cu",
    "kernel": "log_softmax_backward<float, 256, 4>",
    "op": "log_softmax_backward",
}
RELU = {"file": "activations.cu", "kernel": "relu_backward<float>", "op": "relu_backward"}
SIGMOID = {"file": "activations.cu", "kernel": "sigmoid_backward<float>", "op": "sigmoid_backward"}
SGD, MOMENTUM, NESTEROV, ADAGRAD, RMSPROP = (
    {"file": "updates.cu", "kernel": f"{op}<float>", "op": op}
    for op in ("sgd", "momentum", "nesterov", "adagrad", "rmsprop")
)

BARRIER = "    __syncthreads();\n    v = scratch"

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
    "a shuffle of half a warp": Mutant(
        "__shfl_xor_sync(0xffffffffu, v", "__shfl_xor_sync(0xffffu, v"
    ),
    "all warps write to one place": Mutant("scratch[warp] = v", "scratch[0] = v"),
    "half of the warps": Mutant("distance = WARPS / 2", "distance = WARPS / 4"),
    "threads without a row leave": Mutant(
        "  if (r >= rows) n = 0;\n", "  if (r >= rows) return;\n", **SMALL
    ),
    "threads without a row go on": Mutant("  if (r >= rows) n = 0;\n", "", **SMALL),
    "one element too many is read": Mutant("i < n ? array[i]", "i <= n ? array[i]"),
    "one element too many is written": Mutant("i < n) array[i] =", "i <= n) array[i] ="),
    "one element too few is written": Mutant("i < n) array[i] =", "i < n - 1) array[i] ="),
    "a chunk over the end": Mutant("first + SIZE<T> <= n", "first <= n"),
    "a chunk over the beginning": Mutant("return first >= 0 && first", "return first"),
    "the wrong filling": Mutant("static_cast<T>(-infinity<T>())", "static_cast<T>(0.0f)"),
    "a chunk is left out": Mutant("i < CHUNKS; ++i", "i < CHUNKS - 6; ++i"),
    "a stride too long": Mutant("first + i * TEAM * SIZE<T>", "first + i * TEAM * (SIZE<T> + 1)"),
    "the maximum of this thread": Mutant(
        "    most = combined<TEAM>(most, Max(), maxima);\n    row.each", "    row.each"
    ),
    "the wrong row": Mutant("x += r * n;", "x += (r + 1) % rows * n;"),
    "streamed: the sum is not scaled": Mutant(
        "if (most > before) total *= exp(before - most);", "", **STREAMED
    ),
    "streamed: the threads' sums are not scaled": Mutant(
        "if (own < most) total *= exp(own - most);", "", **STREAMED
    ),
    "streamed: a stride too long": Mutant(
        "start += TEAM * SIZE<T>", "start += (TEAM + 1) * SIZE<T>", **STREAMED
    ),
    "loss: the target of another row": Mutant("x[label]", "x[t[0]]", **LOSS),
    "loss: every thread writes it": Mutant(
        "losses[r] = log(sum.total)", "losses[r + 1] = log(sum.total)", **LOSS
    ),
    "loss: the target is read too late": Mutant(
        "target = static_cast<Wide<T>>(x[label]);",
        "target = static_cast<Wide<T>>(y[label]);",
        **LOSS,
    ),
    "gradient: the next column": Mutant("label == column", "label == column + 1", **GRADIENT),
    "gradient: not of the mean": Mutant(
        "upstream / static_cast<Wide<T>>(rows)", "upstream", **GRADIENT
    ),
    "gradient: rows run on": Mutant("if (++column == n) {", "if (++column > n) {", **GRADIENT),
    "bias: a column too early": Mutant(
        "const Index from = start < 0 ? 0 : start;", "const Index from = start;", **BIAS
    ),
    "bias: chunks overlap": Mutant(
        "(THREADS * CHUNKS<T>) + threadIdx.x", "(THREADS * CHUNKS<T> - 1) + threadIdx.x", **BIAS
    ),
    "adam: no barrier": Mutant(
        "  __syncthreads();\n  const Wide<T> of_mean", "  const Wide<T> of_mean", **ADAM
    ),
    "adam: state is not written": Mutant(
        "written[] = {param, mean, square}", "written[] = {param, mean}", **ADAM
    ),
    "adam: state is swapped": Mutant(
        "read[] = {param, mean, square, grad}", "read[] = {param, square, mean, grad}", **ADAM
    ),
    "log_softmax: no logarithm": Mutant("log(sum.total)", "sum.total", **LOGARITHM),
    "log_softmax: the maximum stays": Mutant("- sum.most - log_total", "- log_total", **LOGARITHM),
    "softmax_backward: the sum of this thread": Mutant(
        "  inner = combined<TEAM>(inner, Sum(), sums);\n", "", **BACKWARD
    ),
    "softmax_backward: a sum without y": Mutant("d.at[k] * p.at[k];", "d.at[k];", **BACKWARD),
    "softmax_backward: always the first row of y": Mutant("  y += r * n;\n", "", **BACKWARD),
    "log_softmax_backward: the sum of this thread": Mutant(
        "  total = combined<TEAM>(total, Sum(), sums);\n", "", **LOGARITHM_BACKWARD
    ),
    "log_softmax_backward: no exponential": Mutant("exp(v.at[k])", "v.at[k]", **LOGARITHM_BACKWARD),
    "log_softmax_backward: always the first row": Mutant(
        "  dx += r * n;\n", "", **LOGARITHM_BACKWARD
    ),
    "relu_backward: 0 is positive": Mutant("of_y > 0", "of_y >= 0", **RELU),
    "relu_backward: the sign of the upstream": Mutant("of_y = v[1]", "of_y = v[0]", **RELU),
    "sigmoid_backward: the wrong sign": Mutant("(1 - v[1].at[k])", "(1 + v[1].at[k])", **SIGMOID),
    "sigmoid_backward: not of y": Mutant("(1 - v[1].at[k])", "(1 - v[0].at[k])", **SIGMOID),
    "sgd: uphill": Mutant("-= lr * v[1].at[k]", "+= lr * v[1].at[k]", **SGD),
    "momentum: the velocity is not written": Mutant(
        "written[] = {param, velocity}", "written[] = {param}", **MOMENTUM
    ),
    "momentum: the velocity is lost": Mutant("kept * v[1].at[k] - lr", "-lr", **MOMENTUM),
    "nesterov: no look ahead": Mutant("+= kept * v[1].at[k] - push", "+= v[1].at[k]", **NESTEROV),
    "nesterov: the velocity of before": Mutant(
        "v[1].at[k] = kept * v[1].at[k] - push;", "v[1].at[k] = kept * v[1].at[k];", **NESTEROV
    ),
    "adagrad: nothing is remembered": Mutant(
        "v[1].at[k] += v[2].at[k]", "v[1].at[k] = v[2].at[k]", **ADAGRAD
    ),
    "adagrad: no root": Mutant("sqrt(v[1].at[k])", "v[1].at[k]", **ADAGRAD),
    "rmsprop: the decay for both": Mutant(
        "static_cast<Wide<T>>(1 - decay)", "static_cast<Wide<T>>(decay)", **RMSPROP
    ),
    "rmsprop: the number inside the root": Mutant(
        "(sqrt(v[1].at[k]) + eps)", "sqrt(v[1].at[k] + eps)", **RMSPROP
    ),
}


def build_library(mutant: Mutant, folder: Path, headers: list[Path], *flags: str) -> Path:
    source = source_of(mutant.file)
    assert source.count(mutant.before) > 0, "there is no such code any more"
    names = [mutant.kernel]
    if mutant.file == "softmax_with_loss.cu":
        names.append("mean_of_losses<float, 1024>")
    return compile_library(
        mutant.file,
        source.replace(mutant.before, mutant.after),
        names,
        folder=folder,
        headers=headers,
        flags=("-Wno-error", *flags),
    )


def build(mutant: Mutant, folder: Path, headers: list[Path]) -> CPU:
    return CPU({mutant.file: Library(build_library(mutant, folder, headers))})


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


def test_a_mutant_with_32_bits_for_an_index_is_caught(gxx: list[Path], tmp_path: Path) -> None:
    mutant = Mutant(
        "x += r * n;", "x += static_cast<int>(r * n);", kernel="softmax<__half, 128, 4>"
    )
    rows, n = 2**21, 1025
    trial = ROWWISE["softmax"]("float16", (2, n))
    x, y = sparse((rows, n), np.float16), sparse((rows, n), np.float16)
    for shift in (2**20, 0):  # wherever the mutant reads instead, there is something to read
        x[-2 - shift : rows - shift] = trial.arrays[0] if shift == 0 else 1
    cpu = build(mutant, tmp_path, gxx)
    cpu.last_blocks = 2
    trial.call(x, y, launch=cpu)
    with pytest.raises(AssertionError):
        trial.check([x[-2:], y[-2:]])


def test_a_mutant_with_32_bits_for_an_element_is_caught(gxx: list[Path], tmp_path: Path) -> None:
    mutant = Mutant(
        "first = chunk * SIZE<T> -",
        "first = static_cast<int>(chunk * SIZE<T>) -",
        file="activations.cu",
        kernel="relu_backward<__half>",
    )
    rows, n = 2**21, 1025
    trial = ELEMENTWISE["relu_backward"]("float16", (2, n))
    arrays = [sparse((rows, n), np.float16) for _ in trial.arrays]
    for large, array in zip(arrays, trial.arrays, strict=True):
        large[-2:] = array
    cpu = build(mutant, tmp_path, gxx)
    cpu.last_blocks = 3
    trial.call(*arrays, launch=cpu)
    with pytest.raises(AssertionError):
        trial.check([array[-2:] for array in arrays])


# Sanitizers ----------------------------------------------------------------------------------

OVERRUNS = {
    "reads": Mutant("i < n ? array[i]", "i <= n ? array[i]", shape=(3, 3002)),
    "writes": Mutant("i < n) array[i] =", "i <= n) array[i] =", shape=(3, 3002)),
    "labels": Mutant(
        "if (start + k < 0 || row >= rows) continue;", "if (start + k < 0) continue;", **GRADIENT
    ),
}
MISALIGNED = Mutant("% 16 == 0;", "% 1 == 0;", shape=(3, 3000))

# Arrays without guards: the sanitizer watches the bytes beside them.
PROGRAM = """
import sys
from pathlib import Path
import numpy as np
from cuda_on_cpu import CPU, Library
from cuda_on_cpu.trials import ELEMENTWISE, ROWWISE

def array(values):
    return np.concatenate([np.zeros(1, values.dtype), values.ravel()])[1:].reshape(values.shape)

file, library, op, *shape = sys.argv[1:]
trial = {**ROWWISE, **ELEMENTWISE}[op]("float32", tuple(map(int, shape)))
trial.run(CPU({file: Library(Path(library))}), array)
print("no complaint")
"""


@pytest.fixture
def sanitized(gxx: list[Path], tmp_path: Path):
    """Return a function that runs a mutant in a process of its own, watched by a sanitizer."""

    def run(mutant: Mutant, sanitizer: str) -> subprocess.CompletedProcess[str]:
        flags = (f"-fsanitize={sanitizer}", f"-fno-sanitize-recover={sanitizer}", "-g")
        library = build_library(mutant, tmp_path, gxx, *flags)
        preloaded = subprocess.run(
            ["g++", "-print-file-name=libasan.so"], check=True, capture_output=True, text=True
        )
        environment = {
            **os.environ,
            "LD_PRELOAD": preloaded.stdout.strip() if sanitizer == "address" else "",
            "ASAN_OPTIONS": "detect_leaks=0:detect_stack_use_after_return=0",
            "PYTHONMALLOC": "malloc",
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        }
        arguments = [mutant.file, str(library), mutant.op, *map(str, mutant.shape)]
        command = [sys.executable, "-c", PROGRAM, *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    return run


@pytest.mark.parametrize("mutant", OVERRUNS.values(), ids=OVERRUNS.keys())
def test_the_address_sanitizer_names_an_overrun(mutant: Mutant, sanitized) -> None:
    found = sanitized(mutant, "address")
    assert "heap-buffer-overflow" in found.stderr
    place = r"(numbers\.cuh|softmax_with_loss_backward\.cu):\d+"
    assert re.search(rf"#0 .* in .*{place}", found.stderr), found.stderr


def test_a_misaligned_access_is_named(sanitized) -> None:
    found = sanitized(MISALIGNED, "alignment")
    assert re.search(r"numbers\.cuh:\d+.* misaligned address .* 16 byte alignment", found.stderr)


# One of each family; what is replaced is nothing, by nothing.
FAMILIES = {
    "softmax, streamed": STREAMED,
    "log_softmax": LOGARITHM,
    "softmax_backward": BACKWARD,
    "log_softmax_backward": LOGARITHM_BACKWARD,
    "loss": LOSS,
    "bias": BIAS,
    "bias and sigmoid": BIAS
    | {"kernel": "bias_activation<float, Sigmoid>", "op": "bias and sigmoid"},
    "relu_backward": RELU,
    "sigmoid_backward": SIGMOID,
    "sgd": SGD,
    "nesterov": NESTEROV,
    "rmsprop": RMSPROP,
    "adam": ADAM,
}


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES.keys())
def test_the_address_sanitizer_watches_every_family(family: dict[str, Any], sanitized) -> None:
    # So long that the last chunk is not whole, and an overrun would be one of the array.
    found = sanitized(Mutant("", "", **{"shape": (3, 3002), **family}), "address")
    assert found.stdout == "no complaint\n", found.stderr


@pytest.mark.parametrize(
    ("mutant", "sanitizer"),
    [*((mutant, "address") for mutant in OVERRUNS.values()), (MISALIGNED, "alignment")],
)
def test_the_sanitizers_have_no_complaint_about_the_kernels(
    mutant: Mutant, sanitizer: str, sanitized
) -> None:
    found = sanitized(replace(mutant, after=mutant.before), sanitizer)
    assert found.stdout == "no complaint\n", found.stderr
