"""Every optimizer in turn."""

from __future__ import annotations

import pytest
from optimizers.catalog import OPTIMIZERS, Entry


@pytest.fixture(params=OPTIMIZERS.values(), ids=str)
def entry(request) -> Entry:
    return request.param
