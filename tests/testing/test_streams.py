"""What the proofs draw is nothing that a user draws, nor anything else that they draw."""

from __future__ import annotations

import dataclasses
from itertools import combinations

import numpy as np
import pytest

import xpnet
from xpnet.backend import resolve_backend
from xpnet.gradient_check.streams import stream
from xpnet.testing import Subject
from xpnet.testing.parity.inputs import draw_examples

X = np.zeros((3, 4))


@pytest.mark.parametrize("seed", [0, 1, 42])
def test_dout_is_not_what_a_user_draws(seed):
    dout = Subject(xpnet.ReLU, (X,), seed).upstream(X, resolve_backend("numpy", dtype="float64"))

    for generator in (np.random.default_rng, np.random.RandomState):
        assert not np.isin(dout, generator(seed).standard_normal(100)).any()


def test_streams_of_other_names_and_seeds_are_others():
    streams = [stream("x"), stream("x", 0), stream("x", 0, 0), stream("x", 1), stream("y", 0)]

    drawn = [rng.random(4) for rng in streams]

    assert not any(np.isin(a, b).any() for a, b in combinations(drawn, 2))


def test_inputs_of_the_parity_contract_differ_though_their_seeds_are_equal():
    (example,) = draw_examples((X + 1, X + 2), "float64", 1)
    upstream = dataclasses.replace(example.upstream, kind="one magnitude")
    x = dataclasses.replace(upstream, what="input 0")

    assert not np.array_equal(x.array((9,), "float64"), upstream.array((9,), "float64"))
