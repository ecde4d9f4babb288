"""Pure functions on arrays, each with its derivative beside it; and the steps of optimizers.

An op reads its arguments and returns new arrays in their library, on their device and of their
dtype. It changes nothing and remembers nothing, so it runs as it is under ``jax.jit``.
"""

from xpnet.labels.classes import check_labels
from xpnet.ops.activations import relu, relu_backward, sigmoid, sigmoid_backward
from xpnet.ops.affine_map import affine, affine_backward, affine_param_gradients
from xpnet.ops.arithmetic import add, add_backward, mul, mul_backward
from xpnet.ops.binary_cross_entropy import sigmoid_with_loss, sigmoid_with_loss_backward
from xpnet.ops.cross_entropy import (
    cross_entropy_error,
    cross_entropy_error_backward,
    softmax_with_loss,
    softmax_with_loss_backward,
)
from xpnet.ops.elementwise import (
    absolute,
    absolute_backward,
    divide,
    divide_backward,
    negative,
    negative_backward,
    power,
    power_backward,
    subtract,
    subtract_backward,
    where,
    where_backward,
)
from xpnet.ops.fused import affine_relu
from xpnet.ops.masks import dropout, dropout_backward
from xpnet.ops.op import OPS, Op
from xpnet.ops.products import (
    matmul,
    matmul_backward,
)
from xpnet.ops.reductions import (
    max,
    max_backward,
    mean,
    mean_backward,
    sum,
    sum_backward,
)
from xpnet.ops.shapes import (
    concat,
    concat_backward,
    getitem,
    getitem_backward,
    reshape,
    reshape_backward,
    stack,
    stack_backward,
    transpose,
    transpose_backward,
)
from xpnet.ops.softmaxes import log_softmax, log_softmax_backward, softmax, softmax_backward
from xpnet.ops.squared_error import mean_squared_error, mean_squared_error_backward
from xpnet.ops.updates import (
    adagrad_update,
    adam_update,
    momentum_update,
    nesterov_update,
    rmsprop_update,
    sgd_update,
)

__all__ = [
    "absolute",
    "absolute_backward",
    "adagrad_update",
    "adam_update",
    "add",
    "add_backward",
    "affine",
    "affine_backward",
    "affine_param_gradients",
    "affine_relu",
    "check_labels",
    "concat",
    "concat_backward",
    "cross_entropy_error",
    "cross_entropy_error_backward",
    "divide",
    "divide_backward",
    "dropout",
    "dropout_backward",
    "getitem",
    "getitem_backward",
    "log_softmax",
    "log_softmax_backward",
    "matmul",
    "matmul_backward",
    "max",
    "max_backward",
    "mean",
    "mean_backward",
    "mean_squared_error",
    "mean_squared_error_backward",
    "momentum_update",
    "mul",
    "mul_backward",
    "negative",
    "negative_backward",
    "nesterov_update",
    "power",
    "power_backward",
    "relu",
    "relu_backward",
    "reshape",
    "reshape_backward",
    "rmsprop_update",
    "sgd_update",
    "sigmoid",
    "sigmoid_backward",
    "sigmoid_with_loss",
    "sigmoid_with_loss_backward",
    "softmax",
    "softmax_backward",
    "softmax_with_loss",
    "softmax_with_loss_backward",
    "stack",
    "stack_backward",
    "subtract",
    "subtract_backward",
    "sum",
    "sum_backward",
    "transpose",
    "transpose_backward",
    "where",
    "where_backward",
]


def __getattr__(name: str) -> Op:
    """Find an op that is declared in another file than those here, such as beside its layer."""
    if name in OPS:
        return OPS[name]
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
