"""Every optimizer once, with its rule, the formula in exact arithmetic, and its twin in PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import xpnet
from xpnet import ops

# Formulas, with NumPy's longdouble for exact arithmetic. Each returns the terms of which the
# parameter after the step is the sum, and those of each array of the memory.


def sgd(W, g, lr):
    return [W, -lr * g], {}


def momentum(W, g, velocity, lr, momentum):
    v = [momentum * velocity, -lr * g]
    return [W, *v], {"velocity": v}


def nesterov(W, g, velocity, lr, momentum):
    v = [momentum * velocity, -lr * g]
    return [W, momentum * v[0], momentum * v[1], -lr * g], {"velocity": v}


def adagrad(W, g, squares, lr, eps):
    h = [squares, g**2]
    return [W, -lr * g / (np.sqrt(sum(h)) + eps)], {"squares": h}


def rmsprop(W, g, squares, lr, decay_rate, eps):
    h = [decay_rate * squares, (1 - decay_rate) * g**2]
    return [W, -lr * g / (np.sqrt(sum(h)) + eps)], {"squares": h}


def adam(W, g, mean, square, step, lr, beta1, beta2, eps, weight_decay=0):
    m = [beta1 * mean, (1 - beta1) * g]
    v = [beta2 * square, (1 - beta2) * g**2]
    size = np.sqrt(sum(v) / (1 - beta2**step)) + eps
    moves = [-lr * term / (1 - beta1**step) / size for term in m]
    return [W, -lr * weight_decay * W, *moves], {"mean": m, "square": v}


@dataclass(frozen=True)
class Entry:
    """An optimizer.

    Attributes
    ----------
    kind : type
        The class.
    rule : callable
        The op below it.
    exact : callable
        Its formula.
    torch_name : str
        The twin in ``torch.optim``.
    settings : dict
        Unlike the defaults, and far enough from 0 and 1 for each to matter.
    torch_settings : callable
        Turns settings into those of the twin.
    """

    kind: type[xpnet.Optimizer]
    rule: Callable[..., Any]
    exact: Callable[..., Any]
    torch_name: str
    settings: dict[str, float]
    torch_settings: Callable[[dict[str, float]], dict[str, Any]] = field(default=dict)

    def __str__(self) -> str:
        return self.kind.__name__

    def make(self, **changed: float) -> xpnet.Optimizer:
        return self.kind(**{**self.settings, **changed})

    def twin(self, params: list[Any], **changed: float) -> Any:
        import torch

        settings = self.torch_settings({**self.settings, **changed})
        return getattr(torch.optim, self.torch_name)(params, **settings)


def _rmsprop_of_torch(settings):
    return {"lr": settings["lr"], "alpha": settings["decay_rate"], "eps": settings["eps"]}


def _adam_of_torch(settings):
    betas = (settings["beta1"], settings["beta2"])
    return {key: s for key, s in settings.items() if "beta" not in key} | {"betas": betas}


_BETAS = {"beta1": 0.8, "beta2": 0.97}

OPTIMIZERS = {
    entry.kind.__name__: entry
    for entry in (
        Entry(xpnet.SGD, ops.sgd_update, sgd, "SGD", {"lr": 0.3}),
        Entry(
            xpnet.Momentum,
            ops.momentum_update,
            momentum,
            "SGD",
            {"lr": 0.1, "momentum": 0.7},
        ),
        Entry(
            xpnet.Nesterov,
            ops.nesterov_update,
            nesterov,
            "SGD",
            {"lr": 0.1, "momentum": 0.7},
            lambda settings: settings | {"nesterov": True},
        ),
        Entry(xpnet.AdaGrad, ops.adagrad_update, adagrad, "Adagrad", {"lr": 0.3, "eps": 1e-3}),
        Entry(
            xpnet.RMSprop,
            ops.rmsprop_update,
            rmsprop,
            "RMSprop",
            {"lr": 0.05, "decay_rate": 0.8, "eps": 1e-3},
            _rmsprop_of_torch,
        ),
        Entry(
            xpnet.Adam,
            ops.adam_update,
            adam,
            "Adam",
            {"lr": 0.05, **_BETAS, "eps": 1e-3},
            _adam_of_torch,
        ),
        Entry(
            xpnet.AdamW,
            ops.adam_update,
            adam,
            "AdamW",
            {"lr": 0.05, **_BETAS, "eps": 1e-3, "weight_decay": 0.1},
            _adam_of_torch,
        ),
    )
}
