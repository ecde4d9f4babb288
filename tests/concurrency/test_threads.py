"""Threads and asyncio tasks on different backends do not see each other."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np

import xpnet

STEPS = 1000
SPECS = [("numpy", "float32"), ("array_api_strict", "float64"), ("numpy", "float64")]


def trained(spec: tuple[str, str], barrier: Barrier | None = None) -> dict[str, np.ndarray]:
    """Train a small net on the backend of this scope, and return its parameters."""
    name, dtype = spec
    rng = np.random.default_rng(1)
    with xpnet.use_backend(name, dtype=dtype) as backend:
        net = xpnet.Sequential(
            xpnet.Affine.random(4, 5, weight_init_std=0.5, seed=2),
            xpnet.Dropout(0.25, seed=3),
            xpnet.Sigmoid(),
            xpnet.Affine.random(5, 3, weight_init_std=0.5, seed=4),
        )
        x = xpnet.asarray(rng.standard_normal((6, 4)))
        t = xpnet.asarray(rng.integers(0, 3, 6))
        optimizer = xpnet.SGD(0.1)
        if barrier is not None:
            barrier.wait()
        for _ in range(STEPS // len(SPECS)):
            assert xpnet.get_backend() == backend
            optimizer.update(net.params, net.gradient(x, t))
        return {key: xpnet.to_numpy(param) for key, param in net.params.items()}


def test_threads_on_different_backends_train_as_if_alone():
    alone = [trained(spec) for spec in SPECS]
    barrier = Barrier(len(SPECS))

    with ThreadPoolExecutor(len(SPECS)) as pool:
        together = list(pool.map(lambda spec: trained(spec, barrier), SPECS))

    for expected, found in zip(alone, together, strict=True):
        for key in expected:
            np.testing.assert_array_equal(found[key], expected[key], strict=True)


def test_predicting_in_one_thread_does_not_stop_dropout_in_another():
    ones = np.ones((8, 50), dtype=np.float32)
    net = xpnet.Sequential(xpnet.Dropout(0.5, seed=0))

    def drops() -> bool:
        return all((net.forward(ones) == 0).any() for _ in range(200))

    def keeps() -> bool:
        return all((net.predict(ones) == 1).all() for _ in range(200))

    with ThreadPoolExecutor(2) as pool:
        assert all(future.result() for future in [pool.submit(drops), pool.submit(keeps)])


def test_tasks_that_take_turns_keep_their_backend():
    async def task(spec: tuple[str, str]) -> list[str]:
        name, dtype = spec
        seen = []
        with xpnet.use_backend(name, dtype=dtype):
            for _ in range(50):
                await asyncio.sleep(0)
                seen.append(repr(xpnet.get_backend()))
        return seen

    async def all_tasks() -> list[list[str]]:
        return await asyncio.gather(*map(task, SPECS))

    before = xpnet.get_backend()

    for (name, dtype), seen in zip(SPECS, asyncio.run(all_tasks()), strict=True):
        assert len(set(seen)) == 1
        assert name in seen[0]
        assert dtype in seen[0]
    assert xpnet.get_backend() == before
