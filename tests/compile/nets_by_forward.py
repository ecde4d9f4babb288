"""Odd nets that are written by their forward alone; see ``odd_nets.py``."""

from __future__ import annotations

import numpy as np

import xpnet
from xpnet import Affine, Concat, Dropout, Net, ReLU, Residual, Sequential, Sigmoid, ops
from xpnet.arrays import array_namespace
from xpnet.layers.calls import call

FEATURES, CLASSES = 6, 4


def affine(rows=FEATURES, columns=CLASSES, seed=0):
    return Affine.random(rows, columns, weight_init_std=0.5, seed=seed)


class ByForward(Net):
    """Has a layer at the beginning and one at the end."""

    def __init__(self):
        super().__init__()
        self.first, self.last = affine(FEATURES, 5, 1), affine(5, CLASSES, 2)
        self.relu, self.sigmoid = ReLU(), Sigmoid()

    def between(self, x):
        return x

    def forward(self, x):
        return self.last(self.between(self.first(x)))


class Branching(ByForward):
    def __init__(self):
        super().__init__()
        self.left, self.right = affine(5, 3, 3), affine(5, 2, 4)

    def between(self, x):
        return ops.concat([self.sigmoid(self.left(x)), self.relu(self.right(x))], axis=1)


class SharesALayer(ByForward):
    def __init__(self):
        super().__init__()
        self.fc = affine(5, 5, 3)

    def between(self, x):
        return self.sigmoid(self.fc(self.sigmoid(self.fc(x)))) * self.relu(self.fc(self.relu(x)))


class SharesANet(ByForward):
    """A net that is used twice, and a layer of it besides; it has a layer that it uses twice."""

    def __init__(self):
        super().__init__()
        self.block = Residual(affine(5, 5, 3), ReLU())
        self.twice = SharesALayer()
        self.twice.first, self.twice.last = affine(5, 5, 5), affine(5, 5, 6)

    def between(self, x):
        x = self.block(self.twice(self.block(x)))
        return self.block.layers["Affine1"](self.twice(x))


class ListsAndDicts(ByForward):
    def __init__(self):
        super().__init__()
        self.blocks = [affine(5, 5, 3), {"a": Sigmoid(), "b": [affine(5, 5, 4)]}]

    def between(self, x):
        first, others = self.blocks
        return others["b"][0](others["a"](first(x)))


class BetweenTwoOps(ByForward):
    """What is between an Affine and a ReLU is needed, too."""

    def forward(self, x):
        h = self.first(x)
        return self.last(self.relu(h) + 0.5 * h)


class ManyOps(ByForward):
    def between(self, x):
        x = (2 - x) / (1 + abs(x)) - (-x) ** 2
        centred = x - x.mean(axis=1, keepdims=True)
        scale = ops.where(centred > 0, centred, 0.5).sum(axis=1, keepdims=True) ** 0.5
        turned = (x.T @ x[:, ::-1]).reshape(5, 5)[1:3].max(axis=0)
        return centred / (1 + scale) + 0.1 * turned + ops.stack([x, x], axis=2)[..., 1]


class Centres(xpnet.Layer):
    """Subtracts a running mean."""

    def __init__(self):
        super().__init__()
        self.mean = xpnet.asarray(np.zeros(5))

    def forward(self, x):
        self.mean = 0.9 * self.mean + 0.1 * array_namespace(x).mean(x, axis=0)
        self.x = x
        return (x - self.mean) * x

    def backward(self, dout):
        return dout * (2 * self.x - self.mean)


class CentresInPlace(Centres):
    def forward(self, x):
        self.mean *= 0.9
        self.mean += 0.1 * array_namespace(x).mean(x, axis=0)
        self.x = x
        return (x - self.mean) * x


class BookRelu:
    """The book's, which writes to the gradient that it gets, and has no base class."""

    def __init__(self):
        self.params, self.grads = {}, {}

    def forward(self, x):
        self.mask = x <= 0
        return array_namespace(x).where(self.mask, array_namespace(x).zeros_like(x), x)

    def backward(self, dout):
        if isinstance(dout, np.ndarray):
            dout[self.mask] = 0
            return dout
        return array_namespace(dout).where(self.mask, 0 * dout, dout)


class OwnLayer(ByForward):
    def __init__(self, kind=Centres):
        super().__init__()
        self.own = kind()

    def between(self, x):
        return x + call(self.own, x)


class OwnLayerTwice(OwnLayer):
    def between(self, x):
        return call(self.own, x) + call(self.own, 2 * x)


class Drops(ByForward):
    def __init__(self):
        super().__init__()
        self.drop = Dropout(0.25, seed=3)

    def between(self, x):
        return self.drop(self.relu(self.drop(x))) + x


class SkipsALayer(ByForward):
    """Whether a layer is called, follows from an attribute."""

    def __init__(self):
        super().__init__()
        self.fc, self.skips = affine(5, 5, 3), False

    def between(self, x):
        return x if self.skips else self.sigmoid(self.fc(x))


def skip(net):
    net.skips = True


class AddsABuffer(ByForward):
    def __init__(self):
        super().__init__()
        self.table = xpnet.asarray(np.linspace(0, 1, 10))

    def between(self, x):
        return x + self.table[:5]


def replace_table(net):
    net.table = net.table + 1


class MakesAConstant(ByForward):
    def between(self, x):
        return x + xpnet.asarray(np.linspace(0, 1, 5))


class LooksAtValues(ByForward):
    def between(self, x):
        return self.relu(x) if float(x.sum()) > 0 else self.sigmoid(x)


class Reads(ByForward):
    def between(self, x):
        return x * array_namespace(x.data).mean(x.data)


class Draws(ByForward):
    def between(self, x):
        return x * float(np.random.rand())  # noqa: NPY002


class ChangesItself(ByForward):
    count = 0

    def between(self, x):
        self.count = self.count + 1
        return x / self.count


class MakesLayers(ByForward):
    def between(self, x):
        return Dropout(0.5, seed=1)(x)


class TwoInputs(Net):
    def __init__(self):
        super().__init__()
        self.fc = affine(5, 5, 3)

    def forward(self, x, y):
        return self.fc(x) * y, x + y


class UsesTwoInputs(ByForward):
    def __init__(self):
        super().__init__()
        self.pair = TwoInputs()

    def between(self, x):
        a, _b = self.pair(x, self.sigmoid(x))
        return a


def in_sequential(make_layer):
    def make():
        return Sequential(affine(FEATURES, 5, 1), make_layer(), ReLU(), affine(5, CLASSES, 2))

    return make


def concat_first():
    return Sequential(
        Concat(affine(FEATURES, 3, 1), Sequential(affine(FEATURES, 2, 2), ReLU())),
        affine(5, CLASSES, 3),
    )


def residual_first():
    return Sequential(Residual(affine(FEATURES, FEATURES, 1), ReLU()), affine())


BY_FORWARD = {
    "branches": Branching,
    "layer twice": SharesALayer,
    "net twice": SharesANet,
    "lists and dicts": ListsAndDicts,
    "between two ops": BetweenTwoOps,
    "many ops": ManyOps,
    "own layer": OwnLayer,
    "own layer in place": lambda: OwnLayer(CentresInPlace),
    "the book's ReLU": lambda: OwnLayer(BookRelu),
    "dropout twice": Drops,
    "two inputs": UsesTwoInputs,
    "inside of a Sequential": in_sequential(lambda: Residual(affine(5, 5, 3), Sigmoid())),
    "Residual first": residual_first,
    "Concat first": concat_first,
    "a net in a Residual": in_sequential(lambda: Residual(Concat(affine(5, 5, 3)), Sigmoid())),
}
"""Those that are compiled everywhere."""

NEED_KERNELS = {"layer twice", "net twice", "dropout twice"}
"""Those whose methods would be called twice without kernels, which remember one call."""

CHANGED = {
    "skips a layer": (SkipsALayer, skip),
    "adds a buffer": (AddsABuffer, replace_table),
}
"""Those with something that is changed between steps."""

NOT_COMPILED = {
    "own layer twice": (OwnLayerTwice, {"numpy": "is used twice"}),
    "makes a constant": (MakesAConstant, {"numpy": "keep it in an attribute"}),
    "looks at values": (LooksAtValues, {"numpy": "looks at values", "jax": "concrete"}),
    "reads": (Reads, {"numpy": "looks at values"}),
    "draws in forward": (Draws, {"numpy": "draws random", "jax": "random numbers are drawn"}),
    "changes itself": (ChangesItself, {"numpy": "'count'", "jax": "ChangesItself.count"}),
    "makes layers": (MakesLayers, {"numpy": "none of its layers", "jax": "none of its layers"}),
}
"""Those that are not, with the reasons."""
