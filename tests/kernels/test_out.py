"""Results that go where the caller wants them."""

from __future__ import annotations

import numpy as np
import pytest

import xpnet
from xpnet import NotWritableError, ops

# Each with scores or upstream gradients first; the derivatives take a result besides.
FORWARD = [ops.relu, ops.sigmoid, ops.softmax, ops.log_softmax]
BACKWARD = [
    (ops.relu_backward, ops.relu),
    (ops.sigmoid_backward, ops.sigmoid),
    (ops.softmax_backward, ops.softmax),
    (ops.log_softmax_backward, ops.log_softmax),
]
NAMES = {ops.relu: "ReLU", ops.sigmoid: "Sigmoid"}
NAMES |= {op: op.__name__ for op in (ops.softmax, ops.log_softmax)}
NAMES |= {derivative: NAMES[op] for derivative, op in BACKWARD}
HOST = np.asarray([[1.0, -2.0, 0.5], [3.0, 3.0, -1.0]])


def is_writable(backend):
    return backend.adapter.is_writable(xpnet.asarray(HOST, xp=backend))


def calls(backend):
    x = xpnet.asarray(HOST, xp=backend)
    for op in FORWARD:
        yield op, (x,)
    for derivative, op in BACKWARD:
        yield derivative, (xpnet.asarray(HOST + 1, xp=backend), op(x))


def test_the_result_is_in_out_and_is_out(xpnet_backend):
    for op, args in calls(xpnet_backend):
        out = xpnet.asarray(np.full(HOST.shape, 7.0), xp=xpnet_backend)
        if is_writable(xpnet_backend):
            assert op(*args, out=out) is out
            np.testing.assert_array_equal(xpnet.to_numpy(out), xpnet.to_numpy(op(*args)))
        else:
            with pytest.raises(NotWritableError, match="out cannot be written to: arrays of"):
                op(*args, out=out)


def test_out_may_be_the_first_argument(xpnet_backend):
    if not is_writable(xpnet_backend):
        pytest.skip("this library's arrays are immutable")
    for op, args in calls(xpnet_backend):
        expected = xpnet.to_numpy(op(*args)).copy()
        out = args[0]

        op(*args, out=out)

        np.testing.assert_array_equal(xpnet.to_numpy(out), expected)
        out[...] = xpnet.asarray(HOST, xp=xpnet_backend)


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize("op", FORWARD, ids=lambda op: op.__name__)
def test_out_may_overlap_or_have_gaps_on_numpy(op, dtype):
    memory = np.linspace(-3, 3, 12, dtype=dtype)
    x, overlapping = memory[:9].reshape(3, 3), memory[3:].reshape(3, 3)
    expected = op(x.copy())
    gaps = np.zeros((3, 6), dtype=dtype)[:, ::2]

    op(x.copy(), out=gaps)
    op(x, out=overlapping)

    np.testing.assert_allclose(gaps, expected, rtol=1e-3 if dtype == "float16" else 1e-6)
    np.testing.assert_allclose(overlapping, expected, rtol=1e-3 if dtype == "float16" else 1e-6)


def test_a_read_only_out_is_refused():
    out = np.zeros_like(HOST)
    out.flags.writeable = False

    for op, args in calls(xpnet.get_backend()):
        args = [np.asarray(a, dtype="float64") for a in args]
        with pytest.raises(
            NotWritableError, match=f"^{NAMES[op]}: out cannot be written to: it is"
        ):
            op(*args, out=out)
    assert not out.any()


@pytest.mark.parametrize(
    ("out", "error", "words"),
    [
        (
            np.zeros((2, 2), dtype="float32"),
            xpnet.ShapeError,
            r"out has shape \(2, 2\), but .* has shape \(2, 3\); they must be equal$",
        ),
        (np.zeros((2, 3)), xpnet.DTypeError, "out is float64"),
        (np.zeros((2, 3), dtype="int64"), xpnet.DTypeError, "out is int64"),
        ([[0.0] * 3] * 2, xpnet.BackendMismatchError, "out is of type list"),
    ],
    ids=["shape", "dtype", "integers", "list"],
)
def test_an_out_that_does_not_fit_is_refused(out, error, words):
    for op, args in calls(xpnet.get_backend()):
        with pytest.raises(error, match=f"^{NAMES[op]}: {words}"):
            op(*args, out=out)


@pytest.mark.parametrize("op", FORWARD, ids=lambda op: op.__name__)
def test_out_may_overlap_on_torch(op):
    torch = pytest.importorskip("torch")
    memory = torch.linspace(-3, 3, 12)
    expected = op(memory[:9].reshape(3, 3).clone())

    y = op(memory[:9].reshape(3, 3), out=memory[3:].reshape(3, 3))

    np.testing.assert_allclose(y.numpy(), expected.numpy(), rtol=1e-6)
