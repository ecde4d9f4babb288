"""Affine: a matrix product and little else."""

from functools import partial

import pytest

from benchmarks import book
from benchmarks.workloads import AFFINE_SHAPES

each_shape = pytest.mark.parametrize("shape", AFFINE_SHAPES, ids=lambda shape: shape.name)


@each_shape
def test_affine_forward(measure, contender, shape):
    def run(ops, x, W, b, _dout):
        return (ops.affine(x, W, b),)

    host = shape.arrays()
    own = contender.arrays(*host)
    measure(
        f"affine forward, {shape}",
        partial(run, contender.ops, *own),
        partial(run, book, *host),
        shape.forward,
    )


@each_shape
def test_affine_forward_backward(measure, contender, shape):
    def run(ops, x, W, b, dout):
        return ops.affine(x, W, b), *ops.affine_backward(dout, x, W)

    host = shape.arrays()
    own = contender.arrays(*host)
    measure(
        f"affine forward+backward, {shape}",
        partial(run, contender.ops, *own),
        partial(run, book, *host),
        shape.forward + shape.backward,
    )
