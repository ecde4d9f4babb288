"""Neural-network layers written once, for every array library.

>>> import xpnet
>>> net = xpnet.TwoLayerNet(784, 50, 10, seed=0)

One line chooses where everything runs: ``xpnet.set_backend("cupy")``.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from xpnet import metrics, ops
from xpnet.arrays import asarray, synchronize, to_numpy
from xpnet.backend import (
    Backend,
    BackendStatus,
    available_backends,
    get_backend,
    set_backend,
    use_backend,
)
from xpnet.errors import (
    BackendMismatchError,
    BackendUnavailableError,
    BackwardError,
    DatasetError,
    DTypeError,
    GraphError,
    LabelError,
    NotWritableError,
    PrecisionWarning,
    SettingError,
    ShapeError,
    UnsupportedArrayError,
    XpnetError,
)
from xpnet.gradients import numerical_gradient
from xpnet.graph import Variable
from xpnet.layers import (
    AddLayer,
    Affine,
    Dropout,
    Layer,
    MeanSquaredError,
    MulLayer,
    ReLU,
    Sigmoid,
    SigmoidWithLoss,
    SoftmaxWithLoss,
)
from xpnet.layers.activations import ACTIVATIONS as _ACTIVATIONS
from xpnet.layers.evaluating import evaluating
from xpnet.layers.tanh import Tanh as Tanh, tanh as tanh
from xpnet.nets import Apply, Concat, Net, Residual, Sequential, TwoLayerNet
from xpnet.ops import check_labels, cross_entropy_error, log_softmax, relu, sigmoid, softmax
from xpnet.ops.op import OPS as _OPS
from xpnet.optimizers import (
    SGD,
    AdaGrad,
    Adam,
    AdamW,
    Constant,
    CosineDecay,
    ExponentialDecay,
    Momentum,
    Nesterov,
    OneCycle,
    Optimizer,
    RMSprop,
    Schedule,
    StepDecay,
    clip_norm,
    clip_value,
    noise,
    weight_decay,
)

if TYPE_CHECKING:
    from xpnet import datasets, kernels, training
    from xpnet.compiled import compile
    from xpnet.gradient_check import GradientReport, check_gradients

__version__ = "0.1.0"

__all__ = [
    "SGD",
    "AdaGrad",
    "Adam",
    "AdamW",
    "AddLayer",
    "Affine",
    "Apply",
    "Backend",
    "BackendMismatchError",
    "BackendStatus",
    "BackendUnavailableError",
    "BackwardError",
    "Concat",
    "Constant",
    "CosineDecay",
    "DTypeError",
    "DatasetError",
    "Dropout",
    "ExponentialDecay",
    "GradientReport",
    "GraphError",
    "LabelError",
    "Layer",
    "MeanSquaredError",
    "Momentum",
    "MulLayer",
    "Nesterov",
    "Net",
    "NotWritableError",
    "OneCycle",
    "Optimizer",
    "PrecisionWarning",
    "RMSprop",
    "ReLU",
    "Residual",
    "Schedule",
    "Sequential",
    "SettingError",
    "ShapeError",
    "Sigmoid",
    "SigmoidWithLoss",
    "SoftmaxWithLoss",
    "StepDecay",
    "TwoLayerNet",
    "UnsupportedArrayError",
    "Variable",
    "XpnetError",
    "asarray",
    "available_backends",
    "check_gradients",
    "check_labels",
    "clip_norm",
    "clip_value",
    "compile",
    "cross_entropy_error",
    "datasets",
    "evaluating",
    "get_backend",
    "kernels",
    "log_softmax",
    "metrics",
    "noise",
    "numerical_gradient",
    "ops",
    "relu",
    "set_backend",
    "sigmoid",
    "softmax",
    "synchronize",
    "to_numpy",
    "training",
    "use_backend",
    "weight_decay",
]

# An op or a layer of one op is exported by its import alone.
__all__ += [
    name
    for name in (*_OPS, *(kind.__name__ for kind in _ACTIVATIONS))
    if name in globals() and name not in __all__
]

# Imported when somebody asks for them: a script that only computes should start as fast as NumPy.
_MODULES = {
    "GradientReport": "xpnet.gradient_check",
    "check_gradients": "xpnet.gradient_check",
    "compile": "xpnet.compiled",
    "datasets": "xpnet.datasets",
    "kernels": "xpnet.kernels",
    "training": "xpnet.training",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    module = import_module(_MODULES[name])
    return module if module.__name__ == f"{__name__}.{name}" else getattr(module, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
