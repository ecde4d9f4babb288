"""The affine map and its gradients by one provider of kernels, held against exact arithmetic."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from xpnet import kernels, ops
from xpnet.kernels.tape import Tape
from xpnet.ops.fused import affine_relu

each_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


def arguments(samples, inputs, outputs, dtype):
    """Return x, W, b and dout."""
    rng = np.random.default_rng(0)
    shapes = [(samples, inputs), (inputs, outputs), (outputs,), (samples, outputs)]
    return [rng.standard_normal(shape).astype(dtype) for shape in shapes]


def computed(provider, x, W, b, dout):
    """Return all results, and the functions that were called for them."""

    def compute():
        y, y_relu = ops.affine(x, W, b), affine_relu(x, W, b)
        gradients = ops.affine_backward(dout, x, W)
        return (y, y_relu, *gradients), ops.affine_param_gradients(dout, x, W)

    tape = Tape()
    with kernels.only(provider):
        (y, y_relu, dx, dW, db), (only_dW, only_db) = tape.record(compute)
    np.testing.assert_array_equal(only_dW, dW)
    np.testing.assert_array_equal(only_db, db)
    return (y, y_relu, dx, dW, db), [function for function, *_ in tape.calls]


def assert_right(results, x, W, b, dout):
    """Make sure that all results are within some units of the last place of their terms."""
    y, y_relu, dx, dW, db = results
    wide = partial(np.asarray, dtype="longdouble")
    exact = wide(x) @ W + b
    _assert_near(y, exact, abs(x) @ abs(W))
    _assert_near(y_relu, np.maximum(exact, 0), abs(x) @ abs(W))
    _assert_near(dx, wide(dout) @ W.T, abs(dout) @ abs(W.T))
    _assert_near(dW, wide(x).T @ dout, abs(x.T) @ abs(dout))
    _assert_near(db, wide(dout).sum(axis=0), abs(dout).sum(axis=0))


def assert_as_special(results, x, W, b, dout):
    """Make sure that NaN and infinity are where the generic ops have them, and the rest is near."""
    y, _, *others = results
    with kernels.disabled():
        expected = ops.affine(x, W, b), *ops.affine_backward(dout, x, W)
    for found, truth in zip((y, *others), expected, strict=True):
        finite = np.isfinite(truth)
        assert not finite.all()
        np.testing.assert_array_equal(found[~finite], truth[~finite])
        np.testing.assert_allclose(found[finite], truth[finite], rtol=1e-9, atol=1e-9)


def _assert_near(found, exact, size_of_terms):
    assert (abs(found - exact) <= 4 * np.finfo(found.dtype).eps * (1 + size_of_terms)).all()
