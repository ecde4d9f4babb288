"""Layers that hold state which is not declared, does not move, or is not compiled right."""

from __future__ import annotations

from types import SimpleNamespace
from weakref import WeakKeyDictionary

import numpy as np

import xpnet
from xpnet.arrays import array_namespace
from xpnet.layers.calls import of_layers, of_one_op
from xpnet.ops import relu, relu_backward


class Centred(xpnet.Layer):
    """Right: it subtracts a running mean, which is a buffer."""

    def __init__(self):
        super().__init__()
        self.mean = xpnet.asarray(np.zeros(4))

    def forward(self, x):
        self._save(x)
        self.mean = self.mean / 2 + array_namespace(x).mean(x, axis=0) / 2
        return x - self.mean

    def backward(self, dout):
        self._saved()
        return dout + 0


class Counted(Centred):
    """Right: the number is declared."""

    counters = ("number",)

    def __init__(self):
        xpnet.Layer.__init__(self)
        self.number = 0

    def forward(self, x):
        self._save(x)
        self.number += 1
        return x + self.number


class CountedInAClosure(Centred):
    def __init__(self):
        xpnet.Layer.__init__(self)
        numbers = []

        def count():
            numbers.append(1)
            return len(numbers)

        self.count = count

    def forward(self, x):
        self._save(x)
        return x + self.count()


class CountedForAll(Counted):
    numbers = np.zeros(1)

    def forward(self, x):
        self._save(x)
        CountedForAll.numbers += 1
        return x + float(self.numbers[0])


class CountedInAPrivateList(Centred):
    def __init__(self):
        xpnet.Layer.__init__(self)
        self._sizes = []

    def forward(self, x):
        self._save(x)
        self._sizes.append(x.shape[0])
        return x + len(self._sizes)


class Drawn(Centred):
    def __init__(self):
        xpnet.Layer.__init__(self)
        self.rng = np.random.default_rng(0)

    def forward(self, x):
        self._save(x)
        return x + self.rng.random()


class CentredInAnObject(Centred):
    def __init__(self):
        super().__init__()
        self.own = SimpleNamespace(mean=self.mean)

    def forward(self, x):
        self.mean = self.own.mean
        y = super().forward(x)
        self.own.mean = self.mean
        return y


class ForgetsInCopies(Centred):
    def __getstate__(self):
        return {**super().__getstate__(), "mean": self.mean * 0}


MEANS = WeakKeyDictionary()


class CentredElsewhere(Centred):
    def forward(self, x):
        self.mean = MEANS.get(self, self.mean * 0)
        y = super().forward(x)
        MEANS[self] = self.mean
        return y


class DoesMoreThanItsOp(xpnet.ReLU):
    @of_one_op(relu)
    def forward(self, x):
        return super().forward(x) + x.shape[0]

    @of_one_op(relu_backward)
    def backward(self, dout):
        return super().backward(dout)


class DoesMoreBackward(xpnet.ReLU):
    @of_one_op(relu)
    def forward(self, x):
        return super().forward(x)

    @of_one_op(relu_backward)
    def backward(self, dout):
        return super().backward(dout) * 2


class DoesMoreThanItsLayers(xpnet.Sequential):
    def __init__(self):
        super().__init__(xpnet.Sigmoid())

    @of_layers
    def forward(self, x):
        return x + super().forward(x)

    @of_layers
    def backward(self, dout, *, need_dx=True):
        return dout + super().backward(dout)


# With the checks that must find them.
FAULTY = [
    (CountedInAClosure, "no undeclared state"),
    (CountedForAll, "no undeclared state"),
    (CountedInAPrivateList, "no undeclared state"),
    (Drawn, "no undeclared state"),
    (CentredInAnObject, "buffers move"),
    (ForgetsInCopies, "buffers move"),
    (CentredElsewhere, "buffers move"),
    (DoesMoreThanItsOp, "compiled equals eager"),
    (DoesMoreBackward, "compiled equals eager"),
    (DoesMoreThanItsLayers, "compiled equals eager"),
]
