"""use_backend: a scope is of one thread or task; the default is of the whole process."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

import xpnet
from xpnet.arrays import array_namespace
from xpnet.backends import adapter_by_name
from xpnet.backends.numpy import NumPy

STRICT = "array_api_strict"


def current() -> str:
    return xpnet.get_backend().name


def in_a_new_thread(function, *args):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function, *args).result()


def test_a_scope_holds_within_its_block() -> None:
    with xpnet.use_backend(STRICT, device="device1", dtype="float64") as backend:
        assert xpnet.get_backend() is backend
        assert xpnet.asarray([1.0]).device == backend.device
    assert current() == "numpy"


def test_the_innermost_scope_wins() -> None:
    with xpnet.use_backend(STRICT):
        with xpnet.use_backend("numpy"):
            assert current() == "numpy"
        assert current() == STRICT


def test_an_explicit_library_wins_over_the_scope() -> None:
    with xpnet.use_backend(STRICT):
        explicit = xpnet.asarray([1.0], xp="numpy")
    assert array_namespace(explicit) is xpnet.get_backend().xp


def test_a_scope_wins_over_a_default_that_is_set_within_it() -> None:
    with xpnet.use_backend("numpy"):
        xpnet.set_backend(STRICT)
        assert current() == "numpy"
    assert current() == STRICT


def test_an_exception_ends_a_scope() -> None:
    with pytest.raises(ZeroDivisionError), xpnet.use_backend(STRICT):
        _ = 1 / 0
    assert current() == "numpy"


def test_a_scope_that_cannot_be_entered_changes_nothing() -> None:
    with pytest.raises(ValueError, match="unknown"), xpnet.use_backend("numppy"):
        pass
    assert current() == "numpy"


def test_a_scope_can_decorate_a_function() -> None:
    scoped = xpnet.use_backend(STRICT)(current)
    assert [scoped(), scoped(), current()] == [STRICT, STRICT, "numpy"]


def test_the_default_is_seen_by_new_threads() -> None:
    # A ContextVar alone would lose it: a new thread begins with an empty context.
    xpnet.set_backend(STRICT)
    assert in_a_new_thread(current) == STRICT


def test_a_default_that_a_thread_sets_is_seen_by_all() -> None:
    in_a_new_thread(xpnet.set_backend, STRICT)
    assert current() == STRICT


def test_a_scope_is_not_seen_by_another_thread() -> None:
    with xpnet.use_backend(STRICT):
        assert in_a_new_thread(current) == "numpy"


def test_threads_keep_their_own_scopes() -> None:
    both_inside = Barrier(2, timeout=10)

    def scoped(name: str) -> str:
        with xpnet.use_backend(name):
            both_inside.wait()
            return current()

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(scoped, ["numpy", STRICT])) == ["numpy", STRICT]


def test_tasks_keep_their_own_scopes() -> None:
    async def scoped(name: str, entered: asyncio.Event, other: asyncio.Event) -> str:
        with xpnet.use_backend(name):
            entered.set()
            await other.wait()
            return current()

    async def main() -> list[str]:
        a, b = asyncio.Event(), asyncio.Event()
        found = await asyncio.gather(scoped("numpy", a, b), scoped(STRICT, b, a))
        return [*found, current()]

    assert asyncio.run(main()) == ["numpy", STRICT, "numpy"]


def test_a_task_and_its_worker_threads_begin_in_the_scope_they_are_started_in() -> None:
    async def task() -> list[str]:
        return [current(), await asyncio.to_thread(current)]

    async def main() -> list[str]:
        with xpnet.use_backend(STRICT):
            started = asyncio.create_task(task())
        return await started

    assert asyncio.run(main()) == [STRICT, STRICT]


@pytest.mark.usefixtures("fresh_adapters")
def test_threads_that_are_first_at_once_get_one_adapter(monkeypatch: pytest.MonkeyPatch) -> None:
    # Two would be two libraries: a layer made by one thread would refuse the other's arrays.
    monkeypatch.setattr(NumPy, "__init__", lambda _: time.sleep(0.05))
    with ThreadPoolExecutor(4) as pool:
        adapters = set(pool.map(adapter_by_name, ["numpy"] * 4))
    assert len(adapters) == 1
