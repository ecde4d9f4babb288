"""Nets: layers that are trained together."""

from xpnet.nets.parameters import Parameters
from xpnet.nets.sequential import Sequential
from xpnet.nets.two_layer_net import TwoLayerNet

__all__ = ["Parameters", "Sequential", "TwoLayerNet"]
