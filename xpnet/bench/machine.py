"""What the machine is, what runs on it, and how busy it is."""

from __future__ import annotations

import os
import platform
import sys
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypedDict

import numpy as np

import xpnet

__all__ = ["Machine", "describe", "device_name", "lines", "load", "processor", "settle_heap"]

# The modules that may be imported, and the distributions they come from.
_LIBRARIES = {
    "numpy": "numpy",
    "torch": "torch",
    "jax": "jax",
    "numba": "numba",
    "thinc": "thinc",
    "blis": "blis",
    "sklearn": "scikit-learn",
}


class Machine(TypedDict):
    """A machine as plain data, as it was when it was asked for."""

    processor: str
    cores: int
    system: str
    versions: dict[str, str]
    threads: dict[str, str]
    load: str


def describe() -> Machine:
    """Return the machine, with those libraries that are imported already."""
    imported = {name: sys.modules[name] for name in _LIBRARIES if name in sys.modules}
    versions = {"python": platform.python_version(), "xpnet": xpnet.__version__}
    versions |= {_LIBRARIES[name]: metadata.version(_LIBRARIES[name]) for name in imported}
    if "cupy" in sys.modules:  # comes from one of several distributions
        versions["cupy"] = str(sys.modules["cupy"].__version__)
    return {
        "processor": processor(),
        "cores": os.cpu_count() or 0,
        "system": platform.system(),
        "versions": versions,
        "threads": _threads(imported),
        "load": load(),
    }


def lines(machine: Machine) -> list[str]:
    """Return the same for people."""
    return [
        f"machine: {machine['processor']}, {machine['cores']} cores, {machine['system']}",
        "versions: " + ", ".join(f"{name} {v}" for name, v in machine["versions"].items()),
        "threads: " + ", ".join(f"{name} {n}" for name, n in machine["threads"].items()),
        f"load: {machine['load']}" + (" BUSY: FIGURES ARE NOISE" if _is_busy(machine) else ""),
    ]


def _is_busy(machine: Machine) -> bool:
    """Whether others keep the cores; up to a thread each, it may be the benchmark itself."""
    recent = machine["load"].split()[0]
    return recent != "unknown" and float(recent) > machine["cores"] + 1


def _threads(imported: dict[str, Any]) -> dict[str, str]:
    """What the libraries say themselves; for those that say nothing, the variable they read."""
    found = {}
    if find_spec("threadpoolctl"):
        import threadpoolctl

        for pool in threadpoolctl.threadpool_info():
            found[str(pool["internal_api"])] = str(pool["num_threads"])
    if "torch" in imported:
        found["torch"] = str(imported["torch"].get_num_threads())
    if "numba" in imported:
        found["numba"] = str(imported["numba"].get_num_threads())
    if "jax" in imported:
        found["xla"] = os.environ.get("PJRT_NPROC", "its own choice")
    if "blis" in imported:
        found["blis"] = os.environ.get("BLIS_NUM_THREADS", "its own choice")
    return found


def processor() -> str:
    """Return what its maker calls it."""
    cpuinfo = Path("/proc/cpuinfo")
    entries = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    models = [line.partition(":")[2].strip() for line in entries if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


def load() -> str:
    """Return the load averages; well above the benchmark's own threads, they spoil every figure."""
    averages = os.getloadavg() if hasattr(os, "getloadavg") else ()
    return " ".join(f"{average:.2f}" for average in averages) or "unknown"


def device_name(backend: xpnet.Backend) -> str:
    """Return what the backend's device is called by its maker."""
    device = backend.device
    if backend.name == "cupy":
        import cupy

        return str(cupy.cuda.runtime.getDeviceProperties(device.id)["name"].decode())
    if getattr(device, "type", None) == "cuda":
        import torch

        return str(torch.cuda.get_device_name(device))
    if getattr(device, "platform", "cpu") != "cpu":  # JAX
        return str(device.device_kind)
    return processor()


def settle_heap() -> None:
    """Bring the C library's heap to where it is in any program that has freed a larger array.

    A young glibc process returns every freed array of some 100 kB to the system, and the next
    one of its size costs page faults: the book's step in float64 takes half as long again. Once
    a block of several megabytes has been freed, it keeps them. Without this call, a ratio would
    depend on what happened to be imported.
    """
    np.ones(2**21)  # 16 MB; above 32 MB it would not count
