"""Backends for the tests of this folder."""

from __future__ import annotations

import pytest

from xpnet.testing import backends_to_test


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Repeat a test for every backend and device, once: the check computes in its own dtype."""
    if "home" in metafunc.fixturenames:
        option = metafunc.config.getoption("--xpnet-backends", default=None)
        names = None if option is None else option.split(",")
        homes = backends_to_test(names, dtypes=["float32"])
        metafunc.parametrize("home", homes, ids=lambda home: f"{home.name}-{home.device_name}")
