"""What xpnet must reach, as data."""

from __future__ import annotations

from typing import NamedTuple

from benchmarks.gpu import WORKLOADS as ON_GPU

FASTEST, LIMIT = "the fastest of all", "limit"


class Goal(NamedTuple):
    """How many times as fast as each rival, or what share of the limit, a contender shall be."""

    title: str
    contender: str
    factors: dict[str, float]


class Overhead(NamedTuple):
    """How many microseconds more a contender may take than the same calls written out."""

    title: str
    contender: str
    written_out: str
    microseconds: float


EAGER, COMPILED = "xpnet numpy", "xpnet numpy compiled"
CPU = [
    *(
        Goal(f"softmax {shape}", EAGER, {"torch": 1.1, "jax.jit": 1.0})
        for shape in ("1024x1000", "4096x4096", "128x32000")
    ),
    Goal("softmax 4096x4096", EAGER, {LIMIT: 0.8}),
    *(
        Goal(
            f"softmax with loss, forward and backward {shape}",
            EAGER,
            {"torch": 2.0, "jax.jit": 1.8},
        )
        for shape in ("1024x1000", "128x32000")
    ),
    Goal("affine, forward and backward 512x512x512", EAGER, {LIMIT: 0.95, "torch": 1.0}),
    *(
        Goal(f"affine, forward and backward {shape}", EAGER, {LIMIT: 0.97, "torch": 1.0})
        for shape in ("1024x1024x1024", "512x4096x1024")
    ),
    Goal(
        "training step 784-50-10 batch 100",
        COMPILED,
        {"book float64": 3.5, "torch": 2.5, "jax.jit": 1.8, LIMIT: 1 / 1.25},
    ),
    Goal("training step 784-512-10 batch 128", COMPILED, {FASTEST: 1.3, LIMIT: 1 / 1.2}),
    Goal("training step 784-4096-10 batch 512", COMPILED, {FASTEST: 1.0, LIMIT: 0.92}),
    *(
        Goal(f"softmax {shape}", f"{EAGER} (no numba)", {"book float64": 1.8})
        for shape in ("1024x1000", "4096x4096", "128x32000")
    ),
    Goal(
        "training step 784-50-10 batch 100",
        f"{COMPILED} (no numba)",
        {"book float64": 2.5, "torch": 1.0},
    ),
    # An eager step in half the book's time.
    Goal("training step 784-50-10 batch 100", EAGER, {"book float64": 2.0}),
]
OVERHEADS = [Overhead("affine, forward 1x64x32", EAGER, "book float32", 2.0)]

_GPU_EAGER, _GPU_COMPILED = "xpnet cupy", "xpnet cupy compiled"
_SHARES = {"softmax": 0.85, "loss_backward": 0.8, "affine": 0.97, "affine_backward": 0.97}
GPU = [
    *(
        Goal(str(workload), _GPU_EAGER, {LIMIT: _SHARES[workload.op]})
        for workload in ON_GPU
        if workload.op in _SHARES
    ),
    *(
        Goal(str(workload), _GPU_COMPILED, {_GPU_EAGER: 3.0, "torch CUDA graph": 1.0})
        for workload in ON_GPU
        if workload.op == "step"
    ),
]
