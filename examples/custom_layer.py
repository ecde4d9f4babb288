"""A layer of one's own: on every array library, and held against the contracts.

It takes the mean away from each feature: in training that of the batch, afterwards that of the
batches it has seen, which it keeps in a buffer. A first try has a fault that no training would
show. ``check_layer`` finds it.
"""

from functools import partial
from math import prod

import numpy as np

import xpnet
from xpnet.checks import check_floats, check_upstream
from xpnet.layers.evaluating import is_evaluating
from xpnet.testing import check_layer


class FirstCentre(xpnet.Layer):
    """``y = x - mean``, for x of shape (..., D)."""

    def __init__(self, size):
        super().__init__()  # no parameters
        self.mean = xpnet.asarray(np.zeros(size))  # an array among the attributes is a buffer

    def forward(self, x):
        xp = check_floats("Centre", x=x, mean=self.mean)  # the library that they belong to
        mean = self.mean
        if not is_evaluating():
            mean = mean_of_rows(xp, x)
            self.mean = 0.9 * self.mean + 0.1 * mean
        y = x - mean
        self._save(y, is_evaluating())  # for backward, and no part of a copy
        return y

    def backward(self, dout):
        y, _ = self._saved()
        check_upstream("Centre", dout, y=y)
        return dout + 0  # the fault: in training, the mean follows x, too


class Centre(FirstCentre):
    def backward(self, dout):
        y, was_evaluating = self._saved()
        xp = check_upstream("Centre", dout, y=y)
        return dout + 0 if was_evaluating else dout - mean_of_rows(xp, dout)


def mean_of_rows(xp, x):
    """Return the mean over all axes but the last; 0 for an empty batch."""
    *batch, _ = x.shape
    return xp.sum(x, axis=tuple(range(len(batch)))) / max(prod(batch), 1)


def show(report):
    """Print the first finding of each kind, or that there is none."""
    first = {failure.check: failure for failure in reversed(report.failures)}
    print(report.title, "passes" if report else "fails")
    for failure in first.values():
        print(f"  {failure.check}: {failure.sentence} ({failure.place})")


x = np.random.default_rng(0).standard_normal((5, 4))
show(check_layer(partial(FirstCentre, 4), x))
show(check_layer(partial(Centre, 4), x))

# In a net, it stands among the others.
xpnet.set_backend("numpy", dtype="float64")
network = xpnet.Sequential(
    xpnet.Affine.random(4, 6, weight_init_std=0.5, seed=1),
    xpnet.Sigmoid(),
    Centre(6),
    xpnet.Affine.random(6, 3, weight_init_std=0.5, seed=2),
)
print(network)

x_batch, t_batch = xpnet.asarray(x), xpnet.asarray([0, 2, 1, 1, 0])
grad_backprop = network.gradient(x_batch, t_batch)
grad_numerical = network.numerical_gradient(x_batch, t_batch)
for key in grad_backprop:
    diff = np.mean(np.abs(grad_backprop[key] - grad_numerical[key]))
    print(f"{key}: {diff:.1e}")

# A compiled step calls it as it is, and what it keeps goes on: after training there is a mean.
step = xpnet.compile(network, xpnet.SGD(lr=0.5))
for _ in range(100):
    loss = step(x_batch, t_batch)
print(f"loss: {float(loss):.3f}")
running_mean = network["Centre1"].buffers["mean"]
print(f"largest running mean: {float(running_mean.max()):.3f}")
