"""Numerical gradients: how right they are, and that they leave everything as it was."""

from __future__ import annotations

import numpy as np
import pytest

import xpnet
from xpnet.arrays import array_namespace, device_of
from xpnet.backends import adapter_of
from xpnet.dtypes import dtype_name

# Relative to the largest entry. The steps are of the size eps**(1/3), their errors of its square.
RIGHT = {"float64": 1e-9, "float32": 1e-3, "float16": 3e-2, "bfloat16": 1e-1}

POINTS = np.asarray([[-1.5, 0.25, 2.0], [0.75, -0.5, 1.0]])
FUNCTIONS = {
    "square": (lambda _, x: x * x, lambda x: 2 * x),
    "cube": (lambda _, x: x * x * x, lambda x: 3 * x**2),
    "sine": (lambda xp, x: xp.sin(x), np.cos),
    "exponential": (lambda xp, x: xp.exp(x), np.exp),
    "constant": (lambda _, x: 0 * x, np.zeros_like),
}


def host(array):
    return xpnet.to_numpy(array).astype("float64")


def writes(backend):
    return backend.name != "jax"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_gradient_of_known_functions(name, xpnet_backend):
    function, derivative = FUNCTIONS[name]
    x = xpnet.asarray(POINTS, xp=xpnet_backend)
    xp = array_namespace(x)

    # Of one entry alone: a sum of many would be rounded to more than its change.
    gradient = np.asarray(
        [
            host(xpnet.numerical_gradient(lambda x: function(xp, x)[0], x[row, column, None]))
            for row, column in np.ndindex(POINTS.shape)
        ]
    ).reshape(POINTS.shape)

    expected = derivative(POINTS)
    allowed = RIGHT[dtype_name(xpnet_backend.dtype)] * max(abs(expected).max(), 1e-300)
    assert abs(gradient - expected).max() <= allowed


def test_each_entry_gets_its_own_derivative(xpnet_backend):
    x = xpnet.asarray(POINTS, xp=xpnet_backend)
    weights = xpnet.asarray(np.asarray([[1.0, 2.0, 4.0], [-1.0, 0.0, 8.0]]), xp=xpnet_backend)
    xp = array_namespace(x)

    gradient = xpnet.numerical_gradient(lambda x: xp.sum(weights * x), x)

    assert gradient.shape == x.shape
    assert adapter_of(gradient) is xpnet_backend.adapter
    assert device_of(gradient) == xpnet_backend.device
    assert gradient.dtype == xpnet_backend.dtype
    allowed = 8 * RIGHT[dtype_name(xpnet_backend.dtype)]
    assert abs(host(gradient) - host(weights)).max() <= allowed


@pytest.mark.parametrize("size", [1e-3, 1.0, 100.0])
def test_the_step_follows_the_dtype_and_the_size_of_x(size, xpnet_backend):
    seen = []

    def f(x):
        seen.append(float(x))
        return 0.0

    xpnet.numerical_gradient(f, xpnet.asarray(size, xp=xpnet_backend))

    upper, lower = seen
    epsilon = {"float16": 2**-10, "bfloat16": 2**-7, "float32": 2**-23, "float64": 2**-52}
    h = epsilon[dtype_name(xpnet_backend.dtype)] ** (1 / 3) * max(size, 1)
    assert (upper - lower) / 2 == pytest.approx(h, rel=0.1)
    assert (upper + lower) / 2 == pytest.approx(size, rel=0.05, abs=0.01 * h)


@pytest.mark.parametrize("value", [0.7, 3.3, 90.1])
def test_the_difference_is_divided_by_the_step_that_was_taken(value, xpnet_backend):
    # The numbers that f gets are rounded: x + h and x - h are not quite 2 * h apart.
    x = xpnet.asarray(value, xp=xpnet_backend)

    assert float(xpnet.numerical_gradient(float, x)) == 1


def test_f_is_called_twice_for_every_entry():
    calls = []

    xpnet.numerical_gradient(lambda x: calls.append(x.copy()) or 0.0, POINTS.copy())

    assert len(calls) == 2 * POINTS.size
    for entry, (upper, lower) in enumerate(zip(calls[::2], calls[1::2], strict=True)):
        changed = np.flatnonzero(upper != POINTS), np.flatnonzero(lower != POINTS)
        assert list(map(list, changed)) == [[entry], [entry]]
        assert upper.flat[entry] > POINTS.flat[entry] > lower.flat[entry]


def test_f_may_look_at_the_outer_x_as_in_the_book(xpnet_backend):
    if not writes(xpnet_backend):
        pytest.skip("JAX's arrays cannot be written to, and f must use its argument")
    x = xpnet.asarray(np.asarray([0.5, -1.0]), xp=xpnet_backend)

    gradient = xpnet.numerical_gradient(lambda _: x[0] * x[0] + 2 * x[1], x)

    allowed = 4 * RIGHT[dtype_name(xpnet_backend.dtype)]
    assert abs(host(gradient) - [1, 2]).max() <= allowed


def test_x_is_as_before(xpnet_backend):
    values = np.asarray([0.1, -0.0, 0.0, -7.0, 3e4])
    x = xpnet.asarray(values, xp=xpnet_backend)
    before = xpnet.to_numpy(x).copy()

    xpnet.numerical_gradient(lambda _: 0.0, x)

    assert xpnet.to_numpy(x).tobytes() == before.tobytes()


def test_x_is_as_before_when_f_raises(xpnet_backend):
    x = xpnet.asarray(POINTS, xp=xpnet_backend)
    before = xpnet.to_numpy(x).copy()
    calls = []

    def f(x):
        calls.append(x)
        if len(calls) == 6:
            raise ZeroDivisionError
        return 0.0

    with pytest.raises(ZeroDivisionError):
        xpnet.numerical_gradient(f, x)

    assert xpnet.to_numpy(x).tobytes() == before.tobytes()


def test_x_is_as_before_after_ctrl_c():
    x = POINTS.copy()

    def f(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        xpnet.numerical_gradient(f, x)

    assert x.tobytes() == POINTS.tobytes()


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_a_read_only_array(dtype):
    x = POINTS.astype(dtype)
    x.flags.writeable = False

    gradient = xpnet.numerical_gradient(lambda x: (x * x)[1, 2], x)

    expected = np.zeros_like(POINTS)
    expected[1, 2] = 2
    assert abs(host(gradient) - expected).max() <= 4 * RIGHT[dtype_name(x.dtype)]


def test_a_view_that_is_not_contiguous(xpnet_backend):
    base = xpnet.asarray(np.arange(12.0).reshape(3, 4) / 8, xp=xpnet_backend)
    view = base[:, ::2].T
    expected = 2 * host(view)

    gradient = xpnet.numerical_gradient(lambda x: x[0, 1] ** 2 + x[1, 2] ** 2, view)

    only_two = np.zeros(view.shape)
    only_two[0, 1], only_two[1, 2] = expected[0, 1], expected[1, 2]
    assert gradient.shape == (2, 3)
    assert abs(host(gradient) - only_two).max() <= 8 * RIGHT[dtype_name(view.dtype)]
    np.testing.assert_array_equal(host(base), np.arange(12.0).reshape(3, 4) / 8)


def test_an_array_without_axes(xpnet_backend):
    x = xpnet.asarray(3.0, xp=xpnet_backend)

    gradient = xpnet.numerical_gradient(lambda x: x * x, x)

    assert gradient.shape == ()
    assert float(gradient) == pytest.approx(6, rel=RIGHT[dtype_name(x.dtype)])


@pytest.mark.parametrize("shape", [(0,), (2, 0, 3)])
def test_an_array_without_entries(shape, xpnet_backend):
    x = xpnet.asarray(np.zeros(shape), xp=xpnet_backend)

    gradient = xpnet.numerical_gradient(lambda _: pytest.fail("there is nothing to change"), x)

    assert gradient.shape == shape
    assert gradient.dtype == x.dtype


def test_nan_gives_nan(xpnet_backend):
    x = xpnet.asarray(np.asarray([1.0, np.nan]), xp=xpnet_backend)

    gradient = host(xpnet.numerical_gradient(lambda x: x[0] * x[0], x))

    assert gradient[0] == pytest.approx(2, rel=RIGHT[dtype_name(x.dtype)])
    assert np.isnan(gradient[1])


def test_f_may_return_a_number_or_an_array():
    x = np.asarray([2.0])

    for result in (float, np.float32, np.asarray, lambda value: value):
        gradient = xpnet.numerical_gradient(lambda x, result=result: result(x[0] * 4), x)
        np.testing.assert_allclose(gradient, 4, rtol=1e-2)
