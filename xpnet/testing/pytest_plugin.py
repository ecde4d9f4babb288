"""A pytest plugin: tests that ask for ``xpnet_backend`` run on every array library.

``pytest --xpnet-backends=numpy,torch`` names them; one that cannot be used is an error then.
Without the option, all that can be used are taken, and the report's header names the others.
"""

from __future__ import annotations

import pytest

from xpnet.backend import Backend, available_backends
from xpnet.dtypes import dtype_name

__all__ = ["pytest_addoption", "pytest_generate_tests", "pytest_report_header"]

_OPTION = "--xpnet-backends"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option to pytest's."""
    group = parser.getgroup("xpnet")
    group.addoption(
        _OPTION,
        metavar="NAMES",
        help="backends for tests that use the fixture xpnet_backend, separated by commas",
    )


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say which backends are tested, and why the others are not."""
    names = _names(config)
    if names is not None:
        return [f"xpnet backends: {', '.join(names)}"]
    statuses = available_backends().values()
    usable = ", ".join(f"{s.name} {s.version}" for s in statuses if s.available)
    missing = [f"xpnet does not test {s.name}: {s.reason}" for s in statuses if not s.available]
    return [f"xpnet backends: {usable}", *missing]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Repeat a test for every backend, device and dtype."""
    if "xpnet_backend" in metafunc.fixturenames:
        from xpnet.testing.layer import backends_to_test

        backends = backends_to_test(_names(metafunc.config))
        metafunc.parametrize("xpnet_backend", backends, ids=_identifier)


def _names(config: pytest.Config) -> list[str] | None:
    names: str | None = config.getoption(_OPTION)
    return None if names is None else names.split(",")


def _identifier(backend: Backend) -> str:
    device = str(backend.device).removeprefix("array_api_strict.Device('").removesuffix("')")
    return f"{backend.name}-{device}-{dtype_name(backend.dtype)}"
