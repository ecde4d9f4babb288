"""Optimizers: how parameters follow their gradients."""

from xpnet.optimizers.adagrad import AdaGrad
from xpnet.optimizers.adam import Adam
from xpnet.optimizers.adamw import AdamW
from xpnet.optimizers.momentum import Momentum
from xpnet.optimizers.nesterov import Nesterov
from xpnet.optimizers.optimizer import Optimizer
from xpnet.optimizers.rmsprop import RMSprop
from xpnet.optimizers.setting import Setting
from xpnet.optimizers.sgd import SGD

__all__ = [
    "SGD",
    "AdaGrad",
    "Adam",
    "AdamW",
    "Momentum",
    "Nesterov",
    "Optimizer",
    "RMSprop",
    "Setting",
]
