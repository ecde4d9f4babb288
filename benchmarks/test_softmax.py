"""Softmax alone, and together with the loss whose gradient it makes simple."""

from functools import partial

import pytest

from benchmarks import book
from benchmarks.workloads import SOFTMAX_SHAPES

each_shape = pytest.mark.parametrize("shape", SOFTMAX_SHAPES, ids=lambda shape: shape.name)


@each_shape
def test_softmax_forward(measure, contender, shape):
    def run(ops, x, _t):
        return (ops.softmax(x),)

    host = shape.arrays()
    own = contender.arrays(*host)
    measure(
        f"softmax forward, {shape}",
        partial(run, contender.ops, *own),
        partial(run, book, *host),
        shape.forward,
    )


@each_shape
def test_softmax_with_loss_forward_backward(measure, contender, shape):
    def run(ops, x, t):
        loss, y = ops.softmax_with_loss(x, t)
        return loss, ops.softmax_with_loss_backward(1, y, t)

    host = shape.arrays()
    own = contender.arrays(*host)
    measure(
        f"softmax+loss forward+backward, {shape}",
        partial(run, contender.ops, *own),
        partial(run, book, *host),
        shape.with_loss,
    )
