"""In which order a graphed step asks CuPy for what, by a stand-in; nothing runs on a GPU."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest

from xpnet.kernels.cuda.graph import GraphedStep


class Stream:
    """Writes down what it is asked; recording runs the step, as NumPy knows no other way."""

    def __init__(self, name: str, log: list[str]) -> None:
        self.name, self.log = name, log

    def __enter__(self) -> None:
        self.log.append(f"enter {self.name}")

    def __exit__(self, *_) -> None:
        self.log.append(f"leave {self.name}")

    def __getattr__(self, method: str):
        def call(*_, **__):
            self.log.append(f"{self.name} {method}")
            return SimpleNamespace(
                launch=lambda stream: self.log.append(f"launch on {stream.name}")
            )

        return call


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    log: list[str] = []
    current = Stream("current", log)

    @contextmanager
    def using_allocator(allocator):
        log.append(f"use {allocator}")
        yield
        log.append("use the pool of all")

    def new_stream(*, non_blocking: bool) -> Stream:
        assert non_blocking, "it would wait for the legacy stream, which cannot be recorded"
        return Stream("own", log)

    cuda = SimpleNamespace(
        MemoryPool=lambda: SimpleNamespace(malloc="own pool"),
        Stream=new_stream,
        get_current_stream=lambda: current,
        using_allocator=using_allocator,
    )
    monkeypatch.setitem(sys.modules, "cupy", SimpleNamespace(cuda=cuda))
    return log


def test_it_warms_up_records_and_restores(log: list[str]) -> None:
    param, x = np.zeros(2), np.ones(2)

    def step(x: np.ndarray) -> np.ndarray:
        log.append("step")
        param[...] += x
        return param.sum()

    graphed = GraphedStep(step, [x], [param])

    assert log == [
        "current synchronize",
        "enter own",
        "use own pool",
        "step",
        "step",
        "own begin_capture",
        "step",
        "own end_capture",
        "own synchronize",
        "use the pool of all",
        "leave own",
    ]
    np.testing.assert_array_equal(param, 0)
    del log[:]

    graphed.load(np.full(2, 5.0))
    launch, *arguments = graphed.launch
    launch(*arguments)
    graphed.result()

    assert log == [
        "current record",
        "own wait_event",
        "enter own",
        "leave own",
        "launch on own",
        "own record",
        "current wait_event",
    ]
    np.testing.assert_array_equal(graphed._inputs[0], 5)
    np.testing.assert_array_equal(x, 1)


def test_an_error_while_recording_ends_it_and_restores(log: list[str]) -> None:
    param = np.zeros(2)

    def step() -> None:
        param[...] += 1
        if "own begin_capture" in log:
            msg = "no cuBLAS here"
            raise NotImplementedError(msg)

    with pytest.raises(NotImplementedError, match="no cuBLAS here"):
        GraphedStep(step, [], [param])

    assert log.index("own begin_capture") < log.index("own end_capture")
    np.testing.assert_array_equal(param, 0)


def test_the_number_of_inputs_is_fixed(log: list[str]) -> None:
    graphed = GraphedStep(lambda x: x, [np.ones(2)], [])
    with pytest.raises(ValueError, match="zip"):
        graphed.load()
