"""Layers that are right though unusual; the check must accuse none of them.

They are at kinks and ties, at the edge of a domain, of extreme scale or curvature, of no or one
entry, random by a generator of their own, or written without any base class.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from gradient_check.example import Table, as_floats, given, normalised, normalised_backward, signed

import xpnet
from xpnet.arrays import array_namespace, asarray

UNUSUAL = Table()
add = UNUSUAL.add


def matrix(rng):
    return (rng.normal(size=(3, 4)),)


def unusual(inputs=matrix):
    return UNUSUAL.example(inputs)


def with_zeros(rng):
    return (rng.normal(size=(3, 4)) * rng.integers(0, 2, (3, 4)),)


# -- Kinks, ties and jumps -----------------------------------------------------------------------

add("relu", lambda _: xpnet.ReLU(), matrix)
add("relu_at_some_kinks", lambda _: xpnet.ReLU(), with_zeros)
add("relu_at_kinks_only", lambda _: xpnet.ReLU(), given(np.zeros((2, 3))))
add("relu_almost_at_kinks", lambda _: xpnet.ReLU(), lambda rng: (1e-9 * signed(rng, 4) ** 9,))
add(
    "relu_on_both_sides_of_a_kink",
    lambda _: xpnet.ReLU(),
    given(np.asarray([1.0, 1e-3, -1e-5, 1e-7, -1e-9, 1e-12])),
)


@unusual(with_zeros)
def absolute_value_at_kinks(x):
    xp = array_namespace(x)
    return xp.abs(x), lambda dout: dout * xp.sign(x)


@unusual(with_zeros)
def leaky_relu_at_kinks(x):
    xp = array_namespace(x)
    return xp.where(x > 0, x, 0.01 * x), lambda dout: xp.where(x > 0, dout, 0.01 * dout)


@unusual(lambda rng: (rng.integers(0, 3, (3, 4)).astype("float64"),))
def maximum_with_ties(x):
    xp = array_namespace(x)
    largest = xp.max(x, axis=1, keepdims=True)

    def backward(dout):
        ties = xp.astype(x == largest, x.dtype)
        return xp.expand_dims(dout, axis=1) * ties / xp.sum(ties, axis=1, keepdims=True)

    return largest[:, 0], backward


@unusual(lambda rng: (rng.integers(0, 3, (2, 6)).astype("float64"),))
def max_pool_with_ties(x):
    xp = array_namespace(x)
    windows = xp.reshape(x, (2, 3, 2))
    is_first = xp.argmax(windows, axis=2, keepdims=True) == 0

    def backward(dout):
        chosen = xp.concat([is_first, ~is_first], axis=2)
        return xp.reshape(xp.where(chosen, xp.expand_dims(dout, axis=2), 0.0), (2, 6))

    return xp.max(windows, axis=2), backward


@unusual(with_zeros)
def clip_at_its_bounds(x):
    xp = array_namespace(x)
    inside = (x > 0) & (x < 1)
    return xp.clip(x, 0, 1), lambda dout: xp.where(inside, dout, 0.0)


@unusual(lambda rng: (rng.integers(-1, 2, 6) + 0.0,))
def sign_at_its_jump(x):
    return array_namespace(x).sign(x), lambda dout: 0 * dout


@unusual(lambda rng: (rng.integers(-2, 3, 6) / 2,))
def rounding_at_its_jumps(x):
    return array_namespace(x).round(x), lambda dout: 0 * dout


@unusual(lambda rng: (rng.uniform(size=4),))
def staircase(x):
    return array_namespace(x).round(x * 1e3), lambda dout: 0 * dout


@unusual(given(np.full((2, 3), 1e-12)))
def end_of_a_domain(x):
    xp = array_namespace(x)
    return xp.sqrt(x), lambda dout: dout / 2 / xp.sqrt(x)


@unusual(with_zeros)
def huber_loss(x):
    xp = array_namespace(x)
    inside = xp.abs(x) <= 1
    y = xp.where(inside, x**2 / 2, xp.abs(x) - 0.5)
    return xp.sum(y), lambda dout: dout * xp.where(inside, x, xp.sign(x))


add(
    "net_with_biases_of_zero_on_data_of_zeros",
    lambda rng: xpnet.TwoLayerNet(2, 3, 2, seed=rng),
    given(np.zeros((2, 2))),
)
add(
    "net_of_many_units",
    lambda rng: xpnet.TwoLayerNet(2, 8, 1, seed=rng),
    lambda rng: (rng.normal(size=(9, 2)),),
)


# -- Scale and curvature -------------------------------------------------------------------------


def scaled(x, *, factor):
    return x * factor, lambda dout: dout * factor


for exponent in (-8, 8):
    add(
        f"output_scaled_1e{exponent}",
        partial(lambda f, _: f, partial(scaled, factor=10.0**exponent)),
        matrix,
    )
    add(
        f"sigmoid_of_1e{exponent}",
        lambda _: xpnet.Sigmoid(),
        partial(lambda s, rng: (s * rng.normal(size=4),), 10.0**exponent),
    )
    add(
        f"affine_of_1e{exponent}",
        lambda rng: xpnet.Affine.random(4, 2, seed=rng),
        partial(lambda s, rng: (s * rng.normal(size=(3, 4)),), 10.0**exponent),
    )


@unusual(lambda rng: (10.0 ** rng.integers(-8, 9, 6) * signed(rng, 6),))
def entries_of_all_scales(x):
    return x**3, lambda dout: 3 * x**2 * dout


@unusual(lambda rng: (10.0 ** rng.integers(-3, 3, 6),))
def logarithm(x):
    return array_namespace(x).log(x), lambda dout: dout / x


@unusual()
def high_curvature(x):
    xp = array_namespace(x)
    return xp.sin(50 * x), lambda dout: 50 * xp.cos(50 * x) * dout


@unusual()
def very_high_curvature_of_a_sum(x):
    xp = array_namespace(x)
    return xp.sum(xp.sin(5000 * x)), lambda dout: 5000 * xp.cos(5000 * x) * dout


@unusual(lambda rng: (rng.uniform(0.1, 1, 4),))
def pole_nearby(x):
    return 1 / x**4, lambda dout: -4 / x**5 * dout


@unusual(lambda rng: (1e8 + rng.normal(size=(3, 4)),))
def mean_of_far_numbers_is_taken_off(x):
    xp = array_namespace(x)
    centered = x - xp.mean(x, axis=1, keepdims=True)
    return centered, lambda dout: dout - xp.mean(dout, axis=1, keepdims=True)


@unusual()
def computes_in_float32_inside(x):
    xp = array_namespace(x)
    narrow = xp.astype(x, xp.float32)
    return xp.astype(narrow * narrow, x.dtype), lambda dout: 2 * x * dout


@unusual()
def returns_float32(x):
    xp = array_namespace(x)
    narrow = xp.astype(x, xp.float32)
    return xp.exp(narrow), lambda dout: xp.exp(narrow) * xp.astype(dout, xp.float32)


# -- Softmax and losses --------------------------------------------------------------------------


@unusual(lambda rng: (1e4 * rng.normal(size=(3, 4)),))
def softmax_of_extreme_scores(x):
    y = xpnet.softmax(x)
    return y, lambda dout: xpnet.ops.softmax_backward(dout, y)


add("softmax_of_equal_scores", lambda _: softmax_of_extreme_scores, given(np.full((2, 5), 3.0)))
add(
    "softmax_of_one_class",
    lambda _: softmax_of_extreme_scores,
    lambda rng: (rng.normal(size=(3, 1)),),
)


def scores_with_gaps(rng):
    x = rng.normal(size=(3, 4))
    x[:, rng.integers(0, 4)] = -np.inf
    return (x,)


add("softmax_with_infinite_gaps", lambda _: softmax_of_extreme_scores, scores_with_gaps)


@unusual(scores_with_gaps)
def log_softmax_with_infinite_gaps(x):
    y = xpnet.log_softmax(x)
    return y, lambda dout: xpnet.ops.log_softmax_backward(dout, y)


@unusual(scores_with_gaps)
def log_sum_exp_with_infinite_gaps(x):
    xp = array_namespace(x)
    m = xp.max(x, axis=1, keepdims=True)
    y = xp.log(xp.sum(xp.exp(x - m), axis=1, keepdims=True)) + m
    return y[:, 0], lambda dout: xp.expand_dims(dout, axis=1) * xp.exp(x - y)


def loss(rng):
    return xpnet.SoftmaxWithLoss()


add("loss_of_labels", loss, lambda rng: (rng.normal(size=(3, 4)), rng.integers(0, 4, 3)))
add(
    "loss_of_soft_rows",
    loss,
    lambda rng: (rng.normal(size=(3, 4)), rng.dirichlet(np.ones(4), 3)),
)
add("loss_of_an_empty_batch", loss, given(np.zeros((0, 4)), np.zeros(0, dtype="int64")))
add(
    "loss_of_extreme_scores",
    loss,
    lambda rng: (1e4 * rng.normal(size=(3, 4)), rng.integers(0, 4, 3)),
)
add(
    "loss_of_infinite_gaps",
    loss,
    lambda rng: (np.asarray([[-np.inf, *rng.normal(size=2)]]), rng.integers(1, 3, 1)),
)


@unusual(lambda rng: (rng.uniform(0.05, 1, (3, 4)), rng.dirichlet(np.ones(4), 3)))
def cross_entropy_of_probabilities(y, t):
    loss = xpnet.cross_entropy_error(y, t)
    return loss, lambda dout: xpnet.ops.cross_entropy_error_backward(dout, y, t)


# -- Shapes --------------------------------------------------------------------------------------

add("scalar", lambda _: xpnet.Sigmoid(), lambda rng: (np.asarray(rng.normal()),))
add("python_number", lambda _: xpnet.Sigmoid(), lambda rng: (float(rng.normal()),))
add("nothing", lambda _: xpnet.ReLU(), given(np.zeros((0, 3))))
add(
    "empty_batch_with_parameters",
    lambda rng: xpnet.Affine.random(3, 2, seed=rng),
    given(np.zeros((0, 3))),
)
add(
    "five_axes",
    lambda rng: xpnet.Affine.random(3, 2, seed=rng),
    lambda rng: (rng.normal(size=(2, 1, 2, 1, 3)),),
)
add(
    "broadcast_both_ways",
    lambda _: xpnet.MulLayer(),
    lambda rng: (rng.normal(size=(3, 1, 2)), rng.normal(size=(4, 1))),
)
add("broadcast_scalar", lambda _: xpnet.AddLayer(), lambda rng: (rng.normal(size=(2, 3)), 0.5))


@unusual()
def everything_is_summed(x):
    xp = array_namespace(x)
    return xp.sum(x), lambda dout: dout * xp.ones_like(x)


@unusual(lambda rng: (rng.normal(size=(3, 4)), rng.permutation(4)))
def permutation(x, order):
    xp = array_namespace(x)
    return xp.take(x, order, axis=1), lambda dout: xp.take(dout, xp.argsort(order), axis=1)


@unusual(lambda rng: (rng.integers(0, 5, 4), rng.normal(size=(5, 2))))
def rows_taken_by_a_first_input_of_integers(indices, table):
    xp = array_namespace(table)
    chosen = xp.expand_dims(indices, axis=1) == xp.arange(5, device=table.device)
    rows = xp.astype(chosen, table.dtype)
    return rows @ table, lambda dout: (None, rows.T @ dout)


@unusual()
def running_sum(x):
    xp = array_namespace(x)

    def backward(dout):
        return xp.flip(xp.cumulative_sum(xp.flip(dout, axis=1), axis=1), axis=1)

    return xp.cumulative_sum(x, axis=1), backward


@unusual()
def output_does_not_depend_on_input(x):
    return 0 * x + 1, lambda dout: 0 * dout


@unusual()
def input_comes_out_itself(x):
    return x, lambda dout: dout


# -- Layers of one's own -------------------------------------------------------------------------


@unusual()
def batch_norm(x):
    y, std = normalised(x, 0)
    return y, lambda dout: normalised_backward(dout, y, std, 0)


@unusual(lambda rng: (1e-4 * rng.normal(size=(3, 4)),))
def layer_norm_of_small_numbers(x):
    y, std = normalised(x, 1)
    return y, lambda dout: normalised_backward(dout, y, std, 1)


@unusual(given(np.ones((3, 4))))
def layer_norm_of_equal_numbers(x):
    y, std = normalised(x, 1)
    return y, lambda dout: normalised_backward(dout, y, std, 1)


@unusual()
class NormWithRunningMean:
    """Changes itself in every forward, though not what it returns."""

    def __init__(self, rng):
        self.params = {"gamma": asarray(signed(rng, 4))}
        self.grads = {}
        self.mean = 0.0

    def forward(self, x):
        xp = array_namespace(x)
        self.mean = self.mean * 0.9 + 0.1 * xp.mean(x, axis=0)
        self.y, self.std = normalised(x, 0)
        return self.y * self.params["gamma"]

    def backward(self, dout):
        self.grads["gamma"] = array_namespace(dout).sum(dout * self.y, axis=0)
        return normalised_backward(dout * self.params["gamma"], self.y, self.std, 0)


@unusual()
class DropoutWithFixedMask:
    def __init__(self, rng):
        self.mask = rng.integers(0, 2, (3, 4)) / 0.5

    def forward(self, x):
        self.keep = as_floats(self.mask, x)
        return x * self.keep

    def backward(self, dout):
        return dout * self.keep


@unusual()
class DropoutWithItsOwnGenerator:
    def __init__(self, rng):
        self.rng = np.random.default_rng(rng.integers(1000))

    def forward(self, x):
        self.keep = as_floats(self.rng.integers(0, 2, x.shape) / 0.5, x)
        return x * self.keep

    def backward(self, dout):
        return dout * self.keep


@unusual()
class LayerOfTheBook:
    """Keeps its parameters in attributes too, and its library in another."""

    def __init__(self, rng):
        self.W = asarray(rng.normal(size=(4, 3)))
        self.b = asarray(np.zeros(3))
        self.params, self.grads = {"W": self.W, "b": self.b}, {}
        self.xp = array_namespace(self.W)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.grads["W"], self.grads["b"] = self.x.T @ dout, self.xp.sum(dout, axis=0)
        return dout @ self.W.T


@unusual()
class ParamsAreAProperty:
    def __init__(self, rng):
        self.W = asarray(rng.normal(size=(4, 2)))

    @property
    def params(self):
        return {"W": self.W}

    @property
    def grads(self):
        return {"W": self.dW}

    def forward(self, x):
        self.x = x
        return x @ self.W

    def backward(self, dout):
        self.dW = self.x.T @ dout
        return dout @ self.W.T


@unusual()
class TiedWeight:
    def __init__(self, rng):
        self.params, self.grads = {"W": asarray(rng.normal(size=(4, 2)))}, {}

    def forward(self, x):
        W = self.params["W"]
        self.x, self.hidden = x, x @ W
        return self.hidden @ W.T

    def backward(self, dout):
        W = self.params["W"]
        dhidden = dout @ W
        self.grads["W"] = self.x.T @ dhidden + dout.T @ self.hidden
        return dhidden @ W.T


@unusual()
class Residual:
    def __init__(self, rng):
        self.inner = xpnet.Sequential(xpnet.Affine.random(4, 4, seed=rng), xpnet.Sigmoid())

    @property
    def params(self):
        return self.inner.params

    @property
    def grads(self):
        return self.inner.grads

    def forward(self, x):
        return x + self.inner.forward(x)

    def backward(self, dout):
        return dout + self.inner.backward(dout)


@unusual()
class IntegerParameter:
    def __init__(self, rng):
        self.params = {"steps": asarray(np.asarray([1, 2, 3, 4])), "W": asarray(rng.normal(size=4))}
        self.grads = {}

    def forward(self, x):
        self.x, self.factor = x, array_namespace(x).astype(self.params["steps"], x.dtype)
        return x * self.factor * self.params["W"]

    def backward(self, dout):
        dW = dout * self.x * self.factor
        self.grads["W"] = array_namespace(dout).sum(dW, axis=0)
        return dout * self.factor * self.params["W"]


def shared(rng):
    W, b = asarray(rng.normal(size=(4, 4))), asarray(np.zeros(4))
    return xpnet.Sequential(xpnet.Affine(W, b), xpnet.Sigmoid(), xpnet.Affine(W, b))


add("two_layers_with_one_weight", shared, matrix)
