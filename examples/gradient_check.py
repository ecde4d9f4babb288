"""Is backpropagation right? Hold it against numerical gradients, parameter by parameter.

Printed is the mean absolute difference. In float64 a central difference is right to about ten
digits; a mistake in a ``backward`` shows as a difference of the size of the gradient itself.
"""

import numpy as np

import xpnet

xpnet.set_backend("numpy", dtype="float64")

(x_train, t_train), _ = xpnet.datasets.load_digits(one_hot_label=True)
network = xpnet.TwoLayerNet(input_size=64, hidden_size=50, output_size=10, seed=0)

x_batch = x_train[:3]
t_batch = t_train[:3]

grad_numerical = network.numerical_gradient(x_batch, t_batch)
grad_backprop = network.gradient(x_batch, t_batch)

for key in grad_numerical:
    diff = np.mean(np.abs(grad_backprop[key] - grad_numerical[key]))
    print(f"{key}: {diff:.1e}")
