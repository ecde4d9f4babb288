"""Threads and asyncio tasks on different backends do not see each other."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest
from soak import quick_or_soak

import xpnet
from xpnet import kernels

SPECS = [("numpy", "float32"), ("array_api_strict", "float64"), ("numpy", "float64")]
PLAIN = "plain"
DROPOUT = "with Dropout"


def training(spec: tuple[str, str], kind: str) -> Iterator[dict[str, np.ndarray]]:
    """Train a small net on a backend without end, and yield its parameters after each step."""
    name, dtype = spec
    rng = np.random.default_rng(1)
    with xpnet.use_backend(name, dtype=dtype) as backend:
        net = xpnet.Sequential(
            xpnet.Affine.random(4, 5, weight_init_std=0.5, seed=2),
            *([xpnet.Dropout(0.25, seed=3)] if kind == DROPOUT else []),
            xpnet.Sigmoid(),
            xpnet.Affine.random(5, 3, weight_init_std=0.5, seed=4),
        )
        x = xpnet.asarray(rng.standard_normal((6, 4)))
        t = xpnet.asarray(rng.integers(0, 3, 6))
        optimizer = xpnet.SGD(0.1)
        while True:
            optimizer.update(net.params, net.gradient(x, t))
            assert xpnet.get_backend() == backend
            yield net.params


def trained(spec: tuple[str, str], kind: str, steps: int) -> dict[str, np.ndarray]:
    run = training(spec, kind)
    for _ in range(steps):
        params = next(run)
    run.close()
    return {key: xpnet.to_numpy(param).copy() for key, param in params.items()}


def assert_equal(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    assert found.keys() == expected.keys()
    for key in expected:
        np.testing.assert_array_equal(found[key], expected[key], strict=True)


# A step with Dropout takes ten times as long on array-api-strict.
@pytest.mark.parametrize(("kind", "steps"), [(PLAIN, quick_or_soak(300, 10_000)), (DROPOUT, 30)])
def test_threads_on_different_backends_train_as_if_alone(kind, steps):
    alone = [trained(spec, kind, steps) for spec in SPECS]
    barrier = Barrier(len(SPECS))

    def at_once(spec: tuple[str, str]) -> dict[str, np.ndarray]:
        barrier.wait()
        return trained(spec, kind, steps)

    with ThreadPoolExecutor(len(SPECS)) as pool:
        together = list(pool.map(at_once, SPECS))

    for expected, found in zip(alone, together, strict=True):
        assert_equal(found, expected)


def test_tasks_that_take_turns_train_as_if_alone():
    steps = 20

    async def task(spec: tuple[str, str]) -> dict[str, np.ndarray]:
        run = training(spec, DROPOUT)
        for _ in range(steps):
            params = next(run)
            await asyncio.sleep(0)
        run.close()
        return {key: xpnet.to_numpy(param) for key, param in params.items()}

    async def all_tasks() -> list[dict[str, np.ndarray]]:
        return await asyncio.gather(*map(task, SPECS))

    before = xpnet.get_backend()

    for spec, found in zip(SPECS, asyncio.run(all_tasks()), strict=True):
        assert_equal(found, trained(spec, DROPOUT, steps))
    assert xpnet.get_backend() == before


def test_predicting_in_one_thread_does_not_stop_dropout_in_another():
    ones = np.ones((8, 50), dtype=np.float32)
    net = xpnet.Sequential(xpnet.Dropout(0.5, seed=0))

    def drops() -> bool:
        return all((net.forward(ones) == 0).any() for _ in range(200))

    def keeps() -> bool:
        return all((net.predict(ones) == 1).all() for _ in range(200))

    with ThreadPoolExecutor(2) as pool:
        assert all(future.result() for future in [pool.submit(drops), pool.submit(keeps)])


# Small ones, with which most of a step is what threads might have in common: scores that are
# written by columns through a buffer, losses, sums.
NETS = [(16, 8, 10), (16, 12, 12)]


def trained_by_compiled_steps(sizes: tuple[int, ...], begin: Barrier, *providers: str) -> list:
    """Return the losses and then the parameters of a net, after steps with some kernels alone."""
    rng = np.random.default_rng(sizes[1])
    net = xpnet.TwoLayerNet(*sizes, weight_init_std=0.1, seed=0)
    x = rng.standard_normal((2000, sizes[0]), dtype="float32")
    t = rng.integers(0, sizes[-1], len(x))
    with kernels.only(*providers):
        step = xpnet.compile(net, xpnet.SGD(0.1))
        begin.wait(30)
        losses = [float(step(x, t)) for _ in range(500)]
    return [losses, *net.params.values()]


@pytest.mark.parametrize("providers", [("numpy",), ("numba", "numpy")], ids="+".join)
def test_compiled_steps_of_two_nets_at_once_give_the_bits_of_one_after_the_other(providers):
    if "numba" in providers:
        pytest.importorskip("numba", reason="numba is not installed: run nox -s tests_backends")
    alone = [trained_by_compiled_steps(sizes, Barrier(1), *providers) for sizes in NETS]
    begin = Barrier(len(NETS))

    with ThreadPoolExecutor(len(NETS)) as pool:
        runs = [pool.submit(trained_by_compiled_steps, sizes, begin, *providers) for sizes in NETS]

    for run, expected in zip(runs, alone, strict=True):
        for found, truth in zip(run.result(), expected, strict=True):
            np.testing.assert_array_equal(found, truth, strict=True)
