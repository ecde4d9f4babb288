"""Nets: layers put together, with a loss at the end."""

from xpnet.nets.container import Container
from xpnet.nets.sequential import Sequential
from xpnet.nets.two_layer_net import TwoLayerNet

__all__ = ["Container", "Sequential", "TwoLayerNet"]
