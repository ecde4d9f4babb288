"""However many steps are taken, and whatever is predicted, no more memory is held."""

from __future__ import annotations

import gc
import pickle
import tracemalloc
import warnings

import numpy as np
import pytest
from compile.odd_nets import CLASSES, FEATURES, ODD_NETS, affine

import xpnet

GROWING = {"grows"}  # each list of its own


def batches(odd, count=2):
    rng = np.random.default_rng(0)
    sizes = [8, 3] * count
    return [
        (xpnet.asarray(odd.inputs(rng, size)), xpnet.asarray(odd.labels(rng, size)))
        for size in sizes[:count]
    ]


@pytest.mark.parametrize("name", [name for name in ODD_NETS if name not in GROWING])
def test_300_steps_on_numpy_hold_no_more(name):
    odd = ODD_NETS[name]
    with xpnet.use_backend("numpy"):
        step = xpnet.compile(odd.make(), xpnet.SGD(1e-6))
        pairs = batches(odd)

    def take(steps):
        for number in range(steps):
            step(*pairs[number % 2])
        gc.collect()

    take(20)
    tracemalloc.start()
    try:
        take(20)
        held = [tracemalloc.get_traced_memory()[0]]
        for _ in range(3):
            take(100)
            held.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    # NumPy keeps small arrays for later, as it likes; what grows does so each time.
    assert min(np.diff(held)) < 10_000  # an array, without what is in it, has 112 bytes


# One for each way in which a step is taken on JAX: with buffers, counters, and eagerly.
@pytest.mark.parametrize("name", ["mean in a dict", "owns dropouts", "draws", "without base class"])
def test_steps_on_jax_hold_no_more_arrays(name):
    jax = pytest.importorskip("jax")
    odd = ODD_NETS[name]
    with xpnet.use_backend("jax"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        step = xpnet.compile(odd.make(), xpnet.Momentum(1e-6))
        pairs = batches(odd)
        counts = []
        for steps in (8, 40):
            for number in range(steps):
                step(*pairs[number % 2])
            gc.collect()
            counts.append(len(jax.live_arrays()))

    assert counts[1] <= counts[0]


def test_a_net_that_has_predicted_much_is_small(xpnet_backend):
    with xpnet.use_backend(xpnet_backend):
        net = xpnet.Sequential(affine(FEATURES, 5, 1), xpnet.ReLU(), affine(5, CLASSES, 2))
        step = xpnet.compile(net, xpnet.SGD(0.5))
        rng = np.random.default_rng(0)
        x = xpnet.asarray(rng.standard_normal((60_000, FEATURES)))
        t = xpnet.asarray(rng.integers(0, CLASSES, 60_000))
        step(x[:8, ...], t[:8])

        net.accuracy(x, t)

        sizes = [len(pickle.dumps(each)) for each in (net, step)]
        held = [
            array
            for layer in net
            for value in [vars(layer).get("_memory")]
            for array in value or ()
            if getattr(array, "shape", ())[:1] == (60_000,)
        ]
    assert max(sizes) < 20_000
    assert held == []
