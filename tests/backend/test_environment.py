"""XPNET_BACKEND names the default of a process."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import xpnet


def test_it_names_the_default_of_a_new_process() -> None:
    code = "import xpnet; print(xpnet.get_backend().name)"
    environment = os.environ | {"XPNET_BACKEND": "array_api_strict"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "array_api_strict"


def test_a_bad_one_does_not_break_the_import() -> None:
    code = "import xpnet; xpnet.set_backend('numpy'); print(xpnet.get_backend().name)"
    environment = os.environ | {"XPNET_BACKEND": "numppy"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "numpy"


def test_empty_is_as_good_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XPNET_BACKEND", "")
    assert xpnet.get_backend().name == "numpy"


def test_what_the_code_says_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XPNET_BACKEND", "array_api_strict")
    with xpnet.use_backend("numpy"):
        assert xpnet.get_backend().name == "numpy"
    assert xpnet.get_backend().name == "array_api_strict"
    xpnet.set_backend("numpy")
    assert xpnet.get_backend().name == "numpy"


def test_an_unknown_name_is_an_error_that_says_where_it_comes_from(monkeypatch) -> None:
    monkeypatch.setenv("XPNET_BACKEND", "numppy")
    with pytest.raises(ValueError, match="unknown backend 'numppy'; known are 'numpy'") as caught:
        xpnet.get_backend()
    assert "XPNET_BACKEND" in "".join(caught.value.__notes__)


@pytest.mark.usefixtures("fresh_adapters")
def test_an_unavailable_library_is_never_replaced_silently(monkeypatch) -> None:
    monkeypatch.setenv("XPNET_BACKEND", "jax")
    monkeypatch.setitem(sys.modules, "jax", None)  # Python's own way to say: not to be found
    for _ in range(2):  # and not only the first time
        with pytest.raises(xpnet.BackendUnavailableError, match="'jax' is not installed") as caught:
            xpnet.asarray([1.0])
        assert "XPNET_BACKEND" in "".join(caught.value.__notes__)
