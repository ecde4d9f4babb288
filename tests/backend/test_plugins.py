"""Another package registers its library under the entry-point group ``xpnet.backends``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import pytest

import xpnet
from xpnet.backends import backend_names

pytestmark = pytest.mark.usefixtures("fresh_adapters")

ARRAYS = """
from array_api_compat.numpy import *
from array_api_compat.numpy import __array_namespace_info__
__version__ = "1.2"
"""
ADAPTER = """
from xpnet.backends import Adapter

class Tiny(Adapter):
    module = "tinyarrays"
    install = "pip install tinyarrays"
"""

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Give a function that installs a package: an entry point, and modules by name."""

    def install(entry_point: str, **modules: str) -> None:
        metadata = tmp_path / "tinyarrays-1.2.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(
            "Metadata-Version: 2.1\nName: tinyarrays\nVersion: 1.2\n"
        )
        (metadata / "entry_points.txt").write_text(f"[xpnet.backends]\n{entry_point}\n")
        for name, source in modules.items():
            (tmp_path / f"{name}.py").write_text(source)

    monkeypatch.syspath_prepend(tmp_path)
    yield install
    for name in ["tinyarrays", "tiny_plugin"]:
        sys.modules.pop(name, None)


def test_a_registered_library_is_like_a_built_in_one(install: Install) -> None:
    install("tinyarrays = tiny_plugin:Tiny", tiny_plugin=ADAPTER, tinyarrays=ARRAYS)
    assert backend_names()[-1] == "tinyarrays"
    backend = xpnet.set_backend("tinyarrays", dtype="float64")
    assert repr(backend) == "Backend('tinyarrays', device='cpu', dtype='float64')"
    assert backend.xp is import_module("tinyarrays")
    status = xpnet.available_backends()["tinyarrays"]
    assert (status.version, status.device) == ("1.2", "cpu")


def test_its_adapter_is_used_for_its_module_too(install: Install) -> None:
    install("tinyarrays = tiny_plugin:Tiny", tiny_plugin=ADAPTER, tinyarrays=ARRAYS)
    by_module = xpnet.set_backend(import_module("tinyarrays"))
    assert type(by_module.adapter).__name__ == "Tiny"
    assert by_module == xpnet.set_backend("tinyarrays")


def test_it_is_among_the_known_names(install: Install) -> None:
    install("tinyarrays = tiny_plugin:Tiny")
    with pytest.raises(ValueError, match=r"known are 'numpy', .*, 'tinyarrays'"):
        xpnet.set_backend("numppy")


def test_without_its_library_it_names_its_own_command(install: Install) -> None:
    install("tinyarrays = tiny_plugin:Tiny", tiny_plugin=ADAPTER)
    with pytest.raises(
        xpnet.BackendUnavailableError, match=r"is not installed; .*: pip install tinyarrays$"
    ):
        xpnet.set_backend("tinyarrays")


def test_a_built_in_backend_cannot_be_replaced(install: Install) -> None:
    install("numpy = tiny_plugin:Tiny", tiny_plugin=ADAPTER, tinyarrays=ARRAYS)
    assert type(xpnet.set_backend("numpy").adapter).__module__ == "xpnet.backends.numpy"


@pytest.mark.parametrize(
    ("entry_point", "source", "words"),
    [
        ("tinyarrays = nowhere:Tiny", "", "cannot be loaded (ModuleNotFoundError: No module"),
        ("tinyarrays = tiny_plugin:Tiny", "", "cannot be loaded (AttributeError: "),
        ("tinyarrays = tiny_plugin:Tiny", "1 / 0", "cannot be loaded (ZeroDivisionError: "),
        ("tinyarrays = tiny_plugin:Tiny", "Tiny = dict", "no subclass of xpnet.backends.Adapter"),
        # Arrays find their adapter by the name of their library.
        ("other = tiny_plugin:Tiny", ADAPTER, "which is for 'tinyarrays'; an entry has the name"),
    ],
)
def test_a_broken_registration_harms_nobody_else(install, entry_point, source, words) -> None:
    install(entry_point, tiny_plugin=source)
    name = entry_point.split()[0]
    with pytest.raises(xpnet.BackendUnavailableError) as caught:
        xpnet.set_backend(name)
    assert words in str(caught.value)
    found = xpnet.available_backends()
    assert found[name].reason == str(caught.value)
    assert found["numpy"].available
