"""The same seed gives the same bits on every backend, today and in a year.

The hashes were recorded with NumPy 2.4. If one changes, every result that somebody has published
with a seed changes, too: say so in the changelog.
"""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

import xpnet
from xpnet import SGD, Affine, Sequential, TwoLayerNet
from xpnet.dtypes import dtype_name
from xpnet.training import train

WEIGHTS = {
    "float16": "439212dc167630decfc605009024e4f35478c08925de3eefa8eb9cc6a4a206c5",
    "bfloat16": "73ffc531007165d2f70461cf63e8dc96579e063d890c7004ea227d7d1d2a3843",
    "float32": "13b7babc4ab25592bc9e79a350ad081057b94283de75a6a4f440b037a838b44b",
    "float64": "2d895895889da6cb38bc42e8e072f16992384459c5d62752ec8f25016da87b77",
}
BATCHES = "0decf83440d9a7b09accfdbbb659f10826cc68e360ada0718a2e65d1159fe7d1"


def fingerprint(arrays):
    """Return the SHA-256 of values, which float64 holds exactly in every dtype."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(xpnet.to_numpy(array), dtype="<f8").tobytes())
    return digest.hexdigest()


def test_initial_weights(xpnet_backend):
    net = TwoLayerNet(7, 5, 3, seed=42, xp=xpnet_backend)

    assert fingerprint(net.params.values()) == WEIGHTS[dtype_name(xpnet_backend.dtype)]


def test_weights_are_drawn_in_the_order_of_the_layers(xpnet_backend):
    rng = np.random.default_rng(42)
    net = TwoLayerNet(7, 5, 3, seed=42, xp=xpnet_backend)

    one_by_one = Affine.random(7, 5, seed=rng, xp=xpnet_backend)
    assert fingerprint([net.params["W1"]]) == fingerprint([one_by_one.W])
    one_by_one = Affine.random(5, 3, seed=rng, xp=xpnet_backend)
    assert fingerprint([net.params["W2"]]) == fingerprint([one_by_one.W])


def test_the_selected_backend_draws_the_same_as_an_explicit_one(xpnet_backend):
    with xpnet.use_backend(xpnet_backend):
        selected = TwoLayerNet(7, 5, 3, seed=42)

    explicit = TwoLayerNet(7, 5, 3, seed=42, xp=xpnet_backend)
    assert fingerprint(selected.params.values()) == fingerprint(explicit.params.values())


class Recorder(Sequential):
    """A net that remembers the batches that it is trained on."""

    def __init__(self, *layers):
        super().__init__(*layers)
        self.batches = []

    def gradient(self, x, t):
        self.batches.append((xpnet.to_numpy(x)[:, 0], xpnet.to_numpy(t)))
        return super().gradient(x, t)


def recorded_batches(backend, seed):
    """Train on samples that know their number; at most 256, which bfloat16 can count."""
    net = Recorder(Affine.random(1, 2, seed=0, xp=backend))
    x = xpnet.asarray(np.arange(23.0).reshape(-1, 1), xp=backend)
    t = xpnet.asarray(np.arange(23) % 2, xp=backend)
    # It looks at values on the host, which no compiled step can.
    settings = {"iterations": 15, "batch_size": 4, "seed": seed, "compile": False}
    train(net, SGD(lr=0), (x, t), **settings)
    return net.batches


def test_the_order_of_the_samples(xpnet_backend):
    batches = recorded_batches(xpnet_backend, seed=7)

    assert fingerprint(x for x, _ in batches) == BATCHES
    for x, t in batches:
        assert np.array_equal(x.astype("int64") % 2, t)  # each sample kept its label


def test_a_generator_is_as_good_as_its_seed(xpnet_backend):
    with_seed = recorded_batches(xpnet_backend, seed=7)
    with_generator = recorded_batches(xpnet_backend, seed=np.random.default_rng(7))

    assert fingerprint(x for x, _ in with_seed) == fingerprint(x for x, _ in with_generator)


@pytest.mark.parametrize(
    "draw",
    [
        lambda seed: [TwoLayerNet(7, 5, 3, seed=seed).params["W1"]],
        lambda seed: [x for x, _ in recorded_batches("numpy", seed)],
    ],
    ids=["weights", "order"],
)
def test_other_seeds_and_none_give_other_numbers(draw):
    fingerprints = [fingerprint(draw(seed)) for seed in (0, 1, None, None)]

    assert len(set(fingerprints)) == len(fingerprints)
