"""How a kernel reaches CuPy, by a stand-in for CuPy; no test here has run on a GPU."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest

from xpnet.kernels import cuda
from xpnet.kernels.cuda import launch as launching
from xpnet.kernels.cuda.plan import Kernel
from xpnet.kernels.cuda.source import source_of


class Device(nullcontext):
    def __init__(self, number: int) -> None:
        super().__init__()
        self.id = number


class DeviceArray:
    """What a kernel's function asks of an array."""

    def __init__(self, shape: tuple[int, ...], device: int = 0) -> None:
        self.shape, self.dtype, self.device = shape, np.dtype("float32"), Device(device)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch):
    """Put a CuPy in place that only writes down what it is asked."""
    made: list[tuple] = []

    def raw_module(*, code: str, name_expressions: tuple[str, ...]):
        made.append(("compile", code, name_expressions))

        def get_function(name: str):
            return SimpleNamespace(kernel=lambda *args: made.append(("launch", name, *args)))

        return SimpleNamespace(get_function=get_function)

    monkeypatch.setitem(sys.modules, "cupy", SimpleNamespace(RawModule=raw_module))
    launching._compiled.cache_clear()
    yield made
    launching._compiled.cache_clear()


def test_a_kernel_is_compiled_once_and_launched_each_time(calls) -> None:
    x, y = DeviceArray((3, 5)), DeviceArray((3, 5))
    cuda.softmax(x, y)
    cuda.softmax(x, y)

    name = "softmax<float, 4, 2>"
    assert calls[0] == ("compile", source_of("softmax.cu"), (name,))
    arguments = (x, y, np.int64(3), np.int64(5))
    assert calls[1:] == [("launch", name, (1,), (128,), arguments)] * 2
    assert [type(argument) for argument in calls[1][-1][2:]] == [np.int64, np.int64]


def test_each_device_has_its_own_function(calls) -> None:
    for device in (0, 1, 0, 1):
        cuda.softmax(DeviceArray((3, 5), device), DeviceArray((3, 5), device))
    assert [call[0] for call in calls] == [
        "compile",
        "launch",
        "compile",
        "launch",
        "launch",
        "launch",
    ]


def test_a_kernel_that_does_not_exist_is_no_file() -> None:
    with pytest.raises(FileNotFoundError):
        source_of(Kernel("no.cu", "f").file)
