"""Nets travel between processes by pickle, and a process's choice stays its own."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_all_start_methods, get_context
from pathlib import Path

import numpy as np
import pytest
from concurrency.processes import backend_here, one_step

import xpnet


def net() -> xpnet.Sequential:
    return xpnet.TwoLayerNet(4, 5, 3, weight_init_std=0.5, seed=0)


def parameters(net: xpnet.Sequential) -> dict[str, np.ndarray]:
    return {key: xpnet.to_numpy(param) for key, param in net.params.items()}


@pytest.fixture(params=sorted({"spawn", "forkserver"} & set(get_all_start_methods())))
def pool(request):
    with ProcessPoolExecutor(1, mp_context=get_context(request.param)) as executor:
        yield executor


def test_a_step_in_another_process_is_the_step_here(pool):
    there = pool.submit(one_step, net()).result()

    here = one_step(net())
    for key, expected in parameters(here).items():
        np.testing.assert_array_equal(parameters(there)[key], expected, strict=True)


def test_the_choice_of_a_process_stays_its_own(pool):
    xpnet.set_backend("array_api_strict", dtype="float64")

    assert "numpy" in pool.submit(backend_here).result()


def test_a_pickled_net_is_bound_to_its_own_layers():
    original = net()
    copy = pickle.loads(pickle.dumps(original))

    copy.params["W1"] = copy.params["W1"] * 0

    assert not xpnet.to_numpy(copy.layers["Affine1"].W).any()
    assert xpnet.to_numpy(original.layers["Affine1"].W).all()


@pytest.mark.parametrize(
    "layer",
    [
        xpnet.ReLU(xp="numpy"),
        xpnet.Dropout(0.5, seed=1),
        xpnet.SoftmaxWithLoss(),
        xpnet.Affine.random(2, 3, seed=0),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_layers_are_pickled_without_the_batch_and_go_on_alike(layer):
    x = np.ones((4, 2), dtype=np.float32)
    arguments = (x, np.asarray([0, 1, 1, 0])) if isinstance(layer, xpnet.SoftmaxWithLoss) else (x,)
    y = layer.forward(*arguments)
    dout = 1 if y.shape == () else np.ones_like(y)

    copy = pickle.loads(pickle.dumps(layer))

    with pytest.raises(xpnet.BackwardError, match="call forward first"):
        copy.backward(dout)
    layer.backward(dout)  # which has forgotten nothing
    for both in (lambda each: each.forward(*arguments), lambda each: each.backward(dout)):
        np.testing.assert_array_equal(both(copy), both(layer), strict=True)


FORK = """
import os
import numpy as np
import xpnet
from concurrency.processes import backend_here, one_step

xpnet.set_backend("numpy", dtype="float64")
net = xpnet.TwoLayerNet(4, 5, 3, weight_init_std=0.5, seed=0)
reader, writer = os.pipe()
if os.fork() == 0:
    weights = one_step(net).params["W1"]
    os.write(writer, backend_here().encode() + b"|" + weights.tobytes())
    os._exit(0)
os.close(writer)
with os.fdopen(reader, "rb") as pipe:
    backend, _, weights = pipe.read().partition(b"|")
assert backend.decode() == backend_here(), backend
assert weights == one_step(net).params["W1"].tobytes()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_keeps_the_choice_and_computes_the_same():
    # In an interpreter of its own, because forking one with threads is deprecated.
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORK]

    done = subprocess.run(command, cwd=Path(__file__).parent.parent, check=False)

    assert done.returncode == 0
