"""Numbers at the edge: the same behaviour on every backend, and never a wrong finite number."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import xpnet
from xpnet import kernels, ops
from xpnet.dtypes import dtype_name
from xpnet.testing.catalog import CATALOG
from xpnet.testing.subject import host_values
from xpnet.testing.tolerance import EPSILON, tolerance

INF, NAN = np.inf, np.nan

# The least positive number that has all its digits.
LEAST_NORMAL = {
    "float16": 2.0**-14,
    "bfloat16": 2.0**-126,
    "float32": 2.0**-126,
    "float64": 2.0**-1022,
}


class Edge:
    """A backend, and what a test needs to know of its numbers."""

    def __init__(self, backend):
        self.backend = backend
        self.dtype = dtype_name(backend.dtype)
        self.eps = EPSILON[self.dtype]

    def array(self, values):
        """Return floats in the backend's dtype, and integers as they are."""
        return xpnet.asarray(np.asarray(values), xp=self.backend)

    def close(self, found, expected, rtol=None):
        assert_allclose(
            host(found), expected, rtol=tolerance(self.dtype, 4) if rtol is None else rtol
        )

    def loss(self, x, t):
        """Return the loss of scores, the probabilities, and the gradient."""
        x, t = self.array(x), self.array(t)
        loss, y = ops.softmax_with_loss(x, t)
        return loss, y, ops.softmax_with_loss_backward(1.0, y, t)


@pytest.fixture
def edge(xpnet_backend):
    return Edge(xpnet_backend)


def host(array):
    return xpnet.to_numpy(array).astype("float64")


def reference_loss(x, t):
    """Return log-sum-exp minus the score of the class, by Python's own exact sum."""
    return math.log(math.fsum(math.exp(score - max(x)) for score in x)) + max(x) - x[t]


# Scores --------------------------------------------------------------------------------------


def test_far_scores(edge):
    # 9984 and 19968 are numbers in every dtype, bfloat16 with its 8 digits included.
    loss, y, dx = edge.loss([[9984.0, -9984.0], [-9984.0, 9984.0]], [1, 1])

    assert_array_equal(host(y), [[1, 0], [0, 1]])
    assert host(loss) == 19968 / 2
    assert_array_equal(host(dx), [[0.5, -0.5], [0, 0]])
    log_y = ops.log_softmax(edge.array([9984.0, -9984.0]))
    assert_array_equal(host(log_y), [0, -19968])


def test_far_scores_of_softmax_and_its_logarithm(edge):
    x = edge.array([[9984.0, -9984.0], [-9984.0, -9984.0]])

    assert_array_equal(host(xpnet.softmax(x)), [[1, 0], [0.5, 0.5]])
    logarithm = xpnet.log_softmax(x)
    assert_array_equal(host(logarithm)[0], [0, -19968])
    edge.close(logarithm[1, ...], -math.log(2))


def test_one_class_is_certain(edge):
    for score in (0.0, -3.5, 9984.0, -9984.0):
        loss, y, dx = edge.loss([[score]], [0])
        assert (host(loss), host(y), host(dx)) == (0, 1, 0)
        assert host(ops.log_softmax(edge.array([score]))) == 0


@pytest.mark.parametrize("score", [0.0, -0.0, 1.5, 9984.0, -9984.0])
def test_equal_scores_share_alike(score, edge):
    loss, y, dx = edge.loss([[score] * 4], [2])

    assert_array_equal(host(y), [[0.25] * 4])
    edge.close(loss, math.log(4))
    assert_array_equal(host(dx), [[0.25, 0.25, -0.75, 0.25]])


def test_two_largest_scores_share_what_the_others_leave(edge):
    _, y, _ = edge.loss([[8.0, 8.0, -4096.0]], [0])

    assert_array_equal(host(y), [[0.5, 0.5, 0]])


def test_subnormal_scores_are_as_good_as_zeros(edge):
    tiny = LEAST_NORMAL[edge.dtype] / 4
    loss, y, dx = edge.loss([[tiny, 0.0], [-tiny, tiny]], [0, 1])

    assert_array_equal(host(y), 0.5)
    edge.close(loss, math.log(2))
    assert_array_equal(abs(host(dx)), 0.25)


def test_subnormal_inputs_of_the_other_ops(edge):
    least = LEAST_NORMAL[edge.dtype]
    x = edge.array([least / 4, -least / 4])

    # A library may flush them to 0, as JAX does, and no further.
    assert abs(host(ops.relu(x)) - [least / 4, 0]).max() < least
    assert_array_equal(host(ops.sigmoid(x)), 0.5)
    y = ops.affine(x, edge.array(np.eye(2)), edge.array([0.0, 0.0]))
    assert abs(host(y) - host(x)).max() < least


def test_minus_infinity_is_a_class_that_cannot_be(edge):
    loss, y, dx = edge.loss([[0.0, -INF, 0.0]], [0])

    assert_array_equal(host(y), [[0.5, 0, 0.5]])
    edge.close(loss, math.log(2))
    assert_array_equal(host(dx), [[-0.5, 0, 0.5]])
    edge.close(ops.log_softmax(edge.array([0.0, -INF, 0.0])), [-math.log(2), -INF, -math.log(2)])


@pytest.mark.parametrize("t", [[1], [[0.0, 1.0]]], ids=["index", "one-hot"])
def test_a_class_that_cannot_be_and_is_costs_infinitely_much(t, edge):
    loss, _, dx = edge.loss([[0.0, -INF]], t)

    assert host(loss) == INF
    assert_array_equal(host(dx), [[1, -1]])


def test_rows_do_not_ask_a_class_of_probability_0(edge):
    loss, _, dx = edge.loss([[0.0, -INF, 0.0]], [[0.5, 0.0, 0.5]])

    edge.close(loss, math.log(2))
    assert_array_equal(host(dx), 0)


@pytest.mark.parametrize(
    "row", [[-INF, -INF], [INF, 0.0], [INF, INF], [INF, -INF], [NAN, 0.0], [NAN, INF], [NAN, -INF]]
)
def test_a_row_without_a_distribution_is_nan_and_spoils_no_other(row, edge):
    rows = edge.array([row, [0.0, 0.0]])

    for y, good in ((ops.softmax(rows), 0.5), (ops.log_softmax(rows), -math.log(2))):
        assert np.isnan(host(y)[0]).all()
        edge.close(y[1, :], [good] * 2)
    for t in ([0, 1], [1, 0], [[0.5, 0.5], [0.0, 1.0]]):
        loss, _, dx = edge.loss([row, [0.0, 0.0]], t)
        assert np.isnan(host(loss))
        assert np.isnan(host(dx)[0]).all()
        assert np.isfinite(host(dx)[1]).all()


# NaN -----------------------------------------------------------------------------------------


def test_nan_goes_through_element_by_element(edge):
    x = edge.array([NAN, 2.0])

    for op in (ops.relu, ops.sigmoid):
        assert_array_equal(np.isnan(host(op(x))), [True, False])
    for op in (ops.add, ops.mul):
        assert_array_equal(np.isnan(host(op(x, edge.array([0.0, 0.0])))), [True, False])
        assert_array_equal(np.isnan(host(op(edge.array([0.0, 0.0]), x))), [True, False])


def test_nan_goes_through_affine(edge):
    good = {"x": np.ones((2, 3)), "W": np.ones((3, 2)), "b": np.ones(2)}
    expected = {"x": [[True, True], [False, False]], "W": [[False, True]] * 2}
    expected["b"] = expected["W"]
    where = {"x": (0, 1), "W": (2, 1), "b": (1,)}

    for name, index in where.items():
        arrays = {key: value.copy() for key, value in good.items()}
        arrays[name][index] = NAN
        y = ops.affine(*map(edge.array, arrays.values()))
        assert_array_equal(np.isnan(host(y)), expected[name], err_msg=name)


@pytest.mark.parametrize("units", [1, 2])
@pytest.mark.parametrize("features", [1, 2])
@pytest.mark.parametrize("samples", [1, 2])
def test_infinity_times_zero_is_nan_in_affine(samples, features, units, edge):
    """A matrix of one number is a matrix, and no factor that may be left out if it is 0."""
    x, dout = np.full((samples, features), INF), np.full((samples, units), INF)
    zeros = {name: np.zeros_like(array) for name, array in (("x", x), ("dout", dout))}
    W = np.zeros((features, units))

    y = ops.affine(*map(edge.array, (x, W, np.zeros(units))))
    dx, _, _ = ops.affine_backward(*map(edge.array, (dout, zeros["x"], W)))
    _, dW, _ = ops.affine_backward(*map(edge.array, (zeros["dout"], x, W)))
    dW_alone, _ = ops.affine_param_gradients(*map(edge.array, (zeros["dout"], x, W)))

    for result in (y, dx, dW, dW_alone):
        assert np.isnan(host(result)).all()


def test_nan_goes_back_through_affine(edge):
    dout, x, W = np.ones((2, 2)), np.ones((2, 3)), np.ones((3, 2))
    dout[0, 1] = NAN

    dx, dW, db = ops.affine_backward(*map(edge.array, (dout, x, W)))

    assert_array_equal(np.isnan(host(dx)), [[True] * 3, [False] * 3])
    assert_array_equal(np.isnan(host(dW)), [[False, True]] * 3)
    assert_array_equal(np.isnan(host(db)), [False, True])


def test_nan_goes_back_through_the_others(edge):
    dout, y = edge.array([NAN, 1.0]), edge.array([0.5, 0.5])
    dloss = edge.array(NAN)
    t = edge.array([0])

    for backward in (ops.relu_backward, ops.sigmoid_backward):
        assert_array_equal(np.isnan(host(backward(dout, y))), [True, False])
    for backward in (ops.softmax_backward, ops.log_softmax_backward):
        assert np.isnan(host(backward(dout, y))).all()
        assert np.isnan(host(backward(y, dout))[0])  # NaN in the output of forward
    for gradient in (*ops.add_backward(dout, y, y), *ops.mul_backward(dout, y, y)):
        assert_array_equal(np.isnan(host(gradient)), [True, False])
    assert np.isnan(host(ops.sigmoid_backward(y, dout))[0])
    assert np.isnan(host(ops.softmax_with_loss_backward(dloss, y[None, :], t))).all()
    assert np.isnan(host(ops.cross_entropy_error_backward(dloss, y[None, :], t))[0, 0])


def test_relu_does_not_turn_nan_into_0_on_the_way_back(edge):
    layer = xpnet.ReLU()

    layer.forward(edge.array([NAN, -1.0, 0.0, 1.0]))

    assert_array_equal(host(layer.backward(edge.array([3.0, 3.0, 3.0, 3.0]))), [NAN, 0, 0, 3])
    assert_array_equal(host(layer.backward(edge.array([NAN] * 4))), [NAN] * 4)


def test_nan_in_the_probability_of_the_class(edge):
    y, t = edge.array([[NAN, 0.5]]), edge.array([0])

    assert np.isnan(host(ops.cross_entropy_error(y, t)))
    assert np.isnan(host(ops.cross_entropy_error_backward(1.0, y, t))[0, 0])


def test_nan_in_one_sample_reaches_the_loss_and_all_gradients_of_a_net(edge):
    net = xpnet.TwoLayerNet(3, 4, 2, weight_init_std=1, seed=0, xp=edge.backend)
    x = np.ones((2, 3))
    x[1, 1] = NAN

    grads = net.gradient(edge.array(x), edge.array([0, 1]))

    assert np.isnan(host(net.last_layer.loss))
    for name, grad in grads.items():
        assert np.isnan(host(grad)).all(), name


# Sigmoid -------------------------------------------------------------------------------------


def test_sigmoid_far_out(edge):
    y = ops.sigmoid(edge.array([-INF, -1000.0, 0.0, 1000.0, INF]))

    assert_array_equal(host(y), [0, 0, 0.5, 1, 1])
    assert_array_equal(host(ops.sigmoid_backward(edge.array([1.0] * 5), y)), [0, 0, 0.25, 0, 0])


def test_sigmoid_has_all_its_digits_in_the_left_tail(edge):
    least = math.log(LEAST_NORMAL[edge.dtype])
    x = edge.array(np.linspace(max(least, -700) + 1, 0, 200))

    exact = np.exp(host(x)) / (1 + np.exp(host(x)))
    # exp of a number rounded to the last digit is right to a few of them, however small it is.
    edge.close(ops.sigmoid(x), exact, rtol=4 * edge.eps)


def test_sigmoid_of_opposite_numbers_sums_to_1(edge):
    x = np.linspace(-20, 20, 101)

    left, right = (host(ops.sigmoid(edge.array(sign * x))) for sign in (1, -1))

    assert_allclose(left + right, 1, rtol=2 * edge.eps)


# Cross entropy -------------------------------------------------------------------------------


@pytest.mark.parametrize("margin", [16.0, 17.0, 20.0, 50.0, 100.0, 1000.0, 9984.0])
@pytest.mark.parametrize("kind", ["index", "one-hot"])
def test_the_loss_is_not_capped_and_its_gradient_stays(margin, kind, edge):
    loss, _, dx = edge.loss([[0.0, margin]], [0] if kind == "index" else [[1.0, 0.0]])

    edge.close(loss, reference_loss([0.0, margin], 0), rtol=2 * edge.eps)
    certainty = 1 / (1 + math.exp(-margin))
    edge.close(dx, [[-certainty, certainty]])


def test_the_loss_has_all_its_digits_where_the_probability_is_almost_1(edge):
    # 1 - y is below the spacing of the numbers at 1: -log(y) would be 0.
    margin = 8.0 if edge.dtype != "float64" else 30.0
    loss, _, _ = edge.loss([[margin, 0.0]], [0])

    assert host(loss) == pytest.approx(math.log1p(math.exp(-margin)), rel=0.3)


@pytest.mark.parametrize("scale", [0.0, 1.0, 30.0, 1000.0])
def test_the_loss_is_log_sum_exp_minus_the_score(scale, edge):
    x = edge.array(scale * np.random.default_rng(1).standard_normal((6, 5)))
    t = np.asarray([0, 1, 2, 3, 4, 0])

    loss, _ = ops.softmax_with_loss(x, edge.array(t))

    rows = host(x).tolist()
    expected = np.mean([reference_loss(row, label) for row, label in zip(rows, t, strict=True)])
    edge.close(loss, expected)


def test_small_probabilities_have_a_logarithm_and_a_gradient(edge):
    p = 16 * LEAST_NORMAL[edge.dtype]
    y, t = edge.array([[p, 1 - p]]), edge.array([0])

    edge.close(ops.cross_entropy_error(y, t), -math.log(p))
    edge.close(ops.cross_entropy_error_backward(1.0, y, t), [[-1 / p, 0]])


def test_a_probability_of_0_costs_infinitely_much_where_it_is_the_class(edge):
    y = edge.array([[0.0, 1.0]])

    assert host(ops.cross_entropy_error(y, edge.array([0]))) == INF
    assert host(ops.cross_entropy_error(y, edge.array([1]))) == 0
    assert host(ops.cross_entropy_error(y, edge.array([[0.0, 1.0]]))) == 0
    assert_array_equal(host(ops.cross_entropy_error_backward(1.0, y, edge.array([1]))), [[0, -1]])


ROWS = np.asarray([[0.7, 0.2, 0.1], [0.0, 0.5, 0.5], [1.0, 0.0, 0.0], [0.4, 0.3, 0.299]])
LABELS = {
    "indices": np.asarray([2, 0, 1, 1]),
    "one-hot": np.eye(3)[[2, 0, 1, 1]],
    "soft": ROWS,  # the last sums to 1 only nearly, as rows that people round do
}


@pytest.mark.parametrize("kind", LABELS)
def test_loss_and_gradient_agree_for_every_kind_of_label(kind):
    t = LABELS[kind]
    scores = 0.5 * np.random.default_rng(2).standard_normal((4, 3))
    y = ops.softmax(scores)

    found = ops.softmax_with_loss_backward(1.0, y, t)
    numerical = xpnet.numerical_gradient(lambda x: ops.softmax_with_loss(x, t)[0], scores)
    assert_allclose(found, numerical, rtol=1e-8, atol=1e-10)

    found = ops.cross_entropy_error_backward(1.0, y, t)
    numerical = xpnet.numerical_gradient(lambda y: ops.cross_entropy_error(y, t), y)
    assert_allclose(found, numerical, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "int32", "int64"])
def test_labels_of_every_integer_dtype(dtype, edge):
    classes = 200 if dtype != "int8" else 100
    last = classes - 1
    x = np.zeros((2, classes))
    x[0, last] = 5

    loss, y, dx = edge.loss(x, np.asarray([last, last], dtype=dtype))

    expected = np.mean([reference_loss(row, last) for row in x.tolist()])
    edge.close(loss, expected)
    edge.close(ops.cross_entropy_error(y, edge.array(np.asarray([last] * 2, dtype))), expected)
    assert_array_equal(np.argmin(host(dx), axis=1), [last, last])


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "int64"])
def test_one_hot_rows_of_integers(dtype, edge):
    expected, _, expected_dx = edge.loss([[0.0, 1.0, 2.0]], [2])

    loss, _, dx = edge.loss([[0.0, 1.0, 2.0]], np.asarray([[0, 0, 1]], dtype=dtype))

    edge.close(loss, host(expected))
    edge.close(dx, host(expected_dx))


def test_a_million_classes_in_one_row(edge):
    classes = 1_000_000
    loss, y, dx = edge.loss(np.zeros((1, classes)), [classes - 1])

    edge.close(loss, math.log(classes))
    edge.close(y[0, :2], 1e-6, rtol=0.05 if edge.dtype == "float16" else None)  # subnormal there
    dx = host(dx)[0]
    assert dx[-1] == pytest.approx(-1, rel=tolerance(edge.dtype, 1) + 1e-5)
    assert (dx[:-1] == dx[0]).all()


# dout ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CATALOG, ids=str)
def test_every_gradient_is_linear_in_dout(case):
    with xpnet.use_backend("numpy", dtype="float64") as backend:
        layer, inputs = case.subject.layer(backend), case.subject.arrays(backend)
        y = np.asarray(layer.forward(*inputs))

        def gradients(dout):
            returned = layer.backward(dout)
            returned = returned if isinstance(returned, tuple) else (returned,)
            return [*map(np.array, returned), *map(np.array, layer.grads.values())]

        a, b = np.random.default_rng(4).standard_normal((2, *y.shape))
        parts = zip(gradients(a), gradients(b), strict=True)
        sums = gradients(4 * a - b)
        nothing = gradients(np.zeros(y.shape))

    has_one_class = "one class" in case.note or str(case) == "softmax[x (5, 1)]"
    assert any(grad.any() for grad in sums) or has_one_class
    for (of_a, of_b), of_both, of_none in zip(parts, sums, nothing, strict=True):
        assert_allclose(of_both, 4 * of_a - of_b, rtol=1e-10, atol=1e-12 * (1 + abs(of_a).max()))
        assert not of_none.any()


@pytest.mark.parametrize("dout", [2, 2.0, "array"])
def test_a_loss_takes_dout_as_a_number_or_an_array(dout, edge):
    x, t = edge.array([[0.0, 1.0, 2.0]]), edge.array([1])
    layer = xpnet.SoftmaxWithLoss()
    layer.forward(x, t)
    once, y = layer.backward(), layer.y
    dout = edge.array(2.0) if dout == "array" else dout

    assert_array_equal(host(layer.backward(dout)), 2 * host(once))
    twice = ops.cross_entropy_error_backward(dout, y, t)
    assert_array_equal(host(twice), 2 * host(ops.cross_entropy_error_backward(1, y, t)))


# Long sums: in float16 a sum of ones stops at 2048, and in bfloat16 at 256 -----------------------

MANY = 4096


def test_affine_sums_over_many_features(edge):
    y = ops.affine(
        edge.array(np.ones((1, MANY))), edge.array(np.ones((MANY, 1))), edge.array([0.0])
    )

    assert_array_equal(host(y), MANY)


def test_affine_gradients_sum_over_many_samples_and_units(edge):
    dout, x = edge.array(np.ones((MANY, 2))), edge.array(np.ones((MANY, 1)))
    _, dW, db = ops.affine_backward(dout, x, edge.array([[1.0, 1.0]]))
    assert_array_equal(host(dW), [[MANY, MANY]])
    assert_array_equal(host(db), [MANY, MANY])

    dout, W = edge.array(np.ones((1, MANY))), edge.array(np.ones((1, MANY)))
    dx, _, _ = ops.affine_backward(dout, edge.array([[1.0]]), W)
    assert host(dx) == MANY


def test_softmax_sums_over_many_classes(edge):
    scores = edge.array(np.zeros(MANY))
    dout = edge.array(np.ones(MANY))

    y, log_y = ops.softmax(scores), ops.log_softmax(scores)

    assert_array_equal(host(y), 1 / MANY)
    edge.close(log_y, -math.log(MANY))
    assert_array_equal(host(ops.softmax_backward(dout, y)), 0)
    # log_y is rounded, so that exp(log_y) is off by as much as the sum over the classes multiplies.
    assert abs(host(ops.log_softmax_backward(dout, log_y))).max() < 8 * edge.eps


def test_losses_average_over_many_samples(edge):
    samples = 2**17  # their sum is above the largest float16
    x, t = np.zeros((samples, 2)), np.zeros(samples, dtype="int64")

    loss, y, dx = edge.loss(x, t)

    edge.close(loss, math.log(2))
    edge.close(ops.cross_entropy_error(y, edge.array(t)), math.log(2))
    edge.close(dx[0, :], [-0.5 / samples, 0.5 / samples], rtol=0.2)  # subnormal in float16


def test_broadcast_gradients_sum_over_many_samples(edge):
    dout, x = edge.array(np.ones((MANY, 2))), edge.array(np.ones((MANY, 2)))
    bias = edge.array(np.ones(2))

    for backward in (ops.add_backward, ops.mul_backward):
        _, dbias = backward(dout, x, bias)
        assert_array_equal(host(dbias), [MANY, MANY])


def test_accuracy_counts_more_samples_than_the_largest_float16(edge):
    samples = 2**17
    x, t = np.zeros((samples, 2)), np.zeros(samples, dtype="int64")
    t[: samples // 4] = 1

    assert float(xpnet.Sequential().accuracy(edge.array(x), edge.array(t))) == 0.75


def test_results_are_those_of_float32_rounded_once(edge):
    rng = np.random.default_rng(5)
    x, W, b = (edge.array(rng.standard_normal(shape)) for shape in ((5, 300), (300, 4), (4,)))

    found = host_values({"y": ops.affine(x, W, b)})["y"]

    exact = host(x) @ host(W) + host(b)
    assert abs(found - exact).max() <= edge.eps * abs(exact).max() + 300 * EPSILON["float32"]


# Warnings ------------------------------------------------------------------------------------

EXTREMES = [0.0, -0.0, INF, -INF, NAN, 1e-45, -1e-45, 1e38, -1e38, 6e4, -6e4, 1e-7, 88.0, -88.0]


def extreme(x, dtype, shift):
    """Return numbers at the edge in the place of floats, and other arrays as they are."""
    if np.asarray(x).dtype.kind != "f":
        return x
    with np.errstate(all="ignore"):
        return np.resize(np.roll(EXTREMES, shift), np.shape(x)).astype(dtype)


@pytest.mark.parametrize("with_kernels", [True, False], ids=["kernels", "generic"])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("case", CATALOG, ids=str)
def test_no_op_or_layer_lets_numpy_warn(case, dtype, with_kernels):
    has_labels = "entropy" in str(case) or "oss" in str(case)
    providers = ("numpy", "numba") if with_kernels else ()
    backend = xpnet.set_backend("numpy", dtype=dtype)
    with kernels.only(*providers):
        for shift in range(len(EXTREMES)):
            layer = case.subject.layer(backend)
            x, *others = case.subject.arrays(backend)
            inputs = [extreme(x, dtype, shift), *others]
            if not has_labels:
                inputs[1:] = [extreme(other, dtype, shift + 1) for other in others]
            with np.errstate(all="raise"):
                y = layer.forward(*inputs)
                layer.backward(extreme(np.ones(np.shape(y)), dtype, shift + 3))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("rule", ["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam"])
def test_no_update_lets_numpy_warn(rule, dtype):
    update = getattr(ops, f"{rule}_update")
    settings = {"sgd": 1, "momentum": 2, "nesterov": 2, "adagrad": 2, "rmsprop": 3, "adam": 5}
    memories = {"sgd": 0, "adam": 2}.get(rule, 1)
    arrays = [extreme(np.ones(14), dtype, shift) for shift in range(2 + memories)]
    with np.errstate(all="raise"):
        update(*arrays, *[0.5] * settings[rule])
