"""However many steps are taken, and whatever is predicted, no more memory is held."""

from __future__ import annotations

import gc
import pickle
import sys
import warnings

import numpy as np
import pytest
from compile.odd_nets import CLASSES, FEATURES, ODD_NETS, affine
from optimizers.catalog import OPTIMIZERS
from soak import quick_or_soak

import xpnet

resource = pytest.importorskip("resource", reason="the memory of a process is asked of POSIX")
PEAK_UNIT = 1 if sys.platform == "darwin" else 1024

GROWING = {"grows"}  # each list of its own


def batches(odd, count=2):
    rng = np.random.default_rng(0)
    sizes = [8, 3] * count
    return [
        (xpnet.asarray(odd.inputs(rng, size)), xpnet.asarray(odd.labels(rng, size)))
        for size in sizes[:count]
    ]


@pytest.fixture(autouse=True)
def _little_to_collect():
    """Leave out of collections what other tests have made; they take long else."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def assert_no_growth(step, pairs, steps, rounds=40):
    """Take steps in turn with each pair until as many as given have held nothing more.

    What the allocator of Python has given out is counted, and what the process has ever had. What
    grows does so each time; CPython and NumPy keep some small things for later, but not for long.
    """

    def held_after(number):
        for i in range(number):
            step(*pairs[i % len(pairs)])
        gc.collect()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * PEAK_UNIT
        return np.asarray([sys.getallocatedblocks(), peak])

    held = held_after(20)
    for _ in range(rounds):
        before, held = held, held_after(steps)
        blocks, peak = held - before
        if blocks < steps // 2 and peak < 100 * steps:
            return
    pytest.fail(f"{steps} steps hold {blocks} objects more, and at most {peak} bytes")


@pytest.mark.parametrize("name", [name for name in ODD_NETS if name not in GROWING])
@pytest.mark.filterwarnings("ignore:compile. steps are eager:RuntimeWarning")
def test_steps_on_numpy_hold_no_more(name):
    odd = ODD_NETS[name]
    with xpnet.use_backend("numpy"):
        assert_no_growth(
            xpnet.compile(odd.make(), xpnet.SGD(1e-6)), batches(odd), quick_or_soak(40, 10_000)
        )


@pytest.mark.parametrize("make", [case.make for case in OPTIMIZERS.values()], ids=OPTIMIZERS)
def test_steps_of_the_book_s_net_hold_no_more(make):
    net = xpnet.TwoLayerNet(FEATURES, 5, CLASSES, seed=0)
    rng = np.random.default_rng(0)
    pairs = [
        (rng.standard_normal((n, FEATURES), dtype="float32"), rng.integers(0, CLASSES, n))
        for n in (8, 3)
    ]
    with xpnet.use_backend("numpy"):
        assert_no_growth(xpnet.compile(net, make()), pairs, quick_or_soak(40, 100_000))


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
        for steps in (8, quick_or_soak(40, 4000)):
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


@pytest.mark.parametrize("size", [1, 100_000], ids=["objects", "bytes"])
def test_a_step_that_holds_more_is_found(size):
    held = []

    with pytest.raises(pytest.fail.Exception, match="40 steps hold 40 objects more"):
        assert_no_growth(lambda _x, _t: held.append(np.ones(size)), [(0, 0)], 40, rounds=3)
