"""The machine: pin its threads, and say what it is and how busy."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import threadpoolctl

import xpnet

THREADS = int(os.environ.get("XPNET_BENCH_THREADS", "2"))

# Read by each library when it is loaded; the last two by XLA, when JAX is first used. XLA has no
# flag for it: --xla_cpu_multi_thread_eigen=false leaves its thread pool as it is.
_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMBA_NUM_THREADS",
    "PJRT_NPROC",
    "NPROC",
)


def pin_threads() -> None:
    """Give every library THREADS threads; call it before PyTorch and JAX are imported."""
    for variable in _VARIABLES:
        os.environ[variable] = str(THREADS)
    threadpoolctl.threadpool_limits(THREADS)  # NumPy is loaded already
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(THREADS)


def settle_heap() -> None:
    """Bring the C library's heap to where it is in any program that has freed a larger array.

    A young glibc process returns every freed array of some 100 kB to the system, and the next
    one of its size costs page faults: the book's step in float64 takes half as long again. Once
    a block of several megabytes has been freed, it keeps them. Without this call, a ratio would
    depend on what happened to be imported.
    """
    np.ones(2**21)  # 16 MB; above 32 MB it would not count


def page_faults() -> int:
    """How often this process had to wait for a page of memory so far; 0 where nobody counts."""
    try:
        import resource
    except ImportError:  # Windows
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def describe(backends: Sequence[xpnet.Backend]) -> list[str]:
    """Return lines on the machine, the versions, the threads and the load."""
    versions = {"python": platform.python_version(), "xpnet": xpnet.__version__}
    versions |= {backend.name: backend.adapter.version for backend in backends}
    devices = dict.fromkeys(map(device_name, backends))  # a set that keeps its order
    return [
        f"machine: {', '.join(devices)}, {os.cpu_count()} cores, {platform.system()}",
        "versions: " + ", ".join(f"{name} {version}" for name, version in versions.items()),
        f"threads: {THREADS} asked for; {', '.join(_threads_found())}",
        f"load: {load()}",
    ]


def _threads_found() -> list[str]:
    """What the libraries themselves say; JAX says nothing, so its variable stands for it."""
    found = [
        f"{pool['internal_api']} {pool['num_threads']}" for pool in threadpoolctl.threadpool_info()
    ]
    if "torch" in sys.modules:
        found.append(f"torch {sys.modules['torch'].get_num_threads()}")
    if "jax" in sys.modules:
        found.append(f"jax PJRT_NPROC={os.environ['PJRT_NPROC']}")
    return found


def processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


def load() -> str:
    """The load averages; well above the benchmark's own threads, they spoil every figure."""
    averages = os.getloadavg() if hasattr(os, "getloadavg") else ()
    return " ".join(f"{average:.2f}" for average in averages) or "unknown"


def device_name(backend: xpnet.Backend) -> str:
    """What the backend's device is called by its maker."""
    device = backend.device
    if backend.name == "cupy":
        import cupy

        return str(cupy.cuda.runtime.getDeviceProperties(device.id)["name"].decode())
    if getattr(device, "type", None) == "cuda":
        import torch

        return torch.cuda.get_device_name(device)
    if getattr(device, "platform", "cpu") != "cpu":  # JAX
        return str(device.device_kind)
    return processor()
