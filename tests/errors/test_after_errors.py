"""An error leaves everything as it was: nothing is half done, and the next good call works."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from errors.mistakes.arrays import other_library

import xpnet
from xpnet import SGD, AddLayer, Affine, MulLayer, ReLU, Sequential, Sigmoid, SoftmaxWithLoss

INSTALLED = [name for name, status in xpnet.available_backends().items() if status.available]


@pytest.fixture(params=INSTALLED, autouse=True)
def backend(request: pytest.FixtureRequest) -> Iterator[xpnet.Backend]:
    with xpnet.use_backend(request.param) as backend:
        yield backend


def normal(*shape: int, seed: int = 0, **home: Any) -> Any:
    return xpnet.asarray(np.random.default_rng(seed).standard_normal(shape), **home)


def integers(*shape: int) -> Any:
    return xpnet.asarray(np.ones(shape, dtype="int32"))


def foreign(*shape: int) -> Any:
    return normal(*shape, xp=other_library())


def labels(*values: int) -> Any:
    return xpnet.asarray(np.asarray(values))


def bits(value: Any) -> Any:
    """Return arrays, in any nesting of tuples and dicts, as their bytes."""
    if isinstance(value, tuple):
        return tuple(bits(item) for item in value)
    if isinstance(value, dict):
        return {name: bits(item) for name, item in value.items()}
    host = xpnet.to_numpy(value)
    return host.shape, host.dtype, host.tobytes()


# Layers --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Subject:
    """A layer, what it takes and what it does not take."""

    make: Callable[[], Any]
    inputs: Callable[[], tuple[Any, ...]]
    dout: Callable[[], Any]
    bad_inputs: Callable[[], list[tuple[Any, ...]]]
    bad_douts: Callable[[], list[Any]]


def not_floats(*shape: int) -> list[Any]:
    return [integers(*shape), [1.0], None]


def strangers(*shape: int) -> list[Any]:
    """What does not fit beside an array of the current backend."""
    return [foreign(*shape), *not_floats(*shape)]


SUBJECTS = {
    "Affine": Subject(
        lambda: Affine(normal(3, 4, seed=1), normal(4, seed=2)),
        lambda: (normal(2, 3),),
        lambda: normal(2, 4, seed=3),
        lambda: [(normal(2, 5),), (normal(),), *((bad,) for bad in strangers(2, 3))],
        lambda: [normal(2, 3), normal(4), *strangers(2, 4)],
    ),
    "ReLU": Subject(
        ReLU,
        lambda: (normal(2, 3),),
        lambda: normal(2, 3, seed=3),
        lambda: [(bad,) for bad in not_floats(2, 3)],
        lambda: [normal(3), *strangers(2, 3)],
    ),
    "Sigmoid": Subject(
        Sigmoid,
        lambda: (normal(2, 3),),
        lambda: normal(2, 3, seed=3),
        lambda: [(bad,) for bad in not_floats(2, 3)],
        lambda: [normal(3), *strangers(2, 3)],
    ),
    "AddLayer": Subject(
        AddLayer,
        lambda: (normal(2, 3), normal(3, seed=1)),
        lambda: normal(2, 3, seed=3),
        lambda: [(normal(2, 3), bad) for bad in (normal(2), *strangers(3))],
        lambda: [normal(3), 1.0, *strangers(2, 3)],
    ),
    "MulLayer": Subject(
        MulLayer,
        lambda: (normal(2, 3), normal(3, seed=1)),
        lambda: normal(2, 3, seed=3),
        lambda: [(bad, normal(3)) for bad in (normal(2), *strangers(2, 3))],
        lambda: [normal(3), 1.0, *strangers(2, 3)],
    ),
    "SoftmaxWithLoss": Subject(
        SoftmaxWithLoss,
        lambda: (normal(2, 3), labels(0, 2)),
        lambda: 2.0,
        lambda: [
            (normal(2, 3), labels(0, 1, 2)),
            (normal(2, 3), normal(2)),
            *((bad, labels(0, 2)) for bad in strangers(2, 3)),
        ],
        lambda: [normal(2, 3), *strangers()],
    ),
}

each_subject = pytest.mark.parametrize("subject", SUBJECTS.values(), ids=SUBJECTS)


def run(layer: Any, subject: Subject) -> dict[str, Any]:
    """Go forward and back; return all that came out, bit for bit."""
    y = layer.forward(*subject.inputs())
    return bits({"y": y, "dx": layer.backward(subject.dout()), **layer.grads})


@each_subject
def test_a_forward_that_fails_leaves_a_new_layer_new(subject: Subject) -> None:
    layer = subject.make()
    before = bits(layer.params)
    for bad in subject.bad_inputs():
        with pytest.raises(xpnet.XpnetError):
            layer.forward(*bad)
        with pytest.raises(xpnet.BackwardError):  # it did not count as a forward
            layer.backward(subject.dout())
    assert bits(layer.params) == before
    assert layer.grads == {}
    assert run(layer, subject) == run(subject.make(), subject)


@each_subject
def test_a_forward_that_fails_leaves_the_last_good_one(subject: Subject) -> None:
    layer = subject.make()
    y = layer.forward(*subject.inputs())
    for bad in subject.bad_inputs():
        with pytest.raises(xpnet.XpnetError):
            layer.forward(*bad)
    dx = layer.backward(subject.dout())
    assert bits({"y": y, "dx": dx, **layer.grads}) == run(subject.make(), subject)


@each_subject
def test_a_backward_that_fails_changes_no_gradient(subject: Subject) -> None:
    layer = subject.make()
    run(layer, subject)
    params, grads = bits(layer.params), bits(layer.grads)
    for bad in subject.bad_douts():
        with pytest.raises(xpnet.XpnetError):
            layer.backward(bad)
        assert bits(layer.grads) == grads
    assert bits(layer.params) == params
    assert bits(layer.backward(subject.dout())) == run(subject.make(), subject)["dx"]


def test_a_loss_that_fails_keeps_its_last_loss_and_probabilities() -> None:
    layer = SoftmaxWithLoss()
    layer.forward(normal(2, 3), labels(0, 2))
    before = layer.loss, layer.y, layer.t
    with pytest.raises(xpnet.ShapeError):
        layer.forward(normal(2, 4, seed=1), labels(0, 1, 2))
    assert all(
        now is then for now, then in zip((layer.loss, layer.y, layer.t), before, strict=True)
    )


def test_a_layer_with_a_home_forgets_an_input_from_elsewhere(backend: xpnet.Backend) -> None:
    layer = ReLU(xp=backend)
    y = layer.forward(normal(3))
    with pytest.raises(xpnet.BackendMismatchError):
        layer.forward(foreign(3))
    assert bits(layer.backward(normal(3))) == bits(xpnet.ops.relu_backward(normal(3), y))


def test_a_parameter_of_a_wrong_shape_can_be_put_right() -> None:
    layer = Affine(normal(3, 4), normal(4))
    good = layer.W
    layer.W = normal(4, 3)
    with pytest.raises(xpnet.ShapeError):
        layer.forward(normal(2, 3))
    layer.W = good
    fresh = Affine(normal(3, 4), normal(4))
    assert bits(layer.forward(normal(2, 3))) == bits(fresh.forward(normal(2, 3)))


# Nets ----------------------------------------------------------------------------------------


def two_layers() -> Sequential:
    first, second = (Affine(normal(3, 3, seed=s), normal(3, seed=s + 1)) for s in (0, 2))
    return Sequential(first, ReLU(), second)


def state(net: Sequential) -> dict[str, Any]:
    """The very arrays of a net, because a copy would have moved too."""
    return {
        "params": [id(array) for array in net.params.values()],
        "grads": [id(array) for array in net.grads.values()],
        "memory": [id(layer._memory) for layer in net.layers.values()],
    }


def test_a_net_that_fails_half_way_still_learns() -> None:
    net = two_layers()
    good = net.params["Affine2.W"]
    net.params["Affine2.W"] = normal(4, 3)
    with pytest.raises(xpnet.ShapeError) as caught:
        net.gradient(normal(2, 3), labels(0, 2))
    assert caught.value.__notes__ == [f"This is layer Affine2 of {net}."]
    net.params["Affine2.W"] = good
    fresh = two_layers()
    assert bits(net.gradient(normal(2, 3), labels(0, 2))) == bits(
        fresh.gradient(normal(2, 3), labels(0, 2))
    )


@pytest.mark.parametrize(
    "where",
    [
        {"xp": "numpie"},
        {"xp": 3},
        {"device": "nowhere"},
        {"xp": "numpy", "device": "nowhere"},
        {"dtype": "float8"},
        {"dtype": "int32"},
    ],
    ids=str,
)
def test_a_move_that_fails_moves_nothing(where: dict[str, Any]) -> None:
    net = two_layers()
    net.gradient(normal(2, 3), labels(0, 2))
    before = state(net)
    with pytest.raises((xpnet.XpnetError, ValueError, TypeError)):
        net.to(**where)
    assert state(net) == before


def test_a_move_that_fails_at_the_last_array_moves_nothing() -> None:
    net = two_layers()
    net.gradient(normal(2, 3), labels(0, 2))
    net.params["Affine2.b"] = [0.0, 0.0, 0.0]  # no array, so it cannot be moved
    before = state(net)
    with pytest.raises(xpnet.BackendMismatchError, match="b is of type list"):
        net.to(other_library())
    assert state(net) == before


def test_a_move_that_fails_at_a_layer_without_parameters_moves_nothing() -> None:
    pytest.importorskip("array_api_strict")
    with xpnet.use_backend("array_api_strict"):
        net = Sequential(Affine(normal(3, 3), normal(3)), ReLU(xp="numpy"))
    before = state(net)
    with pytest.raises(xpnet.BackendUnavailableError, match="device1"):
        net.to(device="device1")  # which NumPy does not have
    assert state(net) == before
    assert str(net.params["Affine1.W"].device) != "device1"


def test_a_net_gets_its_parameter_back_when_a_numerical_gradient_fails() -> None:
    net = two_layers()
    before, values = state(net), bits(dict(net.params))
    with pytest.raises(xpnet.ShapeError):
        net.numerical_gradient(normal(2, 3), labels(0, 1, 2))
    assert state(net)["params"] == before["params"]
    assert bits(dict(net.params)) == values


# Optimizers and gradients --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gradient", "error"),
    [
        (dict, KeyError),
        (lambda: {"b": normal(4)}, xpnet.ShapeError),
        (lambda: {"b": normal(1)}, xpnet.ShapeError),
        (lambda: {"b": integers(3)}, xpnet.DTypeError),
        (lambda: {"b": foreign(3)}, xpnet.BackendMismatchError),
        (lambda: {"b": None}, xpnet.BackendMismatchError),
    ],
    ids=["missing", "shape", "broadcasts", "integers", "foreign", "none"],
)
def test_an_update_that_fails_changes_no_parameter(
    gradient: Callable[[], dict[str, Any]], error: type[Exception]
) -> None:
    params = {"W": normal(2, 3), "b": normal(3)}  # W has a good gradient, and comes first
    before, arrays = bits(params), dict(params)
    with pytest.raises(error):
        SGD(lr=1.0).update(params, {"W": normal(2, 3, seed=1), **gradient()})
    assert bits(params) == before
    assert all(params[name] is array for name, array in arrays.items())


@pytest.mark.parametrize("calls", range(6))
def test_numerical_gradient_restores_x_when_f_raises(calls: int) -> None:
    # -0.0 and 0.1 would show a value that came back by arithmetic, such as x + h - h.
    x = xpnet.asarray([-0.0, 0.1, 1e30])
    before = bits(x)
    seen = []

    def f(x: Any) -> Any:
        seen.append(bits(x))
        if len(seen) > calls:
            raise ZeroDivisionError
        return x[0]

    with pytest.raises(ZeroDivisionError):
        xpnet.numerical_gradient(f, x)
    assert before not in seen  # f did look at changed values
    assert bits(x) == before


def test_numerical_gradient_restores_x_when_f_returns_a_vector() -> None:
    x = normal(3)
    before = bits(x)
    with pytest.raises(xpnet.ShapeError):
        xpnet.numerical_gradient(lambda x: x * 2, x)
    assert bits(x) == before


# The backend ---------------------------------------------------------------------------------


@pytest.mark.parametrize("where", [{"device": "nowhere"}, {"dtype": "float8"}, {"dtype": "int32"}])
def test_a_backend_that_cannot_be_used_is_not_chosen(
    backend: xpnet.Backend, where: dict[str, Any]
) -> None:
    with pytest.raises(xpnet.XpnetError):
        xpnet.set_backend(backend.name, **where)
    with pytest.raises(xpnet.XpnetError), xpnet.use_backend(backend.name, **where):
        pass
    assert xpnet.get_backend() == backend
