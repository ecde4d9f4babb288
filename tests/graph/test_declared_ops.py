"""Every op that is declared can be called with recorded values."""

from __future__ import annotations

import numpy as np
import pytest

import xpnet
from xpnet import GraphError, Variable
from xpnet.ops.op import OPS

FORWARD = [n for n, op in OPS.items() if op.backward is not None and op.examples]


def example(op, number):
    """Return arguments by name, arrays of floats among them as they are in the catalog."""
    rng = np.random.default_rng(number)
    drawn = {}
    for name, value in op.examples[number].items():
        if isinstance(value, tuple):
            drawn[name] = rng.standard_normal(value)
        else:
            drawn[name] = value(rng) if callable(value) else value
    return drawn


EXAMPLES = [(name, i) for name in FORWARD for i in range(len(OPS[name].examples))]


@pytest.mark.parametrize(("name", "number"), EXAMPLES)
def test_gradients_are_those_of_the_derivative(name, number):
    op = OPS[name]
    arguments = example(op, number)
    arrays = [n for n in op.arrays if isinstance(arguments.get(n), np.ndarray)]
    values = {n: Variable(arguments[n]) for n in arrays}

    result = op(**{**arguments, **values})
    y = result[0] if isinstance(result, tuple) else result
    dout = np.random.default_rng(1).standard_normal(y.shape)
    y.backward(dout)

    def checked(*inputs):
        plain = op(**{**arguments, **dict(zip(arrays, inputs, strict=True))})
        first = plain[0] if isinstance(plain, tuple) else plain
        recorded = [Variable(x) for x in inputs]
        again = op(**{**arguments, **dict(zip(arrays, recorded, strict=True))})

        def backward(dout):
            (again[0] if isinstance(again, tuple) else again).backward(dout)
            return tuple(v.grad for v in recorded)

        return first, backward

    report = xpnet.check_gradients(checked, *(arguments[n] for n in arrays))
    assert report, str(report)
    assert all(values[n].grad.shape == arguments[n].shape for n in arrays)


def test_a_derivative_is_not_differentiated():
    for name in ("relu_backward", "add_backward"):
        x = np.ones((2, 3))
        arguments = (Variable(x), x) if name == "relu_backward" else (Variable(x), x, x)
        y = OPS[name](*arguments)
        y = y[0] if isinstance(y, tuple) else y
        with pytest.raises(GraphError, match="derivatives of derivatives are not offered"):
            y.backward(x)


def test_only_the_first_of_several_outputs_has_a_derivative():
    x = Variable(np.ones((2, 3)))
    loss, y = xpnet.ops.softmax_with_loss(x, np.asarray([0, 1]))
    loss.backward()
    with pytest.raises(GraphError, match="only the first of its outputs"):
        y.sum().backward()
