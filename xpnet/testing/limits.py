"""Checks that can be made on some backends alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from xpnet.backend import Backend
from xpnet.dtypes import dtype_name

__all__ = ["reason_not_to_run"]


@dataclass(frozen=True)
class _Limit:
    """Where alone a check can be made, and the reason."""

    holds: Callable[[Backend], bool]
    reason: str


_LIMITS = {
    "right gradients": _Limit(
        lambda backend: dtype_name(backend.dtype) == "float64",
        "finite differences are taken in float64",
    ),
    "read-only inputs": _Limit(
        lambda backend: backend.name == "numpy",
        "only NumPy has arrays that can be made read-only",
    ),
    "same under jit": _Limit(lambda backend: backend.name == "jax", "only JAX compiles functions"),
    "no host reads": _Limit(
        lambda backend: backend.name == "array_api_strict" and backend.device_name != "CPU_DEVICE",
        "the traps are set on the devices of array-api-strict",
    ),
}


def reason_not_to_run(check: str, backend: Backend) -> str | None:
    """Return why a check cannot be made on a backend, or None if it can."""
    limit = _LIMITS.get(check)
    return None if limit is None or limit.holds(backend) else limit.reason
