"""Which examples in docstrings cannot be run here, because a library is missing."""

from __future__ import annotations

from importlib.util import find_spec

_NEEDED_BY = {
    "numba": ["xpnet/kernels/numba"],
    "torch": ["xpnet/kernels/torch.py"],
    "jax": ["xpnet/kernels/jax.py", "xpnet/training/jitted.py"],
    "ml_dtypes": ["tests/cuda_on_cpu/trials.py"],
}
_MISSING = {library: paths for library, paths in _NEEDED_BY.items() if find_spec(library) is None}

# A module that fails to be imported would leave an empty one of its name behind.
collect_ignore = [path for paths in _MISSING.values() for path in paths]


def pytest_report_header() -> list[str]:
    return [
        f"{library} is not installed: docstrings are not run in {', '.join(paths)}"
        for library, paths in _MISSING.items()
    ]
