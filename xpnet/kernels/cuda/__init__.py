"""Kernels for CuPy: each op in one read and one write of its arrays.

The functions take arrays that an op has checked, and write to arrays that are given;
``registered.py`` gives them the form that ops ask for. The kernels are in the ``.cu`` files of this
package, which CuPy compiles at first use and keeps on disk. Nothing here imports CuPy before a
kernel is launched.
"""

from xpnet.kernels.cuda.activations import bias_activation, relu_backward, sigmoid_backward
from xpnet.kernels.cuda.cross_entropy import softmax_with_loss, softmax_with_loss_backward
from xpnet.kernels.cuda.launch import on_gpu
from xpnet.kernels.cuda.registered import registered
from xpnet.kernels.cuda.softmax import (
    log_softmax,
    log_softmax_backward,
    softmax,
    softmax_backward,
)
from xpnet.kernels.cuda.takes import takes
from xpnet.kernels.cuda.updates import (
    adagrad_update,
    adam_update,
    momentum_update,
    nesterov_update,
    rmsprop_update,
    sgd_update,
)
from xpnet.ops.op import OPS

__all__ = [
    "KERNELS",
    "adagrad_update",
    "adam_update",
    "bias_activation",
    "log_softmax",
    "log_softmax_backward",
    "momentum_update",
    "nesterov_update",
    "relu_backward",
    "rmsprop_update",
    "sgd_update",
    "sigmoid_backward",
    "softmax",
    "softmax_backward",
    "softmax_with_loss",
    "softmax_with_loss_backward",
    "takes",
]

KERNELS = registered(on_gpu)
for _op, _run in KERNELS.items():
    OPS[_op].kernel("cuda")(_run)
