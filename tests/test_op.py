"""What follows from the declaration of an op."""

from __future__ import annotations

import copy
import inspect
import pickle

import numpy as np
import pytest

import xpnet
from xpnet import dispatch, ops
from xpnet._typing import Array, Namespace
from xpnet.ops.op import OPS, RECORDERS, op

X = np.asarray([[1.0, -2.0, 3.0]], dtype="float32")

WRONG_CALLS = {
    "xpnet.softmax: got an unexpected keyword argument 'axes'": lambda: xpnet.softmax(X, axes=0),
    "xpnet.softmax: too many positional arguments": lambda: xpnet.softmax(X, -1, None),
    "xpnet.softmax: multiple values for argument 'axis'": lambda: xpnet.softmax(X, 0, axis=0),
    "xpnet.softmax: missing a required argument: 'x'": lambda: xpnet.softmax(axis=0),
    "xpnet.ops.softmax_backward: missing a required argument: 'y'": (
        lambda: ops.softmax_backward(X, foo=1)
    ),
    "xpnet.ops.affine: missing a required argument: 'b'": lambda: ops.affine(X, X.T),
    r"relu\(\) got an unexpected keyword argument 'axis'": lambda: xpnet.relu(X, axis=0),
}


@pytest.mark.parametrize("text", WRONG_CALLS)
@pytest.mark.parametrize("dtype", ["with kernels", "without"])
def test_a_wrong_call_is_a_type_error_that_names_the_op(text, dtype):
    with (
        xpnet.kernels.disabled() if dtype == "without" else xpnet.kernels.watch(),
        pytest.raises(TypeError, match=f"^{text}"),
    ):
        WRONG_CALLS[text]()


def test_arguments_may_be_given_by_name():
    assert np.array_equal(xpnet.softmax(x=X, axis=-1), xpnet.softmax(X))
    assert np.array_equal(ops.relu_backward(y=X, dout=X), ops.relu_backward(X, X))


@pytest.mark.parametrize("name", OPS)
def test_an_op_is_a_function_with_a_signature_a_whole_docstring_and_one_identity(name):
    each = OPS[name]

    assert inspect.isfunction(each)
    assert [n for n in inspect.signature(each).parameters if n != "out"] == [*each.names]
    for section in ("Parameters", "Returns", "Raises", "Examples"):
        assert f"\n{section}\n{'-' * len(section)}\n" in each.__doc__
    parameters = each.__doc__.split("Parameters\n")[1].split("Returns\n")[0]
    for argument in inspect.signature(each).parameters:
        assert argument in parameters
    assert pickle.loads(pickle.dumps(each)) is each
    assert copy.deepcopy(each) is each


def test_a_kernel_takes_what_its_op_takes():
    with pytest.raises(TypeError, match=r"a kernel of softmax must take \(x"):
        ops.softmax.kernel("numpy")(lambda x, out=None: x)


def test_a_formula_without_arrays_is_refused():
    with pytest.raises(TypeError, match="no argument is annotated as Array"):

        @op()
        def of_nothing(xp, x):
            return x


@pytest.fixture
def cube():
    @op({"x": (5, 4)}, out=True)
    def cube(xp: Namespace, x: Array) -> Array:
        """Return ``x**3``."""
        return x * x * x

    @cube.derivative
    def cube_backward(xp: Namespace, dout: Array, x: Array) -> Array:
        """Return ``3 * dout * x**2``."""
        return 3 * dout * x * x

    yield cube
    for name in ("cube", "cube_backward"):
        del OPS[name], dispatch._ALL[name]


def test_an_op_of_ones_own_has_all_that_those_of_xpnet_have(cube):
    half, out = X.astype("float16"), np.empty_like(X)

    assert cube(X, out=out) is out
    np.testing.assert_array_equal(out, X**3)
    assert cube(half).dtype == "float16"
    assert np.isinf(cube(np.asarray([1e200]))).all()  # in silence
    np.testing.assert_array_equal(cube.backward(X, X), 3 * X**3)
    with pytest.raises(xpnet.DTypeError, match=r"cube: x is int64"):
        cube(np.asarray([1]))


def test_a_kernel_that_comes_later_is_asked(cube):
    cube(X)

    cube.kernel("numpy", checks_itself=True)(lambda x, *, out=None: None)

    @cube.kernel("numpy")
    def nothing(x, *, out=None):
        return x

    assert cube(X) is X


class Recorded:
    """Stands for a value of a graph."""


def test_a_recorded_value_anywhere_goes_to_what_is_registered_for_its_type(monkeypatch):
    monkeypatch.setitem(RECORDERS, Recorded, lambda op, arguments: (op, arguments))
    value = Recorded()

    for args in ((value, X, X[0]), (X, value, X[0]), (X, X.T, value)):
        called, arguments = ops.affine(*args)
        assert called is ops.affine
        assert list(arguments) == ["x", "W", "b"]
        assert all(a is b for a, b in zip(arguments.values(), args, strict=True))
    assert ops.add(2, value)[1] == {"x": 2, "y": value}
    assert xpnet.softmax(value)[1] == {"x": value, "axis": -1}
    with pytest.raises(xpnet.NotWritableError, match="call without out="):
        xpnet.relu(value, out=X)


def test_what_a_derivative_needs_is_known_after_forward():
    for each in OPS.values():
        if each.backward is not None:
            known = {*each.names, *each.results}
            assert {*each.backward.names[1:]} <= known
            assert each.backward.names[0] == "dout"
