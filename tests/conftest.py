"""What all tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import xpnet.backend


@pytest.fixture(autouse=True)
def _default_backend_restored() -> Iterator[None]:
    before = xpnet.backend._process_default
    yield
    xpnet.backend._process_default = before
