"""Where float32 meets float64: computed in float64, and each gradient in the dtype of its own."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import xpnet
from xpnet import Affine, Backend, PrecisionWarning, kernels, ops
from xpnet.backends import adapter_of
from xpnet.dtypes import dtype_name
from xpnet.ops.fused import affine_relu

RNG = np.random.default_rng(0)
X, W, B = (RNG.standard_normal(shape) for shape in ((5, 4), (4, 3), (3,)))
DOUT, Y = RNG.standard_normal((5, 4)), np.abs(RNG.standard_normal((5, 4))) + 0.1
PROBABILITIES = Y / Y.sum(axis=1, keepdims=True)
LABELS = np.asarray([0, 1, 2, 3, 0])
ONE = np.asarray(1.5)

WIDTHS = ["float32", "float64"]
PROVIDERS = ("numpy", "numba", "cuda", "torch", "jax")


@dataclass(frozen=True)
class Meeting:
    """An op of several arrays, and whose dtype each result has; None for the wider one."""

    run: Callable[..., Any]
    arrays: tuple[np.ndarray, ...]
    results: tuple[int | None, ...]


def _beside(array: Any, values: Any) -> Any:
    adapter = adapter_of(array)
    return xpnet.asarray(values, xp=Backend(adapter.name, array.device, array.dtype, adapter))


MEETINGS = {
    "affine": Meeting(ops.affine, (X, W, B), (None,)),
    "affine_relu": Meeting(affine_relu, (X, W, B), (None,)),
    "affine_backward": Meeting(ops.affine_backward, (X @ W, X, W, B), (1, 2, 3)),
    "affine_param_gradients": Meeting(ops.affine_param_gradients, (X @ W, X, W, B), (2, 3)),
    "add": Meeting(ops.add, (X, DOUT), (None,)),
    "mul": Meeting(ops.mul, (X, DOUT[0]), (None,)),
    "add_backward": Meeting(ops.add_backward, (DOUT, X, DOUT[0]), (1, 2)),
    "mul_backward": Meeting(ops.mul_backward, (DOUT, X, DOUT[0]), (1, 2)),
    "relu_backward": Meeting(ops.relu_backward, (DOUT, Y), (1,)),
    "sigmoid_backward": Meeting(ops.sigmoid_backward, (DOUT, Y), (1,)),
    "softmax_backward": Meeting(ops.softmax_backward, (DOUT, PROBABILITIES), (1,)),
    "log_softmax_backward": Meeting(ops.log_softmax_backward, (DOUT, -Y), (1,)),
    "dropout_backward": Meeting(
        lambda dout, mask: ops.dropout_backward(dout, mask, 0.25), (DOUT, (Y > 1) * 1.0), (1,)
    ),
    "softmax_with_loss_backward": Meeting(
        lambda dout, y: ops.softmax_with_loss_backward(dout, y, _beside(y, LABELS)),
        (ONE, PROBABILITIES),
        (1,),
    ),
    "cross_entropy_error_backward": Meeting(
        lambda dout, y: ops.cross_entropy_error_backward(dout, y, _beside(y, LABELS)),
        (ONE, PROBABILITIES),
        (1,),
    ),
    "sgd_update": Meeting(lambda p, g: ops.sgd_update(p, g, 0.1), (X, DOUT), (0,)),
    "momentum_update": Meeting(
        lambda p, g, v: ops.momentum_update(p, g, v, 0.1, 0.9), (X, DOUT, Y), (0, 2)
    ),
    "nesterov_update": Meeting(
        lambda p, g, v: ops.nesterov_update(p, g, v, 0.1, 0.9), (X, DOUT, Y), (0, 2)
    ),
    "adagrad_update": Meeting(
        lambda p, g, h: ops.adagrad_update(p, g, h, 0.1, 1e-7), (X, DOUT, Y), (0, 2)
    ),
    "rmsprop_update": Meeting(
        lambda p, g, h: ops.rmsprop_update(p, g, h, 0.1, 0.9, 1e-7), (X, DOUT, Y), (0, 2)
    ),
    "adam_update": Meeting(
        lambda p, g, m, v: ops.adam_update(p, g, m, v, 0.1, 0.9, 0.99, 1e-7, 3),
        (X, DOUT, DOUT, Y),
        (0, 2, 3),
    ),
}

each_meeting = pytest.mark.parametrize("name", MEETINGS)


@pytest.fixture(autouse=True)
def jax_as_it_was():
    """Take back that float64 switches JAX's x64 mode on, for the whole process."""
    if not xpnet.available_backends()["jax"].available:
        yield
        return
    import jax

    before = jax.config.jax_enable_x64
    yield
    jax.config.update("jax_enable_x64", before)


@pytest.fixture
def put(xpnet_backend):
    """Return a function that brings arrays to the backend under test in dtypes of their own."""
    if dtype_name(xpnet_backend.dtype) != "float32":
        pytest.skip("it makes both dtypes itself")
    if "no_float64" in str(xpnet_backend.device):
        pytest.skip("the device has no float64")

    def put(arrays: Any, dtypes: Any) -> list[Any]:
        pairs = zip(arrays, dtypes, strict=True)
        return [xpnet.asarray(array, xp=xpnet_backend, dtype=dtype) for array, dtype in pairs]

    return put


def as_tuple(results: Any) -> tuple[Any, ...]:
    return results if isinstance(results, tuple) else (results,)


def widths(count: int) -> list[list[str]]:
    """Return all ways for so many arrays to be of the two widths, but for those of one alone."""
    numbers = range(1, 2**count - 1)
    return [[("float32", "float64")[n >> i & 1] for i in range(count)] for n in numbers]


@each_meeting
@pytest.mark.parametrize("with_kernels", [True, False], ids=["kernels", "generic"])
def test_it_is_computed_in_float64_and_each_result_has_its_dtype(name, with_kernels, put):
    meeting = MEETINGS[name]
    for dtypes in widths(len(meeting.arrays)):
        arrays = put(meeting.arrays, dtypes)
        wide = put([xpnet.to_numpy(a) for a in arrays], ["float64"] * len(arrays))
        exact = as_tuple(meeting.run(*wide))
        with warnings.catch_warnings(), kernels.only(*PROVIDERS if with_kernels else ()):
            warnings.simplefilter("ignore", PrecisionWarning)
            found = as_tuple(meeting.run(*arrays))
        assert len(found) == len(meeting.results)
        for result, value, owner in zip(found, exact, meeting.results, strict=True):
            expected = "float64" if owner is None else dtypes[owner]
            assert dtype_name(result.dtype) == expected, (name, dtypes)
            rounded = xpnet.to_numpy(value).astype(expected)
            # One rounding of what float64 gives, up to how a kernel adds.
            tight = 1e-14 if expected == "float64" else 1e-7
            np.testing.assert_allclose(xpnet.to_numpy(result), rounded, rtol=tight, atol=tight / 9)


@each_meeting
def test_one_warning_tells_where_it_happens_and_the_cures(name, put):
    meeting = MEETINGS[name]
    if name.startswith("affine") and name.endswith("s"):
        dtypes = ["float64", "float32", *["float64"] * (len(meeting.arrays) - 2)]
    else:
        dtypes = ["float64", *["float32"] * (len(meeting.arrays) - 1)]
    arrays = put(meeting.arrays, dtypes)
    with pytest.warns(PrecisionWarning) as caught:
        meeting.run(*arrays)
    assert {warning.filename for warning in caught} == {__file__}
    for warning in caught:
        text = str(warning.message)
        assert " is float32, but " in text
        assert " is float64, and so it computes in float64" in text
        assert "xpnet.asarray(" in text
        assert "dtype='float64') or net.to(dtype='float32')" in text


def test_the_warning_comes_once_from_a_line(put):
    x, w, b = put((X, W, B), ["float32", "float64", "float64"])
    layer = Affine(w, b)
    with warnings.catch_warnings(record=True) as caught:
        warnings.resetwarnings()
        warnings.simplefilter("default")
        for _ in range(3):
            layer.forward(x)
    assert [warning.category for warning in caught] == [PrecisionWarning]
    assert str(caught[0].message) == (
        "xpnet.ops.affine: x is float32, but W is float64, and so it computes in float64; make all "
        "one with xpnet.asarray(x, dtype='float64') or net.to(dtype='float32')"
    )


def test_the_cures_of_the_warning_work(xpnet_backend, put):
    x, w, b = put((X, W, B), ["float32", "float64", "float64"])
    net = xpnet.Sequential(Affine(w, b))
    with pytest.warns(PrecisionWarning) as caught:
        net.predict(x)
    (wider, narrower) = re.search(
        r"(xpnet\.asarray\(.*?\)) or (net\.to\(.*?\))", str(caught[0].message)
    ).groups()
    with xpnet.use_backend(xpnet_backend):
        assert dtype_name(net.predict(eval(wider)).dtype) == "float64"
        eval(narrower)
    assert dtype_name(net.predict(x).dtype) == "float32"


def test_arrays_of_one_width_do_not_warn(put):
    for dtype in ("float32", "float64"):
        for meeting in MEETINGS.values():
            meeting.run(*put(meeting.arrays, [dtype] * len(meeting.arrays)))


@pytest.mark.filterwarnings("ignore::xpnet.PrecisionWarning")
def test_an_out_must_have_the_dtype_of_the_result(put):
    (x, y), (narrow, wide) = put((X, Y), ["float32", "float64"]), put((X, X), WIDTHS)
    if not adapter_of(x).is_writable(x):
        pytest.skip("this library's arrays are immutable")
    for op in (ops.add, ops.mul):
        with pytest.raises(xpnet.DTypeError, match="out is float32, but result is float64"):
            op(x, y, out=narrow)
        assert op(x, y, out=wide) is wide
    for op in (ops.relu_backward, ops.softmax_backward):
        with pytest.raises(xpnet.DTypeError, match="out is float32, but y is float64"):
            op(x, y, out=narrow)
        assert op(y, x, out=narrow) is narrow
        np.testing.assert_array_equal(xpnet.to_numpy(narrow), xpnet.to_numpy(op(y, x)))


@pytest.mark.filterwarnings("ignore::xpnet.PrecisionWarning")
@pytest.mark.parametrize("dtypes", [["float64", "float32"], ["float32", "float64"]], ids=str)
def test_a_layer_whose_weights_and_bias_differ(dtypes, put):
    x, w, b = put((X, W, B), ["float32", *dtypes])
    layer = Affine(w, b)
    y = layer.forward(x)
    assert layer.W is w
    assert layer.b is b
    assert dtype_name(y.dtype) == "float64"
    assert dtype_name(layer.backward(y).dtype) == "float32"
    assert [dtype_name(layer.grads[name].dtype) for name in "Wb"] == dtypes
    layer.backward(y, need_dx=False)
    assert [dtype_name(layer.grads[name].dtype) for name in "Wb"] == dtypes


@pytest.mark.parametrize("entry", ["SGD", "Momentum", "Nesterov", "AdaGrad", "RMSprop", "Adam"])
def test_an_optimizer_keeps_the_dtype_of_a_parameter(entry, put):
    for dtypes in (["float32", "float64"], ["float64", "float32"]):
        w, grad = put((W, np.ones_like(W)), dtypes)
        params, optimizer = {"W": w}, getattr(xpnet, entry)()
        for _ in range(2):
            with pytest.warns(PrecisionWarning, match="param is|grad is"):
                optimizer.update(params, {"W": grad})
        assert dtype_name(params["W"].dtype) == dtypes[0]
        arrays = [a for name, a in optimizer.state["W"].items() if name != "step"]
        assert {dtype_name(array.dtype) for array in arrays} <= {dtypes[0]}


@pytest.mark.filterwarnings("ignore::xpnet.PrecisionWarning")
@pytest.mark.parametrize("bias", ["float32", "float64"])
def test_the_script_of_the_book_runs_and_its_compiled_step_has_the_same_bits(bias, put):
    rng = np.random.default_rng(3)
    images = rng.random((3, 5, 4))

    def net():
        w1, w2 = 0.5 * np.random.default_rng(1).standard_normal((2, 4, 4))
        w1, b1, w2, b2 = put((w1, np.zeros(4), w2, np.zeros(4)), ["float64", bias, "float64", bias])
        return xpnet.Sequential(Affine(w1, b1), xpnet.ReLU(), Affine(w2, b2))

    eager, compiled = net(), net()
    step, optimizer = xpnet.compile(compiled, xpnet.SGD(0.5)), xpnet.SGD(0.5)
    for image in images:
        (x,) = put((image,), ["float32"])
        t = _beside(x, LABELS)
        loss = eager.loss(x, t)
        optimizer.update(eager.params, eager.gradient(x, t))
        np.testing.assert_allclose(float(step(x, t)), float(loss), rtol=1e-12)
    assert dtype_name(loss.dtype) == "float64"
    for name, array in eager.params.items():
        assert dtype_name(array.dtype) == (bias if name.endswith(".b") else "float64")
        np.testing.assert_allclose(
            xpnet.to_numpy(compiled.params[name]), xpnet.to_numpy(array), rtol=1e-6, atol=1e-8
        )


@pytest.mark.parametrize("half", ["float16", "bfloat16"])
def test_16_bits_meet_no_other_width(half, xpnet_backend):
    if not hasattr(xpnet_backend.xp, half):
        pytest.skip(f"{xpnet_backend.name} has no {half}")
    x = xpnet.asarray(X, xp=xpnet_backend, dtype=half)
    y = xpnet.asarray(X, xp=xpnet_backend, dtype="float32")
    for op in (ops.add, ops.relu_backward, lambda x, y: ops.sgd_update(x, y, 0.1)):
        with pytest.raises(xpnet.DTypeError, match=f" is {half}, but .* is float32; make them"):
            op(x, y)


def test_jax_without_x64_has_no_float64():
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", False)  # noqa: FBT003
    x, w, b = (jax.numpy.asarray(array) for array in (X, W, B))
    assert ops.affine(x, w, b).dtype == "float32"


# The byte order ------------------------------------------------------------------------------


def swapped(array: np.ndarray, dtype: str = ">f8") -> np.ndarray:
    return array.astype(dtype)


@each_meeting
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_arrays_of_the_other_byte_order_are_as_good(name, dtype):
    meeting = MEETINGS[name]
    expected = as_tuple(meeting.run(*(array.astype(dtype) for array in meeting.arrays)))
    for which in range(len(meeting.arrays) + 1):
        arrays = [
            swapped(array, f">{dtype}") if index in (which, which - 1) else array.astype(dtype)
            for index, array in enumerate(meeting.arrays)
        ]
        for result, value in zip(as_tuple(meeting.run(*arrays)), expected, strict=True):
            assert result.dtype.isnative
            assert result.dtype == value.dtype
            np.testing.assert_allclose(result, value, rtol=1e-6, atol=1e-6)


SINGLE = {
    "relu": ops.relu,
    "sigmoid": ops.sigmoid,
    "softmax": ops.softmax,
    "log_softmax": ops.log_softmax,
    "dropout": lambda x: ops.dropout(x, 0.5, 1),
    "softmax_with_loss": lambda x: ops.softmax_with_loss(x, LABELS),
    "swapped labels": lambda x: ops.softmax_with_loss(x, swapped(LABELS, ">i4")),
    "swapped rows": lambda x: ops.softmax_with_loss(x, swapped(PROBABILITIES)),
    "asarray": lambda x: xpnet.asarray(x, dtype=x.dtype),
    "numerical_gradient": lambda x: xpnet.numerical_gradient(np.sum, x),
}


@pytest.mark.parametrize("name", SINGLE)
def test_one_array_of_the_other_byte_order(name):
    for dtype in ("f2", "f4", "f8"):
        expected = as_tuple(SINGLE[name](X.astype(dtype)))
        found = as_tuple(SINGLE[name](swapped(X, f">{dtype}")))
        for result, value in zip(found, expected, strict=True):
            assert result.dtype.isnative
            assert result.dtype == value.dtype
            np.testing.assert_allclose(result, value, rtol=1e-6, atol=1e-6)


def test_a_net_learns_in_place_with_parameters_of_the_other_byte_order():
    w, b = swapped(W), swapped(B)
    layer = Affine(w, b)
    y = layer.forward(swapped(X))
    layer.backward(y)
    expected = w - 0.1 * layer.dW
    xpnet.SGD(0.1).update(layer.params, layer.grads)
    assert layer.W is w
    np.testing.assert_allclose(w, expected)
    assert layer.to(dtype="float32").W.dtype == np.dtype("float32")


def test_an_out_of_the_other_byte_order_is_written_to():
    out = np.zeros_like(X, dtype=">f8")
    assert ops.relu(X, out=out) is out
    np.testing.assert_array_equal(out, ops.relu(X))


def unaligned(array: np.ndarray) -> np.ndarray:
    memory = np.zeros(array.nbytes + 1, np.uint8)
    result = memory[1:].view(array.dtype).reshape(array.shape)
    result[...] = array
    assert array.size == 1 or not result.flags.aligned
    return result


@each_meeting
def test_unaligned_arrays_are_as_good(name):
    meeting = MEETINGS[name]
    expected = as_tuple(meeting.run(*meeting.arrays))
    found = as_tuple(meeting.run(*map(unaligned, meeting.arrays)))
    for result, value in zip(found, expected, strict=True):
        np.testing.assert_allclose(result, value, rtol=1e-12)


@pytest.mark.parametrize(
    "bad",
    [
        np.ones(2, np.longdouble),
        np.ones(2, complex),
        np.asarray([1.0, None]),
        np.zeros(2, [("a", "f4")]),
        np.zeros(2, "M8[s]"),
        np.zeros(2, "m8[s]"),
        np.zeros(2, "S3"),
    ],
    ids=lambda array: str(array.dtype),
)
def test_other_dtypes_are_refused(bad):
    for op in (ops.relu, lambda x: ops.add(np.ones(2), x), lambda x: ops.add(x, np.ones(2))):
        with pytest.raises(xpnet.DTypeError, match="but layers compute in floats"):
            op(bad)
    if bad.dtype != np.longdouble:
        with pytest.raises(xpnet.DTypeError, match="holds no real numbers"):
            xpnet.asarray(bad)
