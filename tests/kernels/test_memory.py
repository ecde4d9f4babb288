"""NumPy's own kernels need no memory of the size of their arguments besides the result's."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from xpnet import kernels, ops

# Rows of the second are so short that they are computed by columns, in a buffer that stays.
SHAPES = [(4096, 256), (65_536, 16)]


def softmax(x, out):
    return ops.softmax(x, out=out)


def relu_backward(dout, out):
    return ops.relu_backward(dout, dout, out=out)


def most_allocated(op, x):
    """Return the largest number of bytes that a call allocated, and which kernels ran in it."""
    out = np.empty_like(x)
    op(x, out)  # the buffers that stay, and compiled code, come with a first call
    tracemalloc.start()
    try:
        with kernels.watch() as ran:
            assert op(x, out) is out
        return tracemalloc.get_traced_memory()[1], [kernel.provider for kernel in ran]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("op", [softmax, relu_backward], ids=lambda op: op.__name__)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_no_temporary_is_as_large_as_the_whole(op, shape):
    x = np.random.default_rng(0).standard_normal(shape, dtype="float32")

    with kernels.only("numpy"):
        most, ran = most_allocated(op, x)
    with kernels.disabled():
        most_of_generic, _ = most_allocated(op, x)

    assert ran == ["numpy"]
    # Two numbers for each row of softmax and what Python needs: not even a block of the rows.
    assert most < 2 * x[:, 0].nbytes + 2**17
    assert most_of_generic >= x.nbytes  # so temporaries are seen
