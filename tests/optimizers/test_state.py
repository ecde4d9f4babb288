"""What optimizers remember: it is saved, put back, and goes where its parameters go."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import xpnet
from xpnet import Adam, Momentum
from xpnet.backend import resolve_backend
from xpnet.backends import adapter_of
from xpnet.testing import tolerance


def gradients(params, backend, step):
    rng = np.random.default_rng(step)
    normal = {name: rng.standard_normal(array.shape) for name, array in params.items()}
    return {name: xpnet.asarray(array, xp=backend) for name, array in normal.items()}


def take_steps(optimizer, params, backend, steps):
    for step in steps:
        optimizer.update(params, gradients(params, backend, step))


def started(entry, backend):
    """Return an optimizer and parameters that have made three steps."""
    params = {
        "W": xpnet.asarray(np.linspace(-1, 1, 6).reshape(2, 3), xp=backend),
        "b": xpnet.asarray(np.ones(3), xp=backend),
    }
    optimizer = entry.make()
    take_steps(optimizer, params, backend, range(3))
    return optimizer, params


def copied(params, backend):
    return {
        name: xpnet.asarray(xpnet.to_numpy(array).copy(), xp=backend)
        for name, array in params.items()
    }


def on_host(state):
    """Return a state as it may come out of a file: NumPy arrays, the step too."""
    return {
        name: {key: np.array(xpnet.to_numpy(value)) for key, value in memory.items()}
        for name, memory in state.items()
    }


def as_json(state):
    return {
        name: {key: np.asarray(value).tolist() for key, value in memory.items()}
        for name, memory in on_host(state).items()
    }


@pytest.mark.parametrize(
    "save",
    [dict, copy.deepcopy, lambda state: state, on_host, as_json],
    ids=["dict", "deepcopy", "itself", "on the host", "lists"],
)
def test_a_state_that_is_put_back_gives_the_same_bits(entry, save, xpnet_backend):
    optimizer, params = started(entry, xpnet_backend)
    saved, kept = save(optimizer.state), copied(params, xpnet_backend)
    take_steps(optimizer, params, xpnet_backend, range(3, 6))  # must not touch what was saved

    again = entry.make()
    again.state = saved
    take_steps(again, kept, xpnet_backend, range(3, 6))

    for name, array in params.items():
        assert_array_equal(xpnet.to_numpy(kept[name]), xpnet.to_numpy(array), strict=True)
        assert adapter_of(kept[name]) is xpnet_backend.adapter


def test_a_pickled_optimizer_gives_the_same_bits(entry):
    backend = xpnet.set_backend("numpy")
    optimizer, params = started(entry, backend)
    again, kept = pickle.loads(pickle.dumps((optimizer, params)))

    take_steps(optimizer, params, backend, range(3, 6))
    take_steps(again, kept, backend, range(3, 6))

    assert repr(again) == repr(optimizer)
    for name, array in params.items():
        assert_array_equal(kept[name], array, strict=True)


def test_a_forgotten_state_begins_anew():
    params, grads = {"W": np.zeros(1)}, {"W": np.ones(1)}
    optimizer = Momentum(lr=1, momentum=0.5)

    for _ in range(2):
        optimizer.state.clear()
        optimizer.update(params, grads)

    assert params["W"] == -2


def test_a_parameter_that_comes_later_begins_at_its_own_first_step():
    late, alone = {"W": np.zeros(1)}, {"V": np.zeros(1)}
    optimizer = Adam(lr=0.5)
    for _ in range(5):
        optimizer.update(late, {"W": np.ones(1)})

    late["V"] = np.zeros(1)
    optimizer.update(late, {"W": np.ones(1), "V": np.ones(1)})
    Adam(lr=0.5).update(alone, {"V": np.ones(1)})

    assert late["V"] == alone["V"]
    assert [optimizer.state[name]["step"] for name in "WV"] == [6, 1]


def test_a_parameter_that_is_left_out_keeps_its_state():
    params = {"W": np.zeros(1), "b": np.zeros(1)}
    grads = {"W": np.ones(1), "b": np.ones(1)}
    optimizer = Momentum()
    optimizer.update(params, grads)
    before = optimizer.state["b"]["velocity"]

    optimizer.update({"W": params["W"]}, grads)

    assert optimizer.state["b"]["velocity"] is before


def small_net():
    return xpnet.TwoLayerNet(4, 6, 3, weight_init_std=0.5, seed=0, xp="numpy")


def test_the_state_follows_a_net_that_moves(entry, xpnet_backend):
    net, stayed = small_net(), small_net()
    optimizer, other = entry.make(), entry.make()
    take_steps(optimizer, net.params, "numpy", range(3))
    take_steps(other, stayed.params, "numpy", range(6))

    net.to(xpnet_backend, device=xpnet_backend.device, dtype=xpnet_backend.dtype)
    take_steps(optimizer, net.params, xpnet_backend, range(3, 6))

    # 60 roundings in float32, and one to 16 bits in the move, in each gradient and each step.
    allowed = tolerance("float32", 60) + tolerance(xpnet_backend.dtype, 60, stored=7)
    for name, array in net.params.items():
        assert adapter_of(array) is xpnet_backend.adapter
        expected = stayed.params[name]
        error = abs(xpnet.to_numpy(array).astype("float64") - expected)
        assert error.max() <= allowed * max(1, abs(expected).max()), name


def test_the_state_follows_from_device_to_device_and_to_another_library(entry):
    pytest.importorskip("array_api_strict")
    cpu = resolve_backend("array_api_strict", "CPU_DEVICE")
    gpu = resolve_backend("array_api_strict", "device1")
    numpy = resolve_backend("numpy")
    optimizer, params = started(entry, cpu)
    other, expected = started(entry, numpy)

    for backend, step in ((gpu, 3), (numpy, 4)):
        params = copied(params, backend)
        take_steps(optimizer, params, backend, [step])
        take_steps(other, expected, numpy, [step])
        for memory in optimizer.state.values():
            memory |= {"step": xpnet.asarray(memory["step"], xp=gpu)} if "step" in memory else {}

    for name, array in expected.items():
        assert_array_equal(params[name], array, strict=True)


def test_the_state_of_a_net_that_changes_its_dtype_does_too(entry):
    net, optimizer = small_net(), entry.make()
    take_steps(optimizer, net.params, "numpy", [0])

    for dtype, wide in (("float64", "float64"), ("float16", "float32")):
        net.to(dtype=dtype)
        take_steps(optimizer, net.params, resolve_backend("numpy", dtype=dtype), [1])
        assert {array.dtype.name for array in net.params.values()} == {dtype}
        found = {
            memory[key].dtype.name
            for memory in optimizer.state.values()
            for key in memory
            if key != "step"
        }
        assert found <= {wide}


def test_a_parameter_of_a_new_shape_is_told_apart(entry, xpnet_backend):
    optimizer, params = started(entry, xpnet_backend)
    params["b"] = xpnet.asarray(np.ones(4), xp=xpnet_backend)
    before = {name: xpnet.to_numpy(array).copy() for name, array in params.items()}
    grads = gradients(params, xpnet_backend, 9)
    if not entry.kind.memory:
        optimizer.update(params, grads)
        return

    with pytest.raises(
        xpnet.ShapeError, match=rf"{entry}: params\['b'\] .* state\['b'\]"
    ) as caught:
        optimizer.update(params, grads)
    assert caught.value.__notes__ == ["Delete state['b'] to begin anew with this parameter."]
    for name, array in before.items():
        assert_array_equal(xpnet.to_numpy(params[name]), array)

    del optimizer.state["b"]
    optimizer.update(params, grads)
    assert not np.array_equal(xpnet.to_numpy(params["b"]), before["b"])


def test_a_state_of_one_number_is_no_state_of_an_array():
    optimizer = Momentum()
    optimizer.state = {"W": {"velocity": np.asarray(1.0)}}

    with pytest.raises(xpnet.ShapeError, match=r"\(3,\).* has shape \(\)"):
        optimizer.update({"W": np.ones(3)}, {"W": np.ones(3)})


@pytest.mark.parametrize(
    ("memory", "has"),
    [({"velocity": np.ones(3)}, "velocity"), ({}, "nothing"), ({"mean": 0}, "mean")],
)
def test_the_state_of_another_optimizer_is_refused(memory, has):
    params = {"W": np.ones(3)}
    optimizer = Adam()
    optimizer.state = {"W": memory}

    says = rf"Adam: state\['W'\] has {has}; it must have mean, square, step"
    with pytest.raises(KeyError, match=says):
        optimizer.update(params, {"W": np.ones(3)})

    assert_array_equal(params["W"], 1)
