"""What Dropout does to values, gradients, nets and users' mistakes."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import xpnet
from xpnet import Affine, Dropout, DTypeError, ReLU, Sequential, ShapeError
from xpnet.backends import adapter_of
from xpnet.dtypes import dtype_name
from xpnet.ops import dropout, dropout_backward
from xpnet.ops.masks import dropout_mask

RNG = np.random.default_rng(11)


def ones(*shape, xp=None):
    return xpnet.asarray(np.ones(shape), xp=xp)


def host(array):
    return xpnet.to_numpy(array).astype("float64")


# The op --------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 0.9, np.float32(0.3), 0])
def test_kept_entries_are_scaled_and_others_are_zero(rate, xpnet_backend):
    x = xpnet.asarray(RNG.standard_normal((20, 30)), xp=xpnet_backend)

    y, mask = dropout(x, rate, seed=1)

    wide = np.float32 if dtype_name(x.dtype) != "float64" else np.float64
    exact = xpnet.asarray(
        xpnet.to_numpy(x).astype(wide) * wide(1 / (1 - float(rate))), xp=xpnet_backend
    )
    assert np.array_equal(host(y), host(exact) * host(mask))
    assert (y.dtype, mask.dtype) == (x.dtype, x.dtype)


def test_rate_zero_keeps_the_bits(xpnet_backend):
    x = xpnet.asarray(RNG.standard_normal(100), xp=xpnet_backend)

    assert np.array_equal(host(dropout(x, 0.0, seed=1)[0]), host(x))


@pytest.mark.parametrize("rate", [0.01, 0.1, 0.25, 0.5, 0.8, 0.99])
def test_share_of_dropped_entries_is_the_rate(rate):
    size = 100_000

    dropped = 1 - dropout_mask(ones(size), rate, seed=1).mean(dtype="float64")

    assert abs(dropped - rate) < 4 * np.sqrt(rate * (1 - rate) / size)


def test_a_larger_rate_drops_the_same_and_more(xpnet_backend):
    few, many = (host(dropout_mask(ones(1000, xp=xpnet_backend), r, 5)) for r in (0.2, 0.3))

    assert (many <= few).all()
    assert many.sum() < few.sum()


@pytest.mark.parametrize("rate", [np.nextafter(1, 0), 1 - 2**-32, 1 - 2**-33])
def test_rates_next_to_one_are_possible(rate, xpnet_backend):
    y, mask = dropout(ones(1000, xp=xpnet_backend), rate, seed=1)

    assert not host(mask).any()
    assert not host(y).any()


def test_the_threshold_is_compared_exactly():
    word = 1713891541  # the first of seed 0

    assert dropout_mask(ones(1), word / 2**32, seed=0) == 1
    assert dropout_mask(ones(1), (word + 1) / 2**32, seed=0) == 0


@pytest.mark.parametrize("shape", [(24,), (4, 6), (2, 3, 4), (24, 1)])
def test_a_mask_goes_by_position_in_row_major_order(shape, xpnet_backend):
    flat = host(dropout_mask(ones(24, xp=xpnet_backend), 0.5, 2))

    found = host(dropout_mask(ones(*shape, xp=xpnet_backend), 0.5, 2))

    assert np.array_equal(found, flat.reshape(shape))


def test_a_mask_does_not_go_by_position_in_memory():
    x = np.asfortranarray(np.ones((4, 6)))

    assert np.array_equal(dropout_mask(x, 0.5, 2), dropout_mask(np.ones((4, 6)), 0.5, 2))
    assert np.array_equal(dropout_mask(np.ones((6, 8))[:4, 1:7], 0.5, 2), dropout_mask(x, 0.5, 2))


def test_longer_arrays_continue_the_mask(xpnet_backend):
    short, long = (host(dropout_mask(ones(n, xp=xpnet_backend), 0.5, 2)) for n in (9, 20))

    assert np.array_equal(long[:9], short)


def test_seed_and_step_tell_masks_apart():
    masks = {
        dropout_mask(ones(64), 0.5, seed, step).tobytes()
        for seed in (0, 1, 2**32, 2**63)
        for step in (0, 1, 2**32, 2**63)
    }

    assert len(masks) == 16


@pytest.mark.parametrize("shape", [(), (0,), (3, 0), (1,)])
def test_odd_shapes(shape, xpnet_backend):
    x = xpnet.asarray(np.ones(shape), xp=xpnet_backend)

    y, mask = dropout(x, 0.5, seed=1)

    assert y.shape == mask.shape == dropout_backward(x, mask, 0.5).shape == shape


def test_dropping_is_multiplying_by_zero_as_in_torch(xpnet_backend):
    specials = np.repeat([np.nan, np.inf, -np.inf], 8)
    x = xpnet.asarray(specials, xp=xpnet_backend)

    y, mask = dropout(x, 0.5, seed=3)

    expected = np.where(host(mask) == 1, specials, np.nan)
    assert np.array_equal(host(y), expected, equal_nan=True)


def test_large_scales_overflow_to_infinity_without_a_warning():
    x = np.full(2000, 60_000, dtype="float16")

    y, mask = dropout(x, 0.99, seed=1)

    assert np.array_equal(np.isinf(y), mask == 1)


def test_backward_honours_dout(xpnet_backend):
    x, dout = (xpnet.asarray(RNG.standard_normal(50), xp=xpnet_backend) for _ in "xd")
    _, mask = dropout(x, 0.5, seed=1)

    dx = dropout_backward(dout, mask, 0.5)

    assert np.array_equal(host(dx), 2 * host(dout) * host(mask))


def test_a_step_may_be_an_array(xpnet_backend):
    x = ones(100, xp=xpnet_backend)
    step = xpnet.asarray(np.asarray(41), xp=xpnet_backend)

    short = xpnet.asarray(np.asarray(41), xp=xpnet_backend, dtype="int32")

    assert np.array_equal(host(dropout_mask(x, 0.5, 1, step)), host(dropout_mask(x, 0.5, 1, 41)))
    assert np.array_equal(host(dropout_mask(x, 0.5, 1, short)), host(dropout_mask(x, 0.5, 1, 41)))
    assert np.array_equal(
        host(dropout_mask(x, 0.5, np.uint64(1), np.int64(41))), host(dropout_mask(x, 0.5, 1, 41))
    )


def test_all_bits_of_a_step_in_an_array_count(xpnet_backend):
    x = ones(100, xp=xpnet_backend)
    step = xpnet.asarray(np.asarray(2**40 + 3), xp=xpnet_backend)
    if "64" not in dtype_name(step.dtype):
        pytest.skip("the integers of this library have 32 bits")

    assert np.array_equal(
        host(dropout_mask(x, 0.5, 1, step)), host(dropout_mask(x, 0.5, 1, 2**40 + 3))
    )
    assert not np.array_equal(host(dropout_mask(x, 0.5, 1, step)), host(dropout_mask(x, 0.5, 1, 3)))


# The layer -----------------------------------------------------------------------------------


def test_every_forward_has_another_mask_and_a_seed_repeats_them(xpnet_backend):
    x = ones(64, xp=xpnet_backend)
    layer, twin = Dropout(0.5, seed=8), Dropout(0.5, seed=8)

    first, second = host(layer.forward(x)), host(layer.forward(x))

    assert not np.array_equal(first, second)
    assert np.array_equal(first, host(twin.forward(x)))
    assert np.array_equal(second, host(twin.forward(x)))
    layer.step = 0
    assert np.array_equal(first, host(layer.forward(x)))


def test_the_masks_of_a_layer_are_those_of_its_seed_and_the_steps_from_0():
    layer = Dropout(0.5, seed=8)

    for step in range(3):
        assert layer.step == step
        assert np.array_equal(layer.forward(ones(64)), dropout(ones(64), 0.5, 8, step)[0])


def test_layers_without_a_seed_differ_and_can_be_repeated():
    layer, other = Dropout(), Dropout()

    assert layer.seed != other.seed
    assert np.array_equal(layer.forward(ones(64)), Dropout(seed=layer.seed).forward(ones(64)))


def test_a_generator_gives_each_layer_its_own_seed():
    rng = np.random.default_rng(0)
    seeds = [Dropout(seed=rng).seed for _ in range(3)]

    again = np.random.default_rng(0)
    assert seeds == [Dropout(seed=again).seed for _ in range(3)]
    assert len(set(seeds)) == 3


def test_a_failed_forward_uses_no_mask_up():
    layer = Dropout(seed=8)
    with pytest.raises(DTypeError):
        layer.forward(np.ones(3, dtype="int64"))

    assert layer.step == 0


def test_backward_uses_the_mask_of_its_forward_even_after_a_change_of_rate():
    layer = Dropout(0.5, seed=8)
    y = layer.forward(ones(64))

    layer.rate = 0.9

    assert np.array_equal(layer.backward(ones(64)), y)


@pytest.mark.parametrize("how", ["training", "evaluating"])
def test_evaluation_passes_everything_and_uses_no_mask_up(how, xpnet_backend):
    x = ones(64, xp=xpnet_backend)
    layer = Dropout(0.5, seed=8)

    if how == "training":
        layer.training = False
        y = layer.forward(x)
        layer.training = True
    else:
        with xpnet.evaluating():
            y = layer.forward(x)

    assert np.array_equal(host(y), host(x))
    assert np.array_equal(host(layer.backward(3 * x)), 3 * host(x))
    assert layer.step == 0


@pytest.mark.parametrize("training", [True, False])
def test_a_layer_that_was_given_a_backend_refuses_inputs_from_elsewhere(training):
    layer = Dropout(0.5, xp="array_api_strict")
    layer.training = training

    with pytest.raises(xpnet.BackendMismatchError, match="Dropout: the layer lives on"):
        layer.forward(ones(3))


def test_evaluation_checks_its_arguments_too():
    layer = Dropout(0.5, xp="array_api_strict")
    with xpnet.evaluating():
        with pytest.raises(DTypeError, match="Dropout: x is int64"):
            layer.forward(np.ones(3, dtype="int64"))
        with pytest.raises(xpnet.BackendMismatchError, match="Dropout: the layer lives on"):
            layer.forward(ones(3))
        Dropout().forward(ones(3))
        layer = Dropout()
        layer.forward(ones(3))
    with pytest.raises(ShapeError, match="Dropout: dout has shape"):
        layer.backward(ones(4))


def test_jit_takes_the_step_as_an_argument():
    jax = pytest.importorskip("jax", reason="JAX is not installed: run nox -s tests_backends")

    def forward(x, step):
        layer = Dropout(0.5, seed=8)
        layer.step = step
        return layer.forward(x)

    compiled, x = jax.jit(forward), jax.numpy.ones(64)
    assert all(np.array_equal(compiled(x, step), forward(x, step)) for step in range(4))
    assert not np.array_equal(compiled(x, 0), compiled(x, 1))


# Nets ----------------------------------------------------------------------------------------


class Doubled:
    """A layer of a user's own, which knows nothing of training."""

    def __init__(self):
        self.params, self.grads = {}, {}

    def forward(self, x):
        return 2 * x

    def backward(self, dout):
        return 2 * dout


class Wrapped(Doubled):
    """A layer of a user's own with another one inside."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        return self.inner.forward(x)


def net(*layers):
    with xpnet.use_backend("numpy", dtype="float64"):
        first = Affine.random(4, 50, weight_init_std=1, seed=0)
        second = Affine.random(50, 3, weight_init_std=1, seed=1)
    return Sequential(first, ReLU(), *layers, second)


X = RNG.standard_normal((8, 4))
T = RNG.integers(0, 3, size=8)


@pytest.mark.parametrize(
    "layers",
    [(Dropout(seed=1),), (Doubled(), Dropout(seed=1)), (Wrapped(Dropout(seed=1)),)],
    ids=["alone", "beside", "inside"],
)
def test_nets_predict_without_and_train_with_dropout(layers):
    sut = net(*layers)
    full = net(*(layer for layer in layers if type(layer) is Doubled))

    assert np.array_equal(sut.predict(X), full.predict(X))
    assert sut.accuracy(X, T) == full.accuracy(X, T)
    assert sut.loss(X, T) != sut.loss(X, T)
    assert not np.array_equal(sut.forward(X), full.forward(X))


def test_gradients_drop_and_differ_from_step_to_step():
    sut = net(Dropout(seed=1))

    first, second = sut.gradient(X, T)["Affine2.W"], sut.gradient(X, T)["Affine2.W"]

    assert not np.array_equal(first, second)


def test_evaluating_makes_losses_and_gradients_checkable():
    sut = net(Dropout(seed=1))

    with xpnet.evaluating():
        assert sut.loss(X, T) == sut.loss(X, T) == net().loss(X, T)
        exact, numerical = sut.gradient(X, T), sut.numerical_gradient(X, T)

    for name, grad in exact.items():
        np.testing.assert_allclose(grad, numerical[name], rtol=1e-5, atol=1e-8)


def test_gradient_is_that_of_the_loss_with_the_same_mask():
    sut = net(Dropout(seed=1))
    grad = sut.gradient(X, T)["Affine1.W"]
    direction, h = RNG.standard_normal(grad.shape), 1e-6
    W = sut.params["Affine1.W"]

    def loss(W):
        sut.layers["Dropout1"].step = 0
        sut.params["Affine1.W"] = W
        return sut.loss(X, T)

    slope = (loss(W + h * direction) - loss(W - h * direction)) / (2 * h)
    np.testing.assert_allclose((grad * direction).sum(), slope, rtol=1e-6)


def test_training_goes_on_after_an_error_and_in_other_threads():
    sut = net(Dropout(seed=1))
    losses = []
    with pytest.raises(ShapeError):
        sut.predict(X[:, :2])
    with xpnet.evaluating():
        thread = threading.Thread(target=lambda: losses.extend(sut.loss(X, T) for _ in range(2)))
        thread.start()
        thread.join()

    assert losses[0] != losses[1]
    assert sut.loss(X, T) != sut.loss(X, T)


# Mistakes ------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [1, 1.0, -0.1, 1.5, np.nan, np.inf, "0.5", None, 0.5j, True])
def test_bad_rates(rate):
    for make in (Dropout, lambda rate: dropout(ones(3), rate, 0)):
        with pytest.raises(
            ValueError, match=r"(D|xpnet.ops.d)ropout: rate is .*less than 1"
        ) as caught:
            make(rate)
        assert repr(rate) in str(caught.value)


def test_ops_name_themselves():
    with pytest.raises(ValueError, match=r"^xpnet.ops.dropout_backward: rate is 2"):
        dropout_backward(ones(3), ones(3), 2)
    with pytest.raises(DTypeError, match=r"^dropout_mask: x is int64"):
        dropout_mask(np.asarray([1]), 0.5, 0)


@pytest.mark.parametrize("seed", [-1, 2**64, 1.5, "0"])
def test_bad_seeds(seed):
    with pytest.raises(ValueError, match="Dropout: seed is"):
        Dropout(seed=seed)
    with pytest.raises(ValueError, match=r"xpnet.ops.dropout: seed is"):
        dropout(ones(3), 0.5, seed)
    with pytest.raises(ValueError, match=r"xpnet.ops.dropout: step is"):
        dropout(ones(3), 0.5, 0, seed)


def test_bad_steps():
    with pytest.raises(ValueError, match=r"xpnet.ops.dropout: step is an array of shape \(3,\)"):
        dropout(ones(3), 0.5, 0, np.arange(3))
    with pytest.raises(ValueError, match=r"xpnet.ops.dropout: step is an array of shape") as caught:
        dropout(ones(3), 0.5, 0, np.asarray(1.0))
    assert str(caught.value).endswith(
        "; it must be an integer, or an array of integers of shape ()"
    )
    with pytest.raises(xpnet.BackendMismatchError, match=r"xpnet.ops.dropout: x is"):
        dropout(ones(3), 0.5, 0, ones(xp="array_api_strict"))


def test_bad_dout(xpnet_backend):
    layer = Dropout(seed=1)
    with pytest.raises(xpnet.BackwardError, match="Dropout: backward was called before forward"):
        layer.backward(ones(3))
    x = ones(3, xp=xpnet_backend)
    layer.forward(x)
    with pytest.raises(ShapeError, match=r"xpnet.ops.dropout_backward: dout has shape"):
        layer.backward(ones(4, xp=xpnet_backend))
    with pytest.raises(DTypeError, match=r"xpnet.ops.dropout_backward: dout is"):
        layer.backward(adapter_of(x).xp.astype(x, adapter_of(x).xp.int32))
