"""Nets: layers put together, with a loss at the end."""

from xpnet.nets.apply import Apply
from xpnet.nets.concat import Concat
from xpnet.nets.container import Container
from xpnet.nets.net import Net
from xpnet.nets.residual import Residual
from xpnet.nets.sequential import Sequential
from xpnet.nets.two_layer_net import TwoLayerNet

__all__ = ["Apply", "Concat", "Container", "Net", "Residual", "Sequential", "TwoLayerNet"]
