"""Layers with one fault each, of the kinds that people make; the check must catch all of them.

Most are functions of their inputs that return the output and a wrong backward. Where the fault is
one of memory or of parameters, they are classes. Each draws its own inputs, which are such that
the fault changes a number: a mask that is wrong for negative inputs gets some.
"""

from __future__ import annotations

import numpy as np
from gradient_check.example import Table, as_floats, given, normalised, normalised_backward, signed

import xpnet
from xpnet.arrays import array_namespace, asarray

FAULTS = Table()


def matrix(rng):
    return (signed(rng, 3, 4),)


def square(rng):
    return (signed(rng, 3, 3),)


def pair(rng):
    return signed(rng, 3, 4), signed(rng, 3, 4)


def scores_and_labels(rng):
    return signed(rng, 3, 4), rng.integers(0, 4, 3)


def scores_and_rows(rng):
    return signed(rng, 3, 4), rng.dirichlet(np.ones(4), 3)


def fault(inputs=matrix):
    return FAULTS.example(inputs)


# -- Wrong by a factor ---------------------------------------------------------------------------


@fault()
def gradient_is_zero(x):
    return x * x, lambda dout: 0 * dout


@fault()
def gradient_is_1000_times_too_large(x):
    return x * x, lambda dout: 2000 * x * dout


@fault()
def gradient_is_a_millionth_too_large(x):
    return x * x, lambda dout: 2.000002 * x * dout


@fault()
def sign_is_wrong(x):
    return x * x, lambda dout: -2 * x * dout


@fault()
def exponent_is_forgotten(x):
    return x**3, lambda dout: x**2 * dout


@fault()
def upstream_is_ignored(x):
    return x * x, lambda _: 2 * x


@fault()
def upstream_loses_its_sign(x):
    return x * x, lambda dout: 2 * x * array_namespace(x).abs(dout)


@fault()
def upstream_is_taken_for_a_scalar(x):
    xp = array_namespace(x)
    return x * x, lambda dout: 2 * x * xp.mean(dout)


@fault(scores_and_labels)
def mean_over_the_batch_is_missing(x, t):
    loss, y = xpnet.ops.softmax_with_loss(x, t)
    return loss, lambda dout: xpnet.ops.softmax_with_loss_backward(dout, y, t) * x.shape[0]


@fault(scores_and_labels)
def loss_ignores_its_upstream(x, t):
    loss, y = xpnet.ops.softmax_with_loss(x, t)
    return loss, lambda _: xpnet.ops.softmax_with_loss_backward(1.0, y, t)


@fault()
def kept_units_are_not_scaled_back(x):
    keep = as_floats([1.0, 0.0, 1.0, 1.0], x)
    return x * keep / 0.75, lambda dout: dout * keep


# -- Wrong formula -------------------------------------------------------------------------------


@fault()
def softmax_is_zero_as_under_an_upstream_of_ones(x):
    return xpnet.softmax(x), lambda dout: 0 * dout


@fault()
def softmax_is_1000_times_too_large(x):
    y = xpnet.softmax(x)
    return y, lambda dout: 1000 * xpnet.ops.softmax_backward(dout, y)


@fault()
def softmax_lacks_the_sum(x):
    y = xpnet.softmax(x)
    return y, lambda dout: dout * y


@fault()
def softmax_over_the_wrong_axis(x):
    y = xpnet.softmax(x, axis=1)
    return y, lambda dout: xpnet.ops.softmax_backward(dout, y, axis=0)


@fault()
def log_softmax_takes_y_for_a_probability(x):
    y = xpnet.log_softmax(x)
    xp = array_namespace(x)
    return y, lambda dout: dout - y * xp.sum(dout, axis=-1, keepdims=True)


@fault()
def sigmoid_takes_x_for_y(x):
    return xpnet.sigmoid(x), lambda dout: dout * x * (1 - x)


@fault()
def sigmoid_lacks_a_factor(x):
    y = xpnet.sigmoid(x)
    return y, lambda dout: dout * y


@fault(given(np.asarray([-30.0, -1.0, 2.0, 30.0])))
def clipped_forward_without_a_clipped_gradient(x):
    xp = array_namespace(x)
    return xp.clip(x, -20, 20) ** 2, lambda dout: 2 * xp.clip(x, -20, 20) * dout


@fault()
def tanh_takes_x_for_y(x):
    return array_namespace(x).tanh(x), lambda dout: dout * (1 - x**2)


@fault()
def approximate_gradient_of_an_exact_function(x):
    xp = array_namespace(x)
    s = 1 / (1 + xp.exp(-1.702 * x))
    t = 1 / (1 + xp.exp(-1.7 * x))
    return x * s, lambda dout: dout * (t + 1.7 * x * t * (1 - t))


@fault()
def epsilon_is_forgotten_in_backward(x):
    xp = array_namespace(x)
    length = xp.sqrt(xp.sum(x**2, axis=-1, keepdims=True) + 1e-5)

    def backward(dout):
        plain = xp.sqrt(xp.sum(x**2, axis=-1, keepdims=True))
        return (dout - x / plain**2 * xp.sum(dout * x, axis=-1, keepdims=True)) / plain

    return x / length, backward


@fault()
def batch_norm_lacks_the_term_of_the_mean(x):
    y, std = normalised(x, 0)
    return y, lambda dout: normalised_backward(dout, y, std, 0, with_mean=False)


@fault()
def batch_norm_lacks_the_term_of_the_variance(x):
    y, std = normalised(x, 0)
    return y, lambda dout: normalised_backward(dout, y, std, 0, with_variance=False)


@fault()
def layer_norm_goes_back_over_the_batch(x):
    y, std = normalised(x, 1)
    return y, lambda dout: normalised_backward(dout, y, std, 0)


@fault(scores_and_labels)
def off_by_one_class(x, t):
    loss, y = xpnet.ops.softmax_with_loss(x, t)
    return loss, lambda dout: xpnet.ops.softmax_with_loss_backward(dout, y, (t + 1) % 4)


@fault(given(np.asarray([[100.0, 0.0], [-1.0, 2.0]]), np.asarray([1, 0])))
def loss_is_capped_but_its_gradient_is_not(x, t):
    xp = array_namespace(x)
    y = xpnet.softmax(x)
    rows = xp.stack([1 - t, t], axis=-1)
    loss = -xp.sum(xp.astype(rows, y.dtype) * xp.log(y + 1e-7)) / 2
    return loss, lambda dout: xpnet.ops.softmax_with_loss_backward(dout, y, t)


@fault(scores_and_rows)
def soft_rows_are_hardened_for_the_loss_alone(x, t):
    xp = array_namespace(x)
    loss, y = xpnet.ops.softmax_with_loss(x, xp.argmax(t, axis=-1))
    return loss, lambda dout: xpnet.ops.softmax_with_loss_backward(dout, y, t)


@fault()
def weight_decay_slips_in(x):
    return x * x, lambda dout: 2 * x * dout + 1e-4 * x


@fault()
def gradient_is_rounded_to_half(x):
    def backward(dout):
        return as_floats(xpnet.to_numpy(2 * x * dout).astype("float16"), x)

    return x * x, backward


# -- Wrong place ---------------------------------------------------------------------------------


@fault()
def only_the_first_sample_counts(x):
    xp = array_namespace(x)
    first = as_floats([[1.0], [0.0], [0.0]], x)
    return xp.sin(x), lambda dout: xp.cos(x) * dout * first


@fault()
def one_entry_is_wrong(x):
    factor = as_floats([[1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 1, 1.01]], x)
    return x * x, lambda dout: 2 * x * dout * factor


@fault(square)
def gradient_is_transposed(x):
    return x * x, lambda dout: (2 * x * dout).T


@fault()
def rows_are_permuted(x):
    xp = array_namespace(x)
    return xp.flip(x, axis=0), lambda dout: xp.roll(dout, 1, axis=0)


@fault()
def running_sum_goes_back_the_same_way(x):
    xp = array_namespace(x)
    return xp.cumulative_sum(x, axis=1), lambda dout: xp.cumulative_sum(dout, axis=1)


@fault(pair)
def gradients_are_swapped(x, y):
    return x * y, lambda dout: (dout * x, dout * y)


@fault(pair)
def second_gradient_is_the_first(x, y):
    return x - y, lambda dout: (dout, dout)


@fault(lambda rng: (signed(rng, 3, 4), signed(rng, 4)))
def broadcast_sum_is_forgotten(x, b):
    return x + b, lambda dout: (dout, dout)


@fault(lambda rng: (signed(rng, 3, 4), signed(rng, 4)))
def broadcast_axis_is_kept(x, b):
    xp = array_namespace(x)
    return x + b, lambda dout: (dout, xp.sum(dout, axis=0, keepdims=True))


@fault(lambda rng: (signed(rng, 3, 3), signed(rng, 3)))
def broadcast_sum_over_the_wrong_axis(x, b):
    xp = array_namespace(x)
    return x + b, lambda dout: (dout, xp.sum(dout, axis=1))


@fault(lambda rng: (signed(rng, 5, 2), np.asarray([4, 1, 1, 0])))
def repeated_rows_are_not_added_up(table, indices):
    xp = array_namespace(table)
    rows = xpnet.to_numpy(indices)

    def backward(dout):
        dtable = np.zeros((5, 2))
        dtable[rows] = xpnet.to_numpy(dout)
        return as_floats(dtable, table)

    return xp.take(table, indices, axis=0), backward


# -- Wrong mask, in functions with kinks ---------------------------------------------------------


@fault()
def relu_masks_by_the_upstream(x):
    xp = array_namespace(x)
    return xp.maximum(x, 0), lambda dout: xp.where(dout > 0, dout, 0.0)


@fault()
def relu_masks_the_wrong_half(x):
    xp = array_namespace(x)
    return xp.maximum(x, 0), lambda dout: xp.where(x < 0, dout, 0.0)


@fault()
def relu_lets_everything_pass(x):
    return xpnet.relu(x), lambda dout: dout


@fault(given(np.zeros((2, 3))))
def relu_lets_everything_pass_and_all_is_at_the_kink(x):
    return xpnet.relu(x), lambda dout: dout


@fault(given(np.asarray([0.0, -1.0, 0.0, 2.0])))
def relu_is_scaled_and_some_are_at_the_kink(x):
    y = xpnet.relu(x)
    return y, lambda dout: 1.001 * xpnet.ops.relu_backward(dout, y)


@fault(given(np.zeros(4)))
def absolute_value_has_no_gradient_and_all_is_at_the_kink(x):
    return array_namespace(x).abs(x), lambda dout: 0 * dout


@fault()
def absolute_value_loses_the_sign(x):
    return array_namespace(x).abs(x), lambda dout: dout


@fault()
def leaky_slope_is_forgotten(x):
    xp = array_namespace(x)
    return xp.where(x > 0, x, 0.01 * x), lambda dout: xp.where(x > 0, dout, 0.0)


@fault()
def maximum_is_taken_for_the_first_entry(x):
    xp = array_namespace(x)
    first = as_floats([1.0, 0.0, 0.0, 0.0], x)
    return xp.max(xp.concat([x[:, :1] - 5, x[:, 1:]], axis=1), axis=1), (
        lambda dout: xp.expand_dims(dout, axis=1) * first
    )


@fault(given(np.ones((2, 4))))
def maximum_goes_to_all_and_all_are_ties(x):
    xp = array_namespace(x)
    return xp.max(x, axis=1), lambda dout: xp.expand_dims(dout, axis=1) * xp.ones_like(x)


@fault(given(np.full((2, 3), 0.5), np.full((2, 3), 0.5)))
def maximum_of_two_goes_to_both_and_all_are_ties(x, y):
    return array_namespace(x).maximum(x, y), lambda dout: (dout, dout)


# -- Not a gradient at all -----------------------------------------------------------------------


@fault()
def gradient_is_nan(x):
    return x * x, lambda dout: 2 * x * dout * float("nan")


@fault()
def one_entry_is_infinite(x):
    xp = array_namespace(x)
    return x * x, lambda dout: xp.where(x == xp.max(x), float("inf"), 2 * x * dout)


@fault()
def return_is_forgotten(x):
    return x * x, lambda _: None


@fault()
def too_many_gradients(x):
    return x * x, lambda dout: (2 * x * dout, dout)


@fault()
def output_is_nan(x):
    return x * float("nan"), lambda dout: dout


# -- Wrong conduct -------------------------------------------------------------------------------


@fault()
def forward_is_random(x):
    noise = float(np.random.default_rng().uniform())
    return x * noise, lambda dout: dout * noise


def overwrite(array, values):
    """Write to an array, where its library can; else do what is as wrong."""
    try:
        array[...] = values
    except TypeError:
        return values * 2  # JAX cannot be made to do it
    return values


@fault()
def upstream_is_written_to(x):
    xp = array_namespace(x)
    return xp.maximum(x, 0), lambda dout: overwrite(dout, xp.where(x > 0, dout, 0.0))


@fault()
def input_is_written_to(x):
    kept = x + 0
    y = overwrite(x, 2 * x)
    return y + 0, lambda dout: 2 * dout + 0 * kept


@fault()
class FirstInputIsKept:
    def __init__(self, rng):
        self.x = None

    def forward(self, x):
        if self.x is None:
            self.x = x
        return x * x

    def backward(self, dout):
        return 2 * self.x * dout


@fault(pair)
class FirstSecondInputIsKept:
    def __init__(self, rng):
        self.y = None

    def forward(self, x, y):
        self.x, self.y = x, y if self.y is None else self.y
        return x * y

    def backward(self, dout):
        return dout * self.y, dout * self.x


@fault(given(np.asarray([1.0, 2.0, 3.0])))
class FirstMaskIsKept:
    def __init__(self, rng):
        self.mask = None

    def forward(self, x):
        self.mask = x > 0 if self.mask is None else self.mask
        return array_namespace(x).maximum(x, 0)

    def backward(self, dout):
        return array_namespace(dout).where(self.mask, dout, 0.0)


@fault()
class FirstOutputIsKept:
    def __init__(self, rng):
        self.y = None

    def forward(self, x):
        self.y = x * x if self.y is None else self.y
        self.x = x
        return self.y

    def backward(self, dout):
        return 2 * self.x * dout


@fault()
class FunctionKeepsItsFirstInput:
    """A function with a memory, as a decorator or a closure may have."""

    def __init__(self, rng):
        self.memory = {}

    def __deepcopy__(self, memo):
        return self

    def __call__(self, x):
        kept = self.memory.setdefault("x", x)
        return x * x, lambda dout: 2 * kept * dout


# -- Wrong with respect to parameters ------------------------------------------------------------


class RightAffine:
    """Right; the faults below are made from it."""

    def __init__(self, rng):
        self.params = {"W": asarray(signed(rng, 4, 4)), "b": asarray(signed(rng, 4))}
        self.grads = {}

    def forward(self, x):
        self.x = x
        return x @ self.params["W"] + self.params["b"]

    def backward(self, dout):
        xp = array_namespace(dout)
        self.grads = {"W": self.x.T @ dout, "b": xp.sum(dout, axis=0)}
        return dout @ self.params["W"].T


@fault()
class WeightGradientIsTransposed(RightAffine):
    def backward(self, dout):
        dx = super().backward(dout)
        self.grads["W"] = self.grads["W"].T
        return dx


@fault()
class WeightIsNotTransposed(RightAffine):
    def backward(self, dout):
        super().backward(dout)
        return dout @ self.params["W"]


@fault()
class BiasGradientIsAMean(RightAffine):
    def backward(self, dout):
        dx = super().backward(dout)
        self.grads["b"] = self.grads["b"] / 3
        return dx


@fault()
class BiasGradientIsMissing(RightAffine):
    def backward(self, dout):
        dx = super().backward(dout)
        del self.grads["b"]
        return dx


@fault()
class BiasGradientIsNotSummed(RightAffine):
    def backward(self, dout):
        dx = super().backward(dout)
        self.grads["b"] = dout
        return dx


@fault()
class GradientsAddUp(RightAffine):
    def backward(self, dout):
        before = self.grads
        dx = super().backward(dout)
        for name, grad in before.items():
            self.grads[name] = self.grads[name] + grad
        return dx


@fault()
class GradientsStayWhatTheyWere(RightAffine):
    def backward(self, dout):
        if self.grads:
            return dout @ self.params["W"].T
        return super().backward(dout)


@fault()
class TransposedWeightIsKept(RightAffine):
    kept = None

    def backward(self, dout):
        self.kept = self.params["W"].T if self.kept is None else self.kept
        super().backward(dout)
        return dout @ self.kept


@fault()
class LearnsInBackward(RightAffine):
    def backward(self, dout):
        dx = super().backward(dout)
        self.params["W"] = self.params["W"] - 0.1 * self.grads["W"]
        return dx


@fault()
class TiedWeightCountsOnce:
    def __init__(self, rng):
        self.params = {"W": asarray(signed(rng, 4, 2))}
        self.grads = {}

    def forward(self, x):
        W = self.params["W"]
        self.x, self.hidden = x, x @ W
        return self.hidden @ W.T

    def backward(self, dout):
        W = self.params["W"]
        dhidden = dout @ W
        self.grads["W"] = self.x.T @ dhidden
        return dhidden @ W.T


@fault()
class InnerLayerOfANetIsWrong(xpnet.Sequential):
    def __init__(self, rng):
        first = xpnet.Affine(asarray(signed(rng, 4, 5)), asarray(signed(rng, 5)))
        last = xpnet.Affine(asarray(signed(rng, 5, 2)), asarray(signed(rng, 2)))
        super().__init__(first, _SigmoidWithoutAFactor(), last)


class _SigmoidWithoutAFactor(xpnet.Sigmoid):
    def backward(self, dout):
        (y,) = self._saved()
        return dout * y
