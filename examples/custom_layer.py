"""A layer of one's own: no base class, on every array library, and held against the contracts.

A first try has a fault that no training would show. ``check_layer`` finds it.
"""

import numpy as np

import xpnet
from xpnet.checks import check_floats, check_upstream
from xpnet.testing import check_layer


class FirstTanh:
    """``y = tanh(x)``, whose derivative is ``1 - y**2``."""

    def __init__(self):
        self.params, self.grads = {}, {}  # a layer without parameters

    def forward(self, x):
        xp = check_floats("Tanh", x=x)  # the library that x belongs to
        self.y = xp.tanh(x)
        return self.y

    def backward(self, dout):
        check_upstream("Tanh", dout, y=self.y)
        dout *= 1 - self.y**2  # the fault: dout is not ours, and somebody may still need it
        return dout


class Tanh(FirstTanh):
    def backward(self, dout):
        check_upstream("Tanh", dout, y=self.y)
        return dout * (1 - self.y**2)


def show(report):
    """Print the first finding of each kind, or that there is none."""
    first = {failure.check: failure for failure in reversed(report.failures)}
    print(report.title, "passes" if report else "fails")
    for failure in first.values():
        print(f"  {failure.check}: {failure.sentence} ({failure.place})")


x = np.random.default_rng(0).standard_normal((5, 4))
show(check_layer(FirstTanh, x))
show(check_layer(Tanh, x))

# In a net, it stands among the others.
xpnet.set_backend("numpy", dtype="float64")
network = xpnet.Sequential(
    xpnet.Affine.random(4, 6, weight_init_std=0.5, seed=1),
    Tanh(),
    xpnet.Affine.random(6, 3, weight_init_std=0.5, seed=2),
)
print(network)

x_batch, t_batch = xpnet.asarray(x), xpnet.asarray([0, 2, 1, 1, 0])
grad_backprop = network.gradient(x_batch, t_batch)
grad_numerical = network.numerical_gradient(x_batch, t_batch)
for key in grad_backprop:
    diff = np.mean(np.abs(grad_backprop[key] - grad_numerical[key]))
    print(f"{key}: {diff:.1e}")
