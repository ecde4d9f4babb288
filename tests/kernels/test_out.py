"""Results that go where the caller wants them."""

from __future__ import annotations

from inspect import signature

import numpy as np
import pytest

import xpnet
from xpnet import NotWritableError, kernels, ops
from xpnet.backend import resolve_backend
from xpnet.dispatch import providers_of
from xpnet.dtypes import dtype_name
from xpnet.ops.op import OPS

# Each with scores or upstream gradients first; the derivatives take a result besides.
FORWARD = [ops.relu, ops.sigmoid, ops.softmax, ops.log_softmax]
BACKWARD = [
    (ops.relu_backward, ops.relu),
    (ops.sigmoid_backward, ops.sigmoid),
    (ops.softmax_backward, ops.softmax),
    (ops.log_softmax_backward, ops.log_softmax),
]
HOST = np.asarray([[1.0, -2.0, 0.5], [3.0, 3.0, -1.0]])


def dropout(x, *, out=None):
    return ops.dropout(x, 0.5, seed=0, out=out)[0]


def of_scores(y, t, *, out=None):
    return ops.softmax_with_loss_backward(1.5, y, t, out=out)


def of_probabilities(y, t, *, out=None):
    return ops.cross_entropy_error_backward(1.5, y, t, out=out)


NAMES = {op: op.declaration.title for op in OPS.values()}
NAMES |= {dropout: "xpnet.ops.dropout", of_scores: "xpnet.ops.softmax_with_loss_backward"}
NAMES[of_probabilities] = "xpnet.ops.cross_entropy_error_backward"

AXES = [0, 1, -1]
OVER_AXES = [ops.softmax, ops.log_softmax, ops.softmax_backward, ops.log_softmax_backward]


def is_writable(backend):
    return backend.adapter.is_writable(xpnet.asarray(HOST, xp=backend))


def calls(backend, axis=-1):
    """Give each op with its arguments; those that have an axis get another one."""
    x = xpnet.asarray(HOST, xp=backend)
    for op in FORWARD:
        yield op, (x, axis) if op in OVER_AXES else (x,)
    for derivative, op in BACKWARD:
        axes = (axis,) if op in OVER_AXES else ()
        yield derivative, (xpnet.asarray(HOST + 1, xp=backend), op(x, *axes), *axes)
    for op in (ops.add, ops.mul):
        yield op, (x, xpnet.asarray(HOST[0], xp=backend))
        yield op, (x, xpnet.asarray(HOST + 1, xp=backend))
    mask = ops.dropout(x, 0.5, seed=0)[1]
    yield dropout, (x,)
    yield ops.dropout_backward, (x, mask, 0.5)
    t = xpnet.asarray(np.asarray([2, 0]), xp=backend)
    for op in (of_scores, of_probabilities):
        for target in (t, ops.softmax(x)):
            yield op, (ops.softmax(x), target)


@pytest.mark.parametrize("axis", AXES)
def test_the_result_is_in_out_and_is_out(axis, xpnet_backend):
    for op, args in calls(xpnet_backend, axis):
        out = xpnet.asarray(np.full(HOST.shape, 7.0), xp=xpnet_backend)
        if is_writable(xpnet_backend):
            expected = xpnet.to_numpy(op(*args)).copy()
            assert op(*args, out=out) is out
            np.testing.assert_array_equal(xpnet.to_numpy(out), expected)
        else:
            with pytest.raises(NotWritableError, match="out cannot be written to: arrays of"):
                op(*args, out=out)


@pytest.mark.parametrize("axis", AXES)
def test_a_generic_op_writes_to_out_without_any_kernel(axis, xpnet_backend):
    if not is_writable(xpnet_backend):
        pytest.skip("this library's arrays are immutable")
    with kernels.disabled():
        for op, args in calls(xpnet_backend, axis):
            out = xpnet.asarray(np.full(HOST.shape, 7.0), xp=xpnet_backend)
            assert op(*args, out=out) is out
            np.testing.assert_array_equal(xpnet.to_numpy(out), xpnet.to_numpy(op(*args)))


@pytest.mark.parametrize("axis", AXES)
def test_a_kernel_writes_to_out_where_there_is_one(axis, xpnet_backend):
    if xpnet_backend.name not in ("numpy", "torch", "cupy"):
        pytest.skip("the kernels of this library take no other array for their result")
    # Those of CuPy alone take 16 bits, and only those of PyTorch any axis but the last. None of
    # sums and products takes two shapes.
    wide = dtype_name(xpnet_backend.dtype) in ("float32", "float64")
    takes_floats = wide or xpnet_backend.name == "cupy"
    takes_axis = axis != 0 or xpnet_backend.name == "torch"
    for provider in providers_of(xpnet_backend.adapter):
        for op, args in calls(xpnet_backend, axis):
            out = xpnet.asarray(np.full(HOST.shape, 7.0), xp=xpnet_backend)
            with kernels.only(provider.name), kernels.watch() as ran:
                expected = xpnet.to_numpy(op(*args)).copy()
                assert op(*args, out=out) is out
            # Those of NumPy alone take rows of labels, too.
            by_labels = op is of_scores and (args[1].ndim == 1 or xpnet_backend.name == "numpy")
            name = "softmax_with_loss_backward" if by_labels else op.__name__
            kernel = provider.kernels.get(name)
            takes_shapes = op not in (ops.add, ops.mul) or args[0].shape == args[1].shape
            takes_both = takes_shapes and (takes_axis or op not in OVER_AXES)
            runs = kernel is not None and takes_floats and takes_both
            assert ran == ([kernel, kernel] if runs else [])
            np.testing.assert_array_equal(xpnet.to_numpy(out), expected)


@pytest.mark.parametrize("axis", AXES)
def test_out_may_be_the_first_argument(axis, xpnet_backend):
    if not is_writable(xpnet_backend):
        pytest.skip("this library's arrays are immutable")
    for op, args in calls(xpnet_backend, axis):
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


def test_every_op_whose_result_is_as_large_as_its_argument_takes_out():
    sums = {"cross_entropy_error", "softmax_with_loss"}  # those of a loss
    sums |= {"mean_squared_error", "sigmoid_with_loss"}
    products = {
        "affine",
        "affine_relu",
        "affine_backward",
        "affine_param_gradients",
    }  # of another shape
    several = {"add_backward", "mul_backward"}  # results, which may be views of the argument
    in_place = {name for name in OPS if name.endswith("_update")}  # by Optimizer.update

    taking = {name for name, op in OPS.items() if "out" in signature(op).parameters}

    assert taking == OPS.keys() - sums - products - several - in_place


@pytest.mark.parametrize("op", [ops.add, ops.mul])
def test_a_sum_of_shape_0_and_one_of_numbers_go_to_out_or_are_named(op):
    out = np.full((), 7.0)
    assert op(np.asarray(2.0), 3.0, out=out) is out
    assert out == op(2.0, 3.0)

    with pytest.raises(xpnet.BackendMismatchError, match=f"{NAMES[op]}: result is"):
        op(2, 3, out=out)
    with pytest.raises(xpnet.ShapeError, match=r"out has shape \(\), but result has shape \(2,\)"):
        op(np.ones(2), 3.0, out=out)


def test_a_read_only_out_is_refused():
    out = np.zeros_like(HOST)
    out.flags.writeable = False

    for op, args in calls(resolve_backend("numpy", dtype="float64")):
        with pytest.raises(
            NotWritableError, match=f"^{NAMES[op]}: out cannot be written to: it is"
        ):
            op(*args, out=out)
    assert not out.any()


NOT_WRITABLE = {
    "a leaf": lambda out: out.requires_grad_(),
    "a view of a leaf": lambda out: out.requires_grad_()[:],
    "of a graph": lambda out: out.requires_grad_() * 1,
    "expanded": lambda out: out[:1].expand(2, 3),
    "of inference mode": lambda out: _inferred(out),
}


def _inferred(out):
    torch = pytest.importorskip("torch")
    with torch.inference_mode():
        return out.clone()


@pytest.mark.parametrize("make", NOT_WRITABLE)
def test_a_tensor_that_cannot_be_written_to_is_refused(make):
    torch = pytest.importorskip("torch")
    backend = resolve_backend("torch", dtype="float64")
    for op, args in calls(backend):
        out = NOT_WRITABLE[make](torch.zeros(2, 3, dtype=torch.float64))
        with pytest.raises(NotWritableError, match=f"^{NAMES[op]}: out cannot be written to: it "):
            op(*args, out=out)
        assert not out.any()


def test_scores_that_require_gradients_are_written_to_out_without_their_history():
    torch = pytest.importorskip("torch")
    for op in FORWARD:
        x = torch.asarray(HOST, requires_grad=True)
        out = torch.zeros(2, 3, dtype=torch.float64)

        assert op(x, out=out) is out

        assert not out.requires_grad
        np.testing.assert_allclose(out.numpy(), op(HOST))


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
