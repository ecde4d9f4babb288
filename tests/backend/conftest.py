"""The libraries that these tests run on, and the state that they put back."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

import xpnet.backend
import xpnet.backends

LIBRARIES = ["numpy", "array_api_strict", "torch", "jax"]


@pytest.fixture(params=LIBRARIES)
def library(request: pytest.FixtureRequest) -> str:
    """Name each library in turn; one that is not installed is skipped."""
    name: str = request.param
    pytest.importorskip(name, reason=f"{name} is not installed")
    return name


@pytest.fixture(autouse=True)
def _backend_as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Begin as a fresh process does, and take back what a test chose, jax's x64 mode included."""
    monkeypatch.delenv("XPNET_BACKEND", raising=False)
    monkeypatch.setattr(xpnet.backend, "_process_default", None)
    jax = sys.modules.get("jax")
    x64 = jax is not None and jax.config.jax_enable_x64
    yield
    jax = jax or sys.modules.get("jax")  # a test may have hidden it, or have been the first
    if jax is not None:
        jax.config.update("jax_enable_x64", x64)


@pytest.fixture
def fresh_adapters(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Forget which libraries were found, so that a test can change what is installed."""
    monkeypatch.setattr(xpnet.backends, "_adapters", {})
    xpnet.backends._entries.cache_clear()
    yield
    xpnet.backends._entries.cache_clear()
