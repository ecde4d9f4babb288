"""PyTorch's functions and autograd, an oracle that shares no code with xpnet."""

from __future__ import annotations

import numpy as np
import pytest

import xpnet
from xpnet.layers.parameters import Parameters
from xpnet.testing.catalog import CATALOG, class_weights
from xpnet.testing.subject import host_values
from xpnet.testing.tolerance import tolerance

torch = pytest.importorskip("torch", reason="PyTorch is not installed: run nox -s tests_backends")
F = torch.nn.functional


def cross_entropy_by(note):
    """Return PyTorch's function with the options of a case."""
    weights = torch.tensor(class_weights(4), dtype=torch.float64)
    options = {}
    if "ignored" in note or "all options" in note:
        options["ignore_index"] = 2
    if "smoothed" in note or "all options" in note:
        options["label_smoothing"] = 0.25
    if "weighted" in note or "all options" in note:
        options["weight"] = weights

    def function(x, t):
        classes = x.shape[-1]
        rows = t.reshape(-1, classes).to(x.dtype) if t.shape == x.shape else t.reshape(-1)
        return F.cross_entropy(x.reshape(-1, classes), rows, **options)

    return function


def binary_cross_entropy(x, t):
    return F.binary_cross_entropy_with_logits(x, t.reshape(x.shape).to(x.dtype))


def nll_of_probabilities(y, t):
    rows = t if t.shape == y.shape else F.one_hot(t, y.shape[-1])
    return -(rows * torch.log(y)).sum(-1).mean()


def two_layers(activation):
    def net(x, **params):
        W1, b1, W2, b2 = (params[f"Affine{i}.{name}"] for i in (1, 2) for name in "Wb")
        return activation(x @ W1 + b1) @ W2 + b2

    return net


def by_axis(function):
    """Use the axis of a case's note, the last one unless it has any."""

    def with_axis(note):
        _, _, axis = note.partition("axis=")
        return lambda x: function(x, dim=int(axis or -1))

    return with_axis


def always(function):
    return lambda _note: function


def matmul_and_bias(x, W, b):
    return x @ W + b


def dropped(note):
    """Multiply by the mask of seed 3 and rate 0.25, which tests/random holds against Philox."""
    mask = torch.tensor([int(kept) for kept in "10111101111100111111"])
    if note == "switched off":
        return torch.nn.Identity()
    return lambda x: x * mask[: x.numel()].reshape(x.shape) / 0.75


def along(function):
    return lambda note: function if note == "all" else lambda x: function(x, dim=-1, keepdim=True)


def residual(x, **params):
    W, b = params.values()
    return x + torch.sigmoid(x @ W + b)


def two_branches(x, **params):
    W1, b1, W2, b2 = params.values()
    return torch.cat([x @ W1 + b1, torch.sigmoid(x @ W2 + b2)], dim=-1)


ORACLE = {
    "affine": always(matmul_and_bias),
    "affine_param_gradients": always(matmul_and_bias),
    "softmax": by_axis(torch.softmax),
    "log_softmax": by_axis(torch.log_softmax),
    "cross_entropy_error": always(nll_of_probabilities),
    "softmax_with_loss": cross_entropy_by,
    "mean_squared_error": always(F.mse_loss),
    "sigmoid_with_loss": always(binary_cross_entropy),
    "dropout": dropped,
    "add": always(torch.add),
    "divide": always(torch.div),
    "power": always(torch.pow),
    "where": always(lambda x, y: torch.where(x > 0, x, y)),
    "sum": along(torch.sum),
    "mean": along(torch.mean),
    "max": always(lambda x: x.amax(dim=-1)),
    "reshape": always(lambda x: x.reshape(5, 2, 2)),
    "transpose": always(lambda x: x.permute(2, 1, 0)),
    "getitem": always(lambda x: x.flip(1)[:, ::2, None, 1]),
    "concat": always(lambda x, y: torch.cat([x, y], dim=-1)),
    "stack": always(lambda x, y: torch.stack([x, y], dim=-1)),
    "Residual": always(residual),
    "Concat": always(two_branches),
    "Apply": always(torch.relu),
    "mul": always(torch.mul),
    "AddLayer": always(torch.add),
    "MulLayer": always(torch.mul),
    "Dropout": dropped,
    "Affine": always(matmul_and_bias),
    "SoftmaxWithLoss": cross_entropy_by,
    "MeanSquaredError": always(F.mse_loss),
    "SigmoidWithLoss": always(binary_cross_entropy),
    "Sequential": always(two_layers(torch.sigmoid)),
    "TwoLayerNet": always(two_layers(torch.relu)),
}


def oracle_of(case):
    """Return PyTorch's expression, which for an activation is its function of the same name."""
    name = case.target.__name__
    return ORACLE[name] if name in ORACLE else always(getattr(torch, name.lower()))


@pytest.mark.parametrize("case", CATALOG, ids=str)
def test_output_and_gradients_are_those_of_autograd(case):
    backend = xpnet.use_backend("numpy", dtype="float64")
    with backend as numpy64:
        layer = case.subject.layer(numpy64)
        found = host_values(case.subject.run(numpy64, layer))
    inputs = [_leaf(x) for x in case.subject.inputs]
    params = {name: _leaf(array) for name, array in Parameters(layer).items()}

    y = oracle_of(case)(case.note)(*inputs, **params)
    y.backward(torch.from_numpy(np.asarray(case.subject.upstream(y, numpy64))))

    expected = {"the output": y.detach()}
    expected |= {f"the gradient of input {i}": x.grad for i, x in enumerate(inputs)}
    for names in (params, layer.params):  # paths, and those of the book
        grads = zip(names, params.values(), strict=True)
        expected |= {f"the gradient of {name}": array.grad for name, array in grads}
    allowed = tolerance("float64", 300)
    for name, values in found.items():
        exact = expected[name].numpy()
        np.testing.assert_allclose(values, exact, rtol=allowed, atol=allowed * abs(exact).max())


def _leaf(array):
    tensor = torch.from_numpy(np.array(array))
    return tensor.requires_grad_(tensor.is_floating_point())
