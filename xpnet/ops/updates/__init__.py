"""How one step changes a parameter: the rules of the optimizers, as pure functions.

A rule reads a parameter, its gradient and what was remembered of earlier gradients, and returns
the parameter and that memory after the step. Settings, such as ``lr``, are Python numbers or
arrays of shape () in the dtype of the parameter; ``jax.jit`` may trace them. Of the memory, 16-bit
parameters should have float32 arrays: it is a sum over all steps, of which 16 bits soon lose
every new term. An array comes back in the dtype in which it came.

A gradient that is NaN or infinite spoils its own entry alone. Where the square of a finite one
overflows, a rule that divides by its root takes no step, then and later, as in PyTorch.
"""

from xpnet.ops.updates.adagrad import adagrad_update
from xpnet.ops.updates.adam import adam_update
from xpnet.ops.updates.momentum import momentum_update, nesterov_update
from xpnet.ops.updates.rmsprop import rmsprop_update
from xpnet.ops.updates.sgd import sgd_update

__all__ = [
    "adagrad_update",
    "adam_update",
    "momentum_update",
    "nesterov_update",
    "rmsprop_update",
    "sgd_update",
]
