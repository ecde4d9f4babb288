"""available_backends: what is here, and of the rest, why not."""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import xpnet

BUILT_IN = ["numpy", "cupy", "torch", "jax", "array_api_strict"]
COMMANDS = {
    "cupy": 'pip install "xpnet[cuda13]" (or "xpnet[cuda12]" for a CUDA 12 driver)',
    "torch": 'pip install "xpnet[torch]"',
    "jax": 'pip install "xpnet[jax]"',
    "array_api_strict": "pip install array-api-strict",
}


def put_in_place_of(name: str, source: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ``import name`` find a module with this source."""
    (folder / f"{name}.py").write_text(source)
    monkeypatch.syspath_prepend(folder)
    for module in [m for m in sys.modules if m.split(".")[0] == name]:
        monkeypatch.delitem(sys.modules, module)


def test_every_built_in_backend_is_listed() -> None:
    assert list(xpnet.available_backends())[: len(BUILT_IN)] == BUILT_IN


def test_what_is_installed_has_a_version_and_a_device(library: str) -> None:
    status = xpnet.available_backends()[library]
    assert status.available
    assert status.reason is None
    assert status.version == version(library)
    assert status.device == xpnet.set_backend(library).device_name


def test_looking_does_not_choose() -> None:
    before = xpnet.set_backend("array_api_strict", device="device1")
    xpnet.available_backends()
    assert xpnet.get_backend() is before


@pytest.mark.usefixtures("fresh_adapters")
@pytest.mark.parametrize("name", COMMANDS)
def test_what_is_not_installed_comes_with_the_command_that_installs_it(name, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, name, None)  # Python's own way to say: not to be found
    reason = f"backend {name!r} is not installed; install it with: {COMMANDS[name]}"
    status = xpnet.available_backends()[name]
    assert status == xpnet.BackendStatus(name, reason=reason)
    assert not status.available
    with pytest.raises(xpnet.BackendUnavailableError) as caught:
        xpnet.set_backend(name)
    assert str(caught.value) == reason
    assert isinstance(caught.value, ImportError)


@pytest.mark.usefixtures("fresh_adapters")
@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("import its_own_dependency", "ModuleNotFoundError: No module named 'its_own_dependency'"),
        ("raise OSError('libcudart.so.13: cannot open')", "OSError: libcudart.so.13: cannot open"),
        ("raise RuntimeError('built for NumPy 1')", "RuntimeError: built for NumPy 1"),
    ],
)
def test_what_is_installed_but_broken_is_told_apart(source, words, tmp_path, monkeypatch) -> None:
    put_in_place_of("jax", source, tmp_path, monkeypatch)
    assert xpnet.available_backends()["jax"].reason == (
        f"backend 'jax' is installed but cannot be imported ({words}); "
        'uninstall it, then: pip install "xpnet[jax]"'
    )


@pytest.mark.usefixtures("fresh_adapters")
def test_a_library_that_is_installed_later_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "array_api_strict", None)
        assert not xpnet.available_backends()["array_api_strict"].available
    assert xpnet.available_backends()["array_api_strict"].available
