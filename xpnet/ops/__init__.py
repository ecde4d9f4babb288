"""Pure functions on arrays, each with its derivative beside it.

An op reads its arguments and returns new arrays in their library, on their device and of their
dtype. It changes nothing and remembers nothing, so it runs as it is under ``jax.jit``.
"""

from xpnet.ops.affine import affine, affine_backward, affine_param_gradients
from xpnet.ops.arithmetic import add, add_backward, mul, mul_backward
from xpnet.ops.cross_entropy import (
    cross_entropy_error,
    cross_entropy_error_backward,
    softmax_with_loss,
    softmax_with_loss_backward,
)
from xpnet.ops.dropout import dropout, dropout_backward
from xpnet.ops.labels import check_labels
from xpnet.ops.relu import relu, relu_backward
from xpnet.ops.sigmoid import sigmoid, sigmoid_backward
from xpnet.ops.softmax import log_softmax, log_softmax_backward, softmax, softmax_backward

__all__ = [
    "add",
    "add_backward",
    "affine",
    "affine_backward",
    "affine_param_gradients",
    "check_labels",
    "cross_entropy_error",
    "cross_entropy_error_backward",
    "dropout",
    "dropout_backward",
    "log_softmax",
    "log_softmax_backward",
    "mul",
    "mul_backward",
    "relu",
    "relu_backward",
    "sigmoid",
    "sigmoid_backward",
    "softmax",
    "softmax_backward",
    "softmax_with_loss",
    "softmax_with_loss_backward",
]
