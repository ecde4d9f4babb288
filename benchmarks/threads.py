"""The same number of threads for every library."""

from __future__ import annotations

import os
import sys

import threadpoolctl

THREADS = int(os.environ.get("XPNET_BENCH_THREADS", "2"))

# Read by each library when it is loaded; PJRT_NPROC and NPROC by XLA, when JAX is first used. XLA
# has no flag for it: --xla_cpu_multi_thread_eigen=false leaves its thread pool as it is.
_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "BLIS_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "PJRT_NPROC",
    "NPROC",
)


def pin() -> None:
    """Give every library THREADS threads; call it before PyTorch and JAX are imported."""
    for variable in _VARIABLES:
        os.environ[variable] = str(THREADS)
    threadpoolctl.threadpool_limits(THREADS)  # NumPy is loaded already
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(THREADS)
