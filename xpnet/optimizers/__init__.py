"""Optimizers: how parameters follow their gradients."""

from xpnet.optimizers.adagrad import AdaGrad
from xpnet.optimizers.adam import Adam
from xpnet.optimizers.adamw import AdamW
from xpnet.optimizers.momentum import Momentum
from xpnet.optimizers.nesterov import Nesterov
from xpnet.optimizers.optimizer import Optimizer
from xpnet.optimizers.rmsprop import RMSprop
from xpnet.optimizers.schedules import (
    Constant,
    CosineDecay,
    ExponentialDecay,
    OneCycle,
    Schedule,
    StepDecay,
)
from xpnet.optimizers.setting import Setting
from xpnet.optimizers.sgd import SGD
from xpnet.optimizers.transforms import Transform, clip_norm, clip_value, noise, weight_decay

__all__ = [
    "SGD",
    "AdaGrad",
    "Adam",
    "AdamW",
    "Constant",
    "CosineDecay",
    "ExponentialDecay",
    "Momentum",
    "Nesterov",
    "OneCycle",
    "Optimizer",
    "RMSprop",
    "Schedule",
    "Setting",
    "StepDecay",
    "Transform",
    "clip_norm",
    "clip_value",
    "noise",
    "weight_decay",
]
