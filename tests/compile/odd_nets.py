"""Nets that are odd, but right: a compiled step must do to each of them what an eager one does.

All are made where new arrays are born, take batches of shape (N, 6), and give scores of 4 classes
unless the table says otherwise.
"""

from __future__ import annotations

from collections import OrderedDict, deque, namedtuple
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
from compile.nets_by_forward import BY_FORWARD, CHANGED, NEED_KERNELS, NOT_COMPILED

import xpnet
from xpnet import (
    Affine,
    Dropout,
    Layer,
    MeanSquaredError,
    ReLU,
    Sequential,
    Sigmoid,
    SigmoidWithLoss,
    SoftmaxWithLoss,
)
from xpnet.arrays import array_namespace

FEATURES, CLASSES = 6, 4


def affine(rows=FEATURES, columns=CLASSES, seed=0, kind=Affine):
    return kind.random(rows, columns, weight_init_std=0.5, seed=seed)


def zeros(*shape):
    return xpnet.asarray(np.zeros(shape))


def class_indices(rng, samples):
    return rng.integers(0, CLASSES, samples)


def of_some(make_layer):
    """Return a factory of a net with a layer between two others."""

    def make():
        return Sequential(affine(FEATURES, 5, 1), make_layer(), ReLU(), affine(5, CLASSES, 2))

    return make


class Bare:
    """What a layer is at least, without a base class."""

    def __init__(self):
        self.params, self.grads = {}, {}

    def forward(self, x):
        self.x = x
        return 2 * x

    def backward(self, dout):
        return 2 * dout


class Unwatched(Layer):
    """Passes on what it is given, the base of what follows."""

    def forward(self, x):
        return x

    def backward(self, dout):
        return dout


# Parameters


class Factor(Bare):
    """Its parameter has no axes."""

    def __init__(self):
        super().__init__()
        self.params["scale"] = xpnet.asarray(np.asarray(0.75))

    def forward(self, x):
        self.x = x
        return self.params["scale"] * x

    def backward(self, dout):
        xp = array_namespace(dout)
        self.grads["scale"] = xp.asarray(xp.sum(dout * self.x))
        return self.params["scale"] * dout


class TwiceTheSame(Bare):
    """One array under two names, each with a gradient of its own."""

    def __init__(self):
        super().__init__()
        self.params["a"] = self.params["b"] = xpnet.asarray(np.full(5, 0.5))

    def forward(self, x):
        self.x = x
        return self.params["a"] * x + self.params["b"] * x * x

    def backward(self, dout):
        xp = array_namespace(dout)
        self.grads["a"] = xp.sum(dout * self.x, axis=0)
        self.grads["b"] = xp.sum(dout * self.x * self.x, axis=0)
        return dout * (self.params["a"] + 2 * self.params["b"] * self.x)


class OneGradientForBoth(TwiceTheSame):
    """The same, but it has the sum under both names."""

    def backward(self, dout):
        dx = super().backward(dout)
        self.grads["a"] = self.grads["b"] = self.grads["a"] + self.grads["b"]
        return dx


class LazyParameters(Bare):
    """Makes its parameter at the first forward."""

    def forward(self, x):
        if not self.params:
            self.params["shift"] = zeros(x.shape[1])
        return x + self.params["shift"]

    def backward(self, dout):
        self.grads["shift"] = array_namespace(dout).sum(dout, axis=0)
        return dout


class Pick(Bare):
    """Takes indices, as an Embedding does."""

    def __init__(self):
        super().__init__()
        self.params["W"] = xpnet.asarray(np.random.default_rng(0).standard_normal((7, 5)))

    def forward(self, x):
        xp = array_namespace(x)
        W = self.params["W"]
        self.one_hot = xp.astype(x[:, None] == xp.arange(7, dtype=x.dtype)[None, :], W.dtype)
        return self.one_hot @ W

    def backward(self, dout):
        self.grads["W"] = self.one_hot.T @ dout


class OwnBackward(Affine):
    """Stands first, and does not say that it takes ``need_dx``."""

    def backward(self, dout):
        dx = super().backward(dout)
        self.grads["W"] = self.grads["W"] / 2
        return dx


# Layers inside of layers


class Around(Bare):
    """Adds what an inner net does, and shows its parameters and gradients as its own."""

    def __init__(self):
        self.inner = Sequential(affine(5, 5, 3), Sigmoid())

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


class AroundWithFreshDicts(Around):
    @property
    def params(self):
        return dict(self.inner.params)

    @property
    def grads(self):
        return dict(self.inner.grads)


class Branches(Layer):
    """Two ways that are added, kept in attributes."""

    def __init__(self):
        super().__init__()
        self.left, self._right = affine(5, 5, 3), affine(5, 5, 4)
        self.add = xpnet.AddLayer()

    def ways(self):
        return self.left, self._right

    def forward(self, x):
        left, right = (way.forward(x) for way in self.ways())
        return self.add.forward(left, right)

    def backward(self, dout):
        douts = self.add.backward(dout)
        left, right = (way.backward(d) for way, d in zip(self.ways(), douts, strict=True))
        return left + right


class BranchesInAList(Branches):
    def __init__(self):
        super().__init__()
        self.all = [self.left, self._right]
        del self.left, self._right

    def ways(self):
        return self.all


class BranchesInADict(Branches):
    def __init__(self):
        super().__init__()
        self.all = {"left": self.left, "right": self._right}
        del self.left, self._right

    def ways(self):
        return self.all.values()


class Residual(Sequential):
    """A Sequential with a way of its own, inside another."""

    def forward(self, x):
        return x + super().forward(x)

    def backward(self, dout, *, need_dx=True):
        dx = super().backward(dout, need_dx=need_dx)
        return dout + dx if need_dx else None


class OwnsDropouts(Unwatched):
    def __init__(self):
        super().__init__()
        self.first, self.others = Dropout(0.25, seed=3), [Dropout(0.25, seed=4)]

    def forward(self, x):
        return self.others[0].forward(self.first.forward(x))

    def backward(self, dout):
        return self.first.backward(self.others[0].backward(dout))


class Scheduled(Dropout):
    """Its rate is a property, and depends on how often it has run."""

    def __init__(self):
        self.epoch = 0
        super().__init__(0.5, seed=5)

    @property
    def rate(self):
        return 0.5 / (1 + self.epoch)

    @rate.setter
    def rate(self, rate):
        pass


# State


class Centred(Unwatched):
    """Subtracts a running mean."""

    def __init__(self):
        super().__init__()
        self.mean = zeros(5)

    def forward(self, x):
        self.mean = 0.9 * self.mean + 0.1 * array_namespace(x).mean(x, axis=0)
        return x - self.mean


class CentredInPrivate(Unwatched):
    def __init__(self):
        super().__init__()
        self._mean = zeros(5)

    def forward(self, x):
        self._mean = 0.9 * self._mean + 0.1 * array_namespace(x).mean(x, axis=0)
        return x - self._mean


class CentredInPlace(Centred):
    def forward(self, x):
        self.mean *= 0.9
        self.mean += 0.1 * array_namespace(x).mean(x, axis=0)
        return x - self.mean


class CentredBare(Bare):
    """The same without a base class."""

    def __init__(self):
        super().__init__()
        self.mean = zeros(5)

    def forward(self, x):
        self.mean = 0.9 * self.mean + 0.1 * array_namespace(x).mean(x, axis=0)
        return 2 * (x - self.mean)


class CentredInTuple(Centred):
    def __init__(self):
        Unwatched.__init__(self)
        self.state = (zeros(5), 0.9)

    def forward(self, x):
        mean, kept = self.state
        mean = kept * mean + 0.1 * array_namespace(x).mean(x, axis=0)
        self.state = (mean, kept)
        return x - mean


class CentredInList(Centred):
    def __init__(self):
        Unwatched.__init__(self)
        self.state = [zeros(5)]

    def forward(self, x):
        self.state[0] = 0.9 * self.state[0] + 0.1 * array_namespace(x).mean(x, axis=0)
        return x - self.state[0]


class CentredInDict(Centred):
    def __init__(self):
        Unwatched.__init__(self)
        self.state = {"mean": zeros(5), "kept": 0.9}

    def forward(self, x):
        new = 0.1 * array_namespace(x).mean(x, axis=0)
        self.state["mean"] = self.state["kept"] * self.state["mean"] + new
        return x - self.state["mean"]


class CentredInOrder(Centred):
    def __init__(self):
        Unwatched.__init__(self)
        self.state = OrderedDict(mean=zeros(5))

    def forward(self, x):
        new = 0.1 * array_namespace(x).mean(x, axis=0)
        self.state["mean"] = 0.9 * self.state["mean"] + new
        return x - self.state["mean"]


Moments = namedtuple("Moments", "mean square")


class CentredInNames(Centred):
    def __init__(self):
        Unwatched.__init__(self)
        self.moments = Moments(zeros(5), zeros(5))

    def forward(self, x):
        xp = array_namespace(x)
        mean, square = self.moments
        self.moments = Moments(
            0.9 * mean + 0.1 * xp.mean(x, axis=0), 0.9 * square + 0.1 * xp.mean(x * x, axis=0)
        )
        return (x - self.moments.mean) / (1 + self.moments.square)

    def backward(self, dout):
        return dout / (1 + self.moments.square)


class CentredLazily(Centred):
    def __init__(self):
        Unwatched.__init__(self)
        self.mean = None

    def forward(self, x):
        new = array_namespace(x).mean(x, axis=0)
        self.mean = new if self.mean is None else 0.9 * self.mean + 0.1 * new
        return x - self.mean


class CentredInObject(Centred):
    """Its mean lies in an object that is no layer."""

    def __init__(self):
        Unwatched.__init__(self)
        self.state = SimpleNamespace(mean=zeros(5))

    def forward(self, x):
        new = 0.1 * array_namespace(x).mean(x, axis=0)
        self.state.mean = 0.9 * self.state.mean + new
        return x - self.state.mean


class KeepsAMask(Unwatched):
    """Makes an array anew when a batch has another size."""

    def __init__(self):
        super().__init__()
        self.mask = zeros(1, 1)

    def forward(self, x):
        if self.mask.shape != x.shape:
            self.mask = array_namespace(x).ones_like(x) * x.shape[0]
        return x * self.mask

    def backward(self, dout):
        return dout * self.mask


class Slotted:
    """Its state is in slots."""

    __slots__ = ("grads", "mean", "params")

    def __init__(self):
        self.params, self.grads, self.mean = {}, {}, zeros(5)

    def forward(self, x):
        self.mean = 0.9 * self.mean + 0.1 * array_namespace(x).mean(x, axis=0)
        return x - self.mean

    def backward(self, dout):
        return dout


# Modes


class RemembersTheShape(Unwatched):
    def forward(self, x):
        self.shape = x.shape
        return x / self.shape[0]

    def backward(self, dout):
        return dout / self.shape[0]


class Counts(Unwatched):
    def __init__(self):
        super().__init__()
        self.count = 0

    def forward(self, x):
        self.count += 1
        return x / self.count

    def backward(self, dout):
        return dout / self.count


class CountsDeclared(Counts):
    counters = ("count",)


class Draws(Unwatched):
    def __init__(self):
        super().__init__()
        self.rng = np.random.default_rng(0)

    def drawn(self):
        return self.rng.random()

    def forward(self, x):
        self.factor = 1 + float(self.drawn())
        return x * self.factor

    def backward(self, dout):
        return dout * self.factor


class DrawsFromAll(Draws):
    def drawn(self):
        return np.random.rand()  # noqa: NPY002


class DrawsFromAState(Draws):
    def __init__(self):
        super().__init__()
        self.rng = np.random.RandomState(0)

    def drawn(self):
        return self.rng.rand()


class DrawsFromPython(Draws):
    def __init__(self):
        import random

        super().__init__()
        self.rng = random.Random(0)


class BranchesOnValues(Unwatched):
    def forward(self, x):
        self.factor = 2.0 if float(array_namespace(x).sum(x)) > 0 else 0.5
        return x * self.factor

    def backward(self, dout):
        return dout * self.factor


class Grows(Unwatched):
    def __init__(self):
        super().__init__()
        self.sizes = []

    def forward(self, x):
        self.sizes.append(x.shape[0])
        return x / len(self.sizes)

    def backward(self, dout):
        return dout / len(self.sizes)


class GrowsADeque(Grows):
    def __init__(self):
        super().__init__()
        self.sizes = deque(maxlen=5)


class Configured(Unwatched):
    """Its settings are in an object, and one of them in another one there."""

    def __init__(self):
        super().__init__()
        self.config = SimpleNamespace(inner=SimpleNamespace(factor=0.5))

    def forward(self, x):
        return x * self.config.inner.factor

    def backward(self, dout):
        return dout * self.config.inner.factor


# Losses


class MeanOfSquares(Bare):
    """A loss of one's own, with numbers for labels."""

    def forward(self, x, t):
        self.difference = x - t
        return array_namespace(x).mean(self.difference**2)

    def backward(self, dout=1):
        return 2 * dout * self.difference / (self.difference.shape[0] * CLASSES)


class GivesAFloat(MeanOfSquares):
    def forward(self, x, t):
        return float(super().forward(x, t))


class GivesAScalar(MeanOfSquares):
    def forward(self, x, t):
        return np.float32(xpnet.to_numpy(super().forward(x, t)))


class HasParameters(MeanOfSquares):
    def __init__(self):
        super().__init__()
        self.params["shift"] = zeros(CLASSES)

    def forward(self, x, t):
        return super().forward(x + self.params["shift"], t)

    def backward(self, dout=1):
        dx = super().backward(dout)
        self.grads["shift"] = array_namespace(dx).sum(dx, axis=0)
        return dx


# Nets of one's own


class Penalised(Sequential):
    """Weight decay in the gradient and the loss, as in the book."""

    def loss(self, x, t):
        xp = array_namespace(x)
        return super().loss(x, t) + 0.05 * sum(xp.sum(W**2) for W in self.params.values())

    def gradient(self, x, t):
        grads = super().gradient(x, t)
        return {name: grad + 0.1 * self.params[name] for name, grad in grads.items()}


class Halved(Sequential):
    def gradient(self, x, t):
        return {name: grad / 2 for name, grad in super().gradient(x, t).items()}


class Shifted(Sequential):
    def forward(self, x):
        return super().forward(x + 1)


class Signed(Sequential):
    @property
    def grads(self):
        return {name: array_namespace(grad).sign(grad) for name, grad in super().grads.items()}


class BookNet:
    """The book's net, which shares its parameters with its layers."""

    def __init__(self):
        first, last = affine(FEATURES, 5, 1), affine(5, CLASSES, 2)
        self.params = {"W1": first.W, "b1": first.b, "W2": last.W, "b2": last.b}
        self.layers = OrderedDict(
            Affine1=Affine(self.params["W1"], self.params["b1"]),
            Relu1=ReLU(),
            Affine2=Affine(self.params["W2"], self.params["b2"]),
        )
        self.lastLayer = SoftmaxWithLoss()

    def predict(self, x):
        for layer in self.layers.values():
            x = layer.forward(x)
        return x

    def loss(self, x, t):
        return self.lastLayer.forward(self.predict(x), t)

    def accuracy(self, x, t):
        return xpnet.metrics.accuracy(self.predict(x), t)

    def gradient(self, x, t):
        self.loss(x, t)
        dout = self.lastLayer.backward(1)
        for layer in reversed(self.layers.values()):
            dout = layer.backward(dout)
        first, last = self.layers["Affine1"], self.layers["Affine2"]
        return {"W1": first.dW, "b1": first.db, "W2": last.dW, "b2": last.db}


def tied():
    net = Sequential(affine(seed=1, columns=6), ReLU(), affine(seed=2, columns=6), last_layer=None)
    net[2].params["W"] = net[0].params["W"]
    return net


def tied_across_nesting():
    inner = Sequential(affine(seed=2, columns=6), Sigmoid())
    net = Sequential(affine(seed=1, columns=6), Sequential(inner), affine(seed=3))
    inner[0].params["W"] = net[0].params["W"]
    return net


def frozen(*paths):
    def make():
        return Sequential(affine(FEATURES, 5, 1), ReLU(), affine(5, CLASSES, 2)).freeze(*paths)

    return make


def all_frozen_but_the_loss():
    return Sequential(affine(), last_layer=HasParameters()).freeze("Affine1")


def without_dropping():
    net = of_some(lambda: Dropout(0.5, seed=1))()
    net[1].training = False
    return net


# What is changed between steps


def set_dropout_training(net):
    net[1].training = True


def set_rate(net):
    net[1].rate = 0.5


def set_epoch(net):
    net[1].epoch = 1


def set_factor(net):
    net[1].config.inner.factor = 0.25


def set_options(net):
    net.last_layer.label_smoothing = 0.25


def freeze_last(net):
    net.freeze("Affine2")


def unfreeze(net):
    net.unfreeze()


def replace_relu(net):
    net.replace("ReLU1", Sigmoid())


def share_anew(net):
    net[0].params["W"] = net[2].params["W"]


_DRAWN = "random numbers are drawn"


@dataclass(frozen=True)
class OddNet:
    """A net that is odd.

    Attributes
    ----------
    make : callable
    labels : callable
        Takes a generator and the number of samples.
    inputs : callable
        The same.
    change : callable or None
        Is applied to the net between two steps.
    why_not : dict of str to str
        For each library where it cannot be compiled, what the warning says.
    is_own : bool
        Whether the net itself does something of its own, so that NumPy's step calls it.
    needs_kernels : bool
        Whether NumPy's step is eager without kernels, and says so.
    """

    make: Callable[[], Any]
    labels: Callable[..., Any] = class_indices
    inputs: Callable[..., Any] = lambda rng, samples: rng.standard_normal((samples, FEATURES))
    change: Callable[[Any], None] | None = None
    why_not: dict[str, str] = field(default_factory=dict)
    is_own: bool = False
    needs_kernels: bool = False


def numbers(rng, samples):
    return rng.standard_normal((samples, CLASSES))


def ones_and_zeros(rng, samples):
    return rng.integers(0, 2, (samples, CLASSES)).astype("float64")


def indices(rng, samples):
    return rng.integers(0, 7, samples)


def _own_loss(loss, **others):
    return OddNet(lambda: Sequential(affine(), last_layer=loss()), numbers, **others)


def _own_net(kind):
    return OddNet(lambda: kind(affine(FEATURES, 5, 1), ReLU(), affine(5)), is_own=True)


ODD_NETS = {
    # layers inside of layers
    "residual with a property": OddNet(of_some(Around)),
    "residual with fresh dicts": OddNet(of_some(AroundWithFreshDicts)),
    "branches": OddNet(of_some(Branches)),
    "branches in a list": OddNet(of_some(BranchesInAList)),
    "branches in a dict": OddNet(of_some(BranchesInADict)),
    "residual Sequential": OddNet(of_some(lambda: Residual(affine(5, 5, 3), ReLU()))),
    "residual Sequential first": OddNet(
        lambda: Sequential(Residual(affine(columns=6, seed=3), ReLU()), affine())
    ),
    "nested": OddNet(
        lambda: Sequential(Sequential(affine(FEATURES, 5, 1), Sequential(ReLU())), affine(5))
    ),
    "owns dropouts": OddNet(of_some(OwnsDropouts)),
    "rate is a property": OddNet(of_some(Scheduled), change=set_epoch),
    # parameters
    "tied": OddNet(tied, lambda rng, n: rng.integers(0, 6, n)),
    "tied across nesting": OddNet(tied_across_nesting),
    "tied later": OddNet(
        lambda: Sequential(affine(columns=6), ReLU(), affine(columns=6, seed=1)), change=share_anew
    ),
    "one array twice": OddNet(of_some(TwiceTheSame)),
    "one gradient for both": OddNet(of_some(OneGradientForBoth)),
    "without axes": OddNet(of_some(Factor)),
    "made lazily": OddNet(of_some(LazyParameters)),
    "indices first": OddNet(lambda: Sequential(Pick(), affine(5)), inputs=indices),
    "no parameters": OddNet(lambda: Sequential(ReLU()), lambda rng, n: rng.integers(0, 6, n)),
    "own backward first": OddNet(lambda: Sequential(affine(kind=OwnBackward))),
    "frozen layer": OddNet(frozen("Affine2"), change=unfreeze),
    "frozen parameter": OddNet(frozen("Affine1.W"), change=freeze_last),
    "frozen first": OddNet(frozen("Affine1"), change=replace_relu),
    "all but the loss frozen": OddNet(all_frozen_but_the_loss, numbers),
    # state
    "mean": OddNet(of_some(Centred)),
    "mean in private": OddNet(of_some(CentredInPrivate)),
    "mean in place": OddNet(of_some(CentredInPlace)),
    "mean without base class": OddNet(of_some(CentredBare)),
    "mean in a tuple": OddNet(of_some(CentredInTuple)),
    "mean in a list": OddNet(of_some(CentredInList)),
    "mean in a dict": OddNet(of_some(CentredInDict)),
    "mean in an OrderedDict": OddNet(of_some(CentredInOrder)),
    "mean in a namedtuple": OddNet(of_some(CentredInNames)),
    "mean made lazily": OddNet(of_some(CentredLazily)),
    "mean in an object": OddNet(of_some(CentredInObject), why_not={"jax": "'state'"}),
    "mean in a slot": OddNet(of_some(Slotted), why_not={"jax": "a Slotted has slots"}),
    "array made anew": OddNet(of_some(KeepsAMask)),
    # modes
    "remembers the shape": OddNet(of_some(RemembersTheShape)),
    "counts": OddNet(of_some(Counts), why_not={"jax": "Counts.count"}),
    "counts as declared": OddNet(of_some(CountsDeclared)),
    "draws": OddNet(of_some(Draws), why_not={"jax": "'rng'"}),
    "draws from all": OddNet(of_some(DrawsFromAll), why_not={"jax": _DRAWN}),
    "draws from a state": OddNet(of_some(DrawsFromAState), why_not={"jax": "'rng'"}),
    "draws from Python": OddNet(of_some(DrawsFromPython), why_not={"jax": "'rng'"}),
    "branches on values": OddNet(of_some(BranchesOnValues), why_not={"jax": "concrete"}),
    "grows": OddNet(of_some(Grows), why_not={"jax": "'sizes'"}),
    "grows a deque": OddNet(of_some(GrowsADeque), why_not={"jax": "'sizes'"}),
    "configured": OddNet(of_some(Configured), change=set_factor),
    "dropout": OddNet(of_some(lambda: Dropout(0.25, seed=1)), change=set_rate),
    "dropout switched off": OddNet(without_dropping, change=set_dropout_training),
    "without base class": OddNet(of_some(Bare)),
    # losses
    "own loss": _own_loss(MeanOfSquares),
    "own loss gives a float": _own_loss(GivesAFloat, why_not={"jax": "concrete"}),
    "own loss gives a scalar": _own_loss(GivesAScalar, why_not={"jax": "cannot be traced"}),
    "own loss has parameters": _own_loss(HasParameters),
    "options": OddNet(
        lambda: Sequential(
            affine(),
            last_layer=SoftmaxWithLoss(
                ignore_index=1, label_smoothing=0.125, class_weights=[1.0, 2.0, 0.5, 1.0]
            ),
        ),
        change=set_options,
    ),
    "mean squared error": _own_loss(MeanSquaredError),
    "sigmoid with loss": OddNet(
        lambda: Sequential(affine(), last_layer=SigmoidWithLoss()), ones_and_zeros
    ),
    # nets of one's own
    "own gradient": _own_net(Halved),
    "own loss and gradient": _own_net(Penalised),
    "own grads": _own_net(Signed),
    "own forward": _own_net(Shifted),
    "the book's": OddNet(BookNet, is_own=True),
    # nets that are written by their forward
    **{
        f"by forward: {name}": OddNet(make, needs_kernels=name in NEED_KERNELS)
        for name, make in BY_FORWARD.items()
    },
    **{
        f"by forward: {name}": OddNet(make, change=change)
        for name, (make, change) in CHANGED.items()
    },
    **{
        f"by forward: {name}": OddNet(make, why_not=why_not, is_own="numpy" in why_not)
        for name, (make, why_not) in NOT_COMPILED.items()
    },
}
