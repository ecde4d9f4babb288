"""CuPy is installed, but there is no GPU: choosing it must say so, and change nothing."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace

import pytest

import xpnet
import xpnet.backend
import xpnet.backends.cupy
from xpnet.backends import adapter_by_name

cupy = pytest.importorskip("cupy", reason="CuPy is not installed: run nox -s tests_cupy")
compat = pytest.importorskip("array_api_compat.cupy")

pytestmark = pytest.mark.skipif(
    cupy.is_available(), reason="there is a GPU, so this is not to be seen: run nox -s tests_gpu"
)

EVERY_WAY_TO_ASK = {
    "by name": lambda: xpnet.set_backend("cupy"),
    "by module": lambda: xpnet.set_backend(cupy),
    "by compat namespace": lambda: xpnet.set_backend(compat),
    "by device name": lambda: xpnet.set_backend("cupy", device="cuda:0"),
    "by device number": lambda: xpnet.set_backend("cupy", device=0),
    "for a block": lambda: xpnet.use_backend("cupy").__enter__(),
    "for an array": lambda: xpnet.asarray([1.0], xp="cupy"),
    "for a net": lambda: xpnet.TwoLayerNet(4, 5, 3, xp="cupy"),
}


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend that the driver finds two GPUs."""
    monkeypatch.setattr(cupy.cuda.runtime, "getDeviceCount", lambda: 2)
    monkeypatch.setattr(cupy.cuda, "Device", lambda number=None: SimpleNamespace(id=number or 0))


@pytest.mark.parametrize("ask", EVERY_WAY_TO_ASK.values(), ids=EVERY_WAY_TO_ASK.keys())
def test_the_error_has_the_version_and_the_words_of_the_driver_and_the_cure(ask) -> None:
    before = xpnet.set_backend("array_api_strict", device="device1")
    with pytest.raises(xpnet.BackendUnavailableError) as caught:
        ask()
    text = str(caught.value)
    assert text.startswith(f"backend 'cupy': CuPy {cupy.__version__} is installed, but no usable")
    assert "cudaError" in text  # cupy.is_available() would only say False
    assert str(caught.value.__cause__) in text
    assert text.endswith("run on a machine with an NVIDIA GPU, or use set_backend('numpy')")
    assert xpnet.get_backend() is before


def test_available_backends_gives_the_same_reason() -> None:
    with pytest.raises(xpnet.BackendUnavailableError) as caught:
        xpnet.set_backend("cupy")
    assert xpnet.available_backends()["cupy"].reason == str(caught.value)


def test_the_environment_does_not_fall_back_to_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xpnet.backend, "_process_default", None)
    monkeypatch.setenv("XPNET_BACKEND", "cupy")
    with pytest.raises(xpnet.BackendUnavailableError, match="cudaError"):
        xpnet.asarray([1.0])


def test_two_distributions_over_each_other_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    # They share a folder, so that either may be broken; CuPy itself only warns.
    both = {"cupy": ["cupy-cuda13x", "cupy-cuda12x", "cupy-cuda12x"]}
    monkeypatch.setattr(xpnet.backends.cupy, "packages_distributions", lambda: both)
    with pytest.raises(
        xpnet.BackendUnavailableError,
        match=r"cupy-cuda12x and cupy-cuda13x are installed over each other; uninstall all .*: pip",
    ):
        xpnet.set_backend("cupy")


@pytest.mark.parametrize("library", ["nvrtc.getVersion", "device.get_cublas_handle"])
def test_a_gpu_without_the_cuda_libraries_is_told_how_to_get_them(library, monkeypatch) -> None:
    def missing() -> None:
        msg = "Failure finding the library"
        raise RuntimeError(msg)

    gpu = nullcontext()
    gpu.id = 0
    monkeypatch.setattr(cupy.cuda.nvrtc, "getVersion", lambda: (13, 0))
    monkeypatch.setattr(f"cupy.cuda.{library}", missing)
    with pytest.raises(
        xpnet.BackendUnavailableError,
        match=r"cuda:0 .*\(RuntimeError: Failure finding .*\); .* pip install \"xpnet\[cuda13\]\"",
    ):
        adapter_by_name("cupy").probe(gpu)


@pytest.mark.usefixtures("driver")
@pytest.mark.parametrize(
    ("written", "number"), [(None, 0), ("cuda", 0), ("cuda:0", 0), ("cuda:1", 1), (1, 1)]
)
def test_a_device_may_be_written_in_several_ways(written: object, number: int) -> None:
    adapter = adapter_by_name("cupy")
    device = adapter.find_device(written)
    assert device.id == number
    assert adapter.find_device(adapter.device_name(device)) == device


@pytest.mark.usefixtures("driver")
def test_an_unknown_device_is_answered_with_those_that_are_here() -> None:
    with pytest.raises(
        xpnet.BackendUnavailableError, match=r"cannot use device 'gpu0' .*; here are cuda:0, cuda:1"
    ):
        xpnet.set_backend("cupy", device="gpu0")
