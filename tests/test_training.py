"""The training loop: what a net sees, what it learns, and what the history tells of it."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

import xpnet
from xpnet import SGD, Affine, Sequential, TwoLayerNet
from xpnet.datasets import load_digits, load_mnist
from xpnet.testing import no_host_sync, tolerance
from xpnet.training import Epoch, History, train


def numbered(samples, backend="numpy"):
    """Samples that know their number, with labels that follow from it."""
    x = xpnet.asarray(np.arange(float(samples)).reshape(-1, 1), xp=backend)
    return x, xpnet.asarray(np.arange(samples) % 2, xp=backend)


class Recorder(Sequential):
    """A net that remembers the batches that it is trained on."""

    def __init__(self):
        super().__init__(Affine.random(1, 2, seed=0, xp="numpy"))
        self.batches = []

    def gradient(self, x, t):
        self.batches.append((x[:, 0].astype(int).tolist(), t))
        return super().gradient(x, t)


def batches_of(samples, **options):
    net = Recorder()
    data = numbered(samples)
    train(net, SGD(lr=0), data, data, seed=0, **options)
    return net.batches


def digits_run(backend, iterations=30, **options):
    with xpnet.use_backend(backend):
        net = TwoLayerNet(64, 50, 10, weight_init_std=0.1, seed=0)
        sets = load_digits()
    return train(net, SGD(lr=0.5), *sets, iterations=iterations, seed=0, **options)


# Batches -------------------------------------------------------------------------------------


def test_each_epoch_visits_every_sample_once_and_the_last_batch_is_smaller():
    batches = batches_of(10, iterations=9, batch_size=4)

    assert [len(x) for x, _ in batches] == [4, 4, 2] * 3
    epochs = [
        [number for x, _ in batches[start : start + 3] for number in x] for start in (0, 3, 6)
    ]
    for order in epochs:
        assert sorted(order) == list(range(10))
    assert epochs[0] != epochs[1] != epochs[2] != sorted(epochs[0])


def test_every_sample_keeps_its_label():
    for x, t in batches_of(10, iterations=9, batch_size=4):
        assert [number % 2 for number in x] == t.tolist()


@pytest.mark.parametrize(
    ("batch_size", "sizes"), [(5, [5, 5]), (10, [10, 10]), (99, [10, 10]), (1, [1, 1])]
)
def test_batches_that_fit_the_samples_or_are_larger(batch_size, sizes):
    batches = batches_of(10, iterations=2, batch_size=batch_size)

    assert [len(x) for x, _ in batches] == sizes


def test_labels_may_be_rows_and_samples_may_have_any_shape():
    class Flatten:
        params, grads = {}, {}

        def forward(self, x):
            return x.reshape(x.shape[0], -1)

        def backward(self, dout):
            return dout

    sets = load_digits(flatten=False, one_hot_label=True)
    net = Sequential(Flatten(), Affine.random(64, 10, seed=0))

    history = train(net, SGD(lr=0.5), *sets, iterations=60, seed=0)

    assert history.epochs[-1].test_accuracy > 0.8


# What is learned -----------------------------------------------------------------------------


def test_learns_digits():
    history = digits_run("numpy", iterations=300)

    assert history.epochs[-1].test_accuracy > 0.9
    assert history.epochs[-1].train_accuracy > 0.9
    assert not history.interrupted


@pytest.fixture(scope="module")
def exact_curve():
    with xpnet.use_backend("numpy", dtype="float64") as float64:
        return digits_run(float64).losses


def test_the_same_seed_gives_the_same_curve_on_every_backend(xpnet_backend, exact_curve):
    history = digits_run(xpnet_backend)

    assert exact_curve[-1] < 0.5 * exact_curve[0]  # much has happened in which to differ
    allowed = tolerance(xpnet_backend.dtype, 64)
    np.testing.assert_allclose(history.losses, exact_curve, rtol=allowed)


def test_one_seed_is_one_run_to_the_last_bit():
    assert digits_run("numpy").losses == digits_run("numpy").losses


@pytest.fixture
def device():
    """A device of array-api-strict, which stands for a GPU."""
    pytest.importorskip("array_api_strict")
    with xpnet.use_backend("array_api_strict", device="device1") as backend:
        yield backend


def test_a_step_reads_nothing_on_the_host(device):
    net = TwoLayerNet(4, 6, 3, weight_init_std=0.5, seed=0)
    x = xpnet.asarray(np.random.default_rng(0).standard_normal((5, 4)))
    t = xpnet.asarray(np.asarray([0, 2, 1, 1, 0]))
    optimizer = SGD(lr=0.5)
    before = float(net.loss(x, t))

    with no_host_sync():
        for _ in range(5):
            optimizer.update(net.params, net.gradient(x, t))
        loss, accuracy = net.loss(x, t), net.accuracy(x, t)

    assert float(loss) < 0.8 * before
    assert 0 <= float(accuracy) <= 1


def test_the_loop_reads_nothing_on_the_host_before_the_epoch_ends(device):
    net = TwoLayerNet(1, 3, 2, seed=0)
    data = numbered(10, device)

    with no_host_sync():
        # The loop may read what is measured: there is nothing to wait for any more.
        history = train(net, SGD(), data, data, iterations=5, batch_size=4, metric=lambda *_: 0.5)

    assert history.iterations == 5


def mnist_is_here():
    folder = os.environ.get("XPNET_DATA")
    name = "train-images-idx3-ubyte*"
    return bool(folder) and any(any(Path(folder, part).glob(name)) for part in ("mnist", "."))


@pytest.mark.skipif(not mnist_is_here(), reason="XPNET_DATA names no folder that holds MNIST")
def test_learns_mnist_to_97_percent():
    xpnet.set_backend("numpy")
    net = TwoLayerNet(784, 50, 10, seed=0)

    history = train(net, SGD(lr=0.1), *load_mnist(), iterations=10_000, batch_size=100, seed=0)

    assert history.epochs[-1].test_accuracy >= 0.97


# History -------------------------------------------------------------------------------------


def test_history_tells_every_step_and_every_epoch():
    net = Recorder()
    data = numbered(10)
    losses = []

    class Optimizer(SGD):
        def update(self, params, grads):
            losses.append(float(net.last_layer.loss))
            super().update(params, grads)

    history = train(net, Optimizer(lr=0.01), data, data, iterations=7, batch_size=4, seed=0)

    assert history.losses == losses
    assert history.iterations == 7
    assert [epoch.number for epoch in history.epochs] == [1, 2, 3]
    assert [epoch.iterations for epoch in history.epochs] == [3, 6, 7]  # the last was cut short
    for epoch, (start, stop) in zip(history.epochs, [(0, 3), (3, 6), (6, 7)], strict=True):
        assert epoch.loss == pytest.approx(np.mean(losses[start:stop]))
    last = history.epochs[-1]
    assert last.train_accuracy == last.test_accuracy == net.accuracy(*data)
    assert history.seconds > 0
    assert history.seconds_per_step == history.seconds / 7
    assert not history.interrupted


def test_no_iterations_are_no_history():
    data = numbered(10)

    history = train(Recorder(), SGD(), data, data, iterations=0)

    assert (history.losses, history.epochs, history.iterations) == ([], [], 0)
    assert history.seconds_per_step == 0


def test_train_and_test_accuracy_are_of_their_own_sets():
    x = np.asarray([[1.0, 0.0], [0.0, 1.0]])
    net = Sequential(Affine(np.eye(2), np.zeros(2)))  # class 0 is where x[0] is larger

    history = train(net, SGD(lr=0), (x, np.asarray([0, 1])), (x, np.asarray([0, 0])), iterations=1)

    (epoch,) = history.epochs
    assert (epoch.train_accuracy, epoch.test_accuracy) == (1.0, 0.5)


def test_an_epoch_reads_well():
    epoch = Epoch(3, 45, 0.12348, "accuracy", train_metric=1.0, test_metric=0.9)

    assert str(epoch) == "epoch   3  loss 0.1235  train accuracy 100.00%  test accuracy  90.00%"


def test_a_history_reads_well():
    epoch = Epoch(1, 2, 0.5, "accuracy", train_metric=1.0, test_metric=0.9)
    reached = "after 2 steps: train accuracy 100.00%, test accuracy 90.00%; 1.500 ms per step"

    assert str(History()) == "no step was taken"
    assert str(History(interrupted=True)) == "interrupted"
    assert str(History([0.5, 0.5], [epoch], seconds=0.003)) == reached
    assert str(History([0.5] * 5, [epoch], seconds=0.0075, interrupted=True)) == (
        f"interrupted\n{reached}\nsteps not measured: 3"
    )
    assert str(History([0.5])) == "steps not measured: 1"


def test_verbose_prints_a_line_for_each_epoch_and_what_was_reached(capsys):
    history = digits_run("numpy", iterations=20, verbose=True)

    *epochs, last = capsys.readouterr().out.splitlines()
    assert epochs == [str(epoch) for epoch in history.epochs]
    assert len(epochs) == 2
    assert last == str(history)


def test_nothing_is_printed_unless_asked_for(capsys):
    digits_run("numpy", iterations=20)

    assert capsys.readouterr() == ("", "")


# Ends before the end; Ctrl-C is in test_ctrl_c.py ---------------------------------------------


class Stopping(SGD):
    """An optimizer that fails after some steps."""

    def __init__(self, left, error):
        super().__init__(lr=0.5)
        self.left, self.error = left, error

    def update(self, params, grads):
        if self.left == 0:
            raise self.error
        self.left -= 1
        super().update(params, grads)


@pytest.mark.parametrize(
    ("steps", "epochs"), [(0, []), (1, []), (14, []), (15, [15]), (20, [15]), (30, [15, 30])]
)
def test_a_keyboard_interrupt_that_somebody_raises_ends_without_measuring(steps, epochs):
    xpnet.set_backend("numpy")
    net = TwoLayerNet(64, 50, 10, weight_init_std=0.1, seed=0)
    stopping = Stopping(steps, KeyboardInterrupt)

    history = train(net, stopping, *load_digits(), iterations=1000, seed=0)

    assert history.interrupted
    assert history.losses == digits_run("numpy", iterations=steps).losses
    assert [epoch.iterations for epoch in history.epochs] == epochs


def test_other_errors_are_not_swallowed():
    xpnet.set_backend("numpy")

    with pytest.raises(ZeroDivisionError):
        train(TwoLayerNet(64, 50, 10), Stopping(3, ZeroDivisionError), *load_digits(), iterations=9)


@pytest.mark.parametrize("part", ["training", "test"])
def test_labels_are_checked_before_anything_is_trained(part, xpnet_backend):
    with xpnet.use_backend(xpnet_backend):
        net = TwoLayerNet(1, 3, 2, seed=0)
    x, t = numbered(10, xpnet_backend)
    bad = x, xpnet.asarray(np.asarray([0] * 9 + [2]), xp=xpnet_backend)
    good = x, t
    before = xpnet.to_numpy(net.params["W1"]).copy()

    with pytest.raises(xpnet.LabelError, match=r"label 2 at index \(9,\).* 0 to 1"):
        train(net, SGD(), *((bad, good) if part == "training" else (good, bad)), iterations=5)

    assert np.array_equal(xpnet.to_numpy(net.params["W1"]), before)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"iterations": -1}, "iterations -1"),
        ({"iterations": 1, "batch_size": 0}, "batch_size is 0"),
    ],
)
def test_numbers_that_are_too_small(options, says):
    data = numbered(4)

    with pytest.raises(ValueError, match=says):
        train(Recorder(), SGD(), data, data, **options)


@pytest.mark.parametrize("samples", [(0, 0), (4, 3)])
def test_inputs_and_labels_must_be_as_many(samples):
    inputs, labels = samples
    bad = numbered(inputs)[0], numbered(labels)[1]

    with pytest.raises(xpnet.ShapeError, match=f"{inputs} inputs and {labels} labels"):
        train(Recorder(), SGD(), numbered(4), bad, iterations=1)


# Epochs, metrics, callbacks and losses of one's own --------------------------------------------


def samples(count):
    x, t = numbered(count)
    return x.astype("float64"), t


def small_net(**options):
    with xpnet.use_backend("numpy", dtype="float64"):
        return Sequential(Affine.random(1, 2, seed=0), **options)


@pytest.mark.parametrize("compiled", [False, True])
def test_epochs_say_how_often_every_sample_is_visited(compiled):
    data = samples(10)

    history = train(small_net(), SGD(0.01), data, epochs=3, batch_size=4, compile=compiled)

    assert [epoch.iterations for epoch in history.epochs] == [3, 6, 9]


@pytest.mark.parametrize("options", [{}, {"epochs": 1, "iterations": 1}])
def test_one_of_epochs_and_iterations_is_given(options):
    with pytest.raises(ValueError, match="give either epochs or iterations"):
        train(small_net(), SGD(), samples(4), **options)


def test_without_a_test_set_only_the_training_set_is_measured():
    history = train(small_net(), SGD(0.01), samples(4), epochs=1)

    (epoch,) = history.epochs
    assert epoch.metric == "accuracy"
    assert 0 <= epoch.train_accuracy <= 1
    assert epoch.test_metric is None
    assert "test" not in str(epoch)
    with pytest.raises(AttributeError, match="no accuracy was measured, but train accuracy"):
        epoch.test_accuracy  # noqa: B018


def test_a_metric_of_ones_own_is_measured_under_its_name():
    def largest_score(y, t):
        assert len(y) == len(t) == 4
        return y.max()

    net = small_net()
    history = train(net, SGD(0.01), samples(4), samples(4), epochs=1, metric=largest_score)

    (epoch,) = history.epochs
    expected = float(net.predict(samples(4)[0]).max())
    assert (epoch.metric, epoch.train_metric) == ("largest score", expected)
    assert epoch.test_metric == expected
    assert "train largest score" in str(epoch)
    with pytest.raises(AttributeError, match="no accuracy was measured"):
        epoch.train_accuracy  # noqa: B018


def test_a_callback_sees_each_epoch_and_may_end_training():
    net, seen = small_net(), []

    def stop_after_two(trained, history):
        assert trained is net
        seen.append(history.epochs[-1].number)
        return len(seen) == 2

    history = train(net, SGD(0.01), samples(4), epochs=5, callback=stop_after_two)

    assert seen == [1, 2]
    assert history.iterations == 2
    assert not history.interrupted


class NumberLoss:
    """Half the mean of the squared outputs, as a number of Python."""

    def __init__(self):
        self.params, self.grads = {}, {}

    def forward(self, y, t):
        self.y = y
        return float((y * y).mean()) / 2

    def backward(self, dout=1):
        return dout * self.y / self.y.size


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")
def test_a_loss_of_ones_own_may_be_a_number_and_is_what_is_measured(compiled):
    x = np.linspace(-1, 1, 8).reshape(-1, 1)
    net = small_net(last_layer=NumberLoss())

    history = train(net, SGD(0.5), (x, x), epochs=20, batch_size=4, compile=compiled)

    assert history.losses[-1] < 0.5 * history.losses[0]
    assert history.epochs[-1].metric == "loss"
    assert history.epochs[-1].train_metric == net.loss(x, x)


def test_a_line_is_learned_by_its_squared_error():
    x = np.linspace(-1, 1, 50).reshape(-1, 1)
    net = Sequential(Affine(np.zeros((1, 1)), np.zeros(1)), last_layer=xpnet.MeanSquaredError())

    history = train(net, SGD(0.2), (x, 3 * x - 1), (x, 3 * x - 1), epochs=200, batch_size=25)

    np.testing.assert_allclose(net.params["Affine1.W"], [[3.0]], atol=1e-6)
    np.testing.assert_allclose(net.params["Affine1.b"], [-1.0], atol=1e-6)
    last = history.epochs[-1]
    assert last.metric == net.last_layer.metric_name.replace("_", " ")
    assert last.train_metric == last.test_metric < 1e-5


def test_compiled_steps_give_the_bits_of_eager_ones_on_numpy():
    runs = [digits_run("numpy", compile=compiled) for compiled in (False, True)]

    assert runs[0].losses == runs[1].losses
    assert runs[0].epochs == runs[1].epochs
