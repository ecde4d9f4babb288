"""PyTorch's history of values: ops take the values alone, and keep no graph."""

from __future__ import annotations

import gc

import numpy as np
import pytest

import xpnet
from xpnet import ops
from xpnet.testing.catalog import CATALOG

torch = pytest.importorskip("torch")


def live_tensors():
    # By type: some of PyTorch's deprecated objects warn when they are asked for their class.
    return [each for each in gc.get_objects() if issubclass(type(each), torch.Tensor)]


OPTIMIZERS = [
    xpnet.SGD,
    xpnet.Momentum,
    xpnet.Nesterov,
    xpnet.AdaGrad,
    xpnet.RMSprop,
    xpnet.Adam,
    xpnet.AdamW,
]


def leaf(values):
    return torch.asarray(np.asarray(values), dtype=torch.float32).requires_grad_()


def recorded(array):
    """Return the same values with a history, if they can have one."""
    tensor = xpnet.asarray(array, xp="torch")
    return tensor.requires_grad_() * 1 if tensor.is_floating_point() else tensor


def tensors(*values):
    for value in values:
        if isinstance(value, torch.Tensor):
            yield value
        elif isinstance(value, dict):
            yield from tensors(*value.values())
        elif isinstance(value, tuple | list):
            yield from tensors(*value)


def assert_without_history(*values):
    found = list(tensors(*values))
    assert found
    for tensor in found:
        assert not tensor.requires_grad
        assert tensor.grad_fn is None


@pytest.mark.parametrize("case", CATALOG, ids=str)
def test_no_op_or_layer_passes_a_history_on(case):
    backend = xpnet.set_backend("torch")
    layer = case.subject.layer(backend)
    for name, param in layer.params.items():
        layer.params[name] = param.requires_grad_()
    y = layer.forward(*(recorded(x) for x in case.subject.inputs))
    dx = layer.backward(recorded(np.ones(tuple(y.shape))))
    assert_without_history(y, dx, dict(layer.grads))
    if isinstance(layer, xpnet.Layer):
        inputs = [each for each in tensors(layer._memory) if each is not layer.params.get("W")]
        assert all(each.grad_fn is None for each in inputs)


def test_settings_that_require_gradients_do_not_pass_them_on():
    w, grad, rate = leaf(np.ones(3)), leaf(np.ones(3)), leaf(0.5)
    zeros = torch.zeros(3)
    assert_without_history(
        ops.sgd_update(w, grad, rate),
        ops.momentum_update(w, grad, zeros, rate, rate),
        ops.nesterov_update(w, grad, zeros, rate, rate),
        ops.adagrad_update(w, grad, zeros, rate, rate),
        ops.rmsprop_update(w, grad, zeros, rate, rate, rate),
        ops.adam_update(w, grad, zeros, zeros, rate, rate, rate, rate, 1, rate),
    )


def test_conversions_leave_the_history_behind():
    x = leaf(np.ones(3)) * 2
    assert_without_history(xpnet.asarray(x, xp="torch"), xpnet.asarray([x, x], xp="torch"))


@pytest.mark.parametrize("make", OPTIMIZERS, ids=lambda make: make.__name__)
def test_parameters_of_a_module_learn_in_place(make):
    linear = torch.nn.Linear(4, 3)
    params = {"W": linear.weight, "b": linear.bias}
    before = {name: param.detach().clone() for name, param in params.items()}
    optimizer = make()
    for _ in range(2):
        optimizer.update(params, {name: torch.ones_like(p) for name, p in before.items()})
    assert params["W"] is linear.weight
    assert params["b"] is linear.bias
    for name, param in params.items():
        assert param.is_leaf
        assert param.requires_grad
        assert not torch.equal(param, before[name])
    twins = {name: value.clone() for name, value in before.items()}
    twin = make()
    for _ in range(2):
        twin.update(twins, {name: torch.ones_like(p) for name, p in before.items()})
    for name, param in params.items():
        torch.testing.assert_close(param.detach(), twins[name])
    assert_without_history(params["W"].detach(), optimizer.state)


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_a_loop_over_features_of_a_module_keeps_no_graph(compiled):
    torch.manual_seed(0)
    features = torch.nn.Linear(6, 4)
    weights = (torch.nn.Parameter(torch.randn(shape)) for shape in ((4, 3), (3,)))
    net = xpnet.Sequential(xpnet.Affine(*weights))
    optimizer = xpnet.Momentum(0.1)
    step = xpnet.compile(net, optimizer) if compiled else None
    x, t = torch.randn(5, 6), torch.asarray([0, 1, 2, 0, 1])
    counts, losses = [], []
    for i in range(200):
        h = features(x)
        if step is None:
            loss = net.loss(h, t)
            optimizer.update(net.params, net.gradient(h, t))
        else:
            loss = step(h, t)
        assert_without_history(loss, net.grads)
        losses.append(float(loss))
        del h, loss
        if i % 50 == 49:
            gc.collect()
            counts.append(len(live_tensors()))
    assert counts[1:] == counts[:-1]
    assert losses[-1] < losses[0]
    assert not any(tensor.grad_fn is not None for tensor in live_tensors())


def test_a_numerical_gradient_at_a_leaf_changes_it_and_brings_it_back():
    x = leaf([1.0, 2.0])
    gradient = xpnet.numerical_gradient(lambda _: (x**2).sum(), x)  # as the book looks at x
    torch.testing.assert_close(gradient, torch.tensor([2.0, 4.0]), rtol=1e-2, atol=1e-2)
    assert x.tolist() == [1.0, 2.0]
    assert_without_history(gradient)
