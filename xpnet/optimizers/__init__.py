"""Optimizers: how parameters follow their gradients."""

from xpnet.optimizers.sgd import SGD

__all__ = ["SGD"]
