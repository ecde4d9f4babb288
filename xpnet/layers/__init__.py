"""Layers: an op with a memory for its backward, and with parameters of its own."""

from xpnet.layers.activations import ReLU, Sigmoid
from xpnet.layers.add import AddLayer
from xpnet.layers.affine import Affine
from xpnet.layers.dropout import Dropout
from xpnet.layers.layer import Layer
from xpnet.layers.mean_squared_error import MeanSquaredError
from xpnet.layers.mul import MulLayer
from xpnet.layers.sigmoid_with_loss import SigmoidWithLoss
from xpnet.layers.softmax_with_loss import SoftmaxWithLoss

__all__ = [
    "AddLayer",
    "Affine",
    "Dropout",
    "Layer",
    "MeanSquaredError",
    "MulLayer",
    "ReLU",
    "Sigmoid",
    "SigmoidWithLoss",
    "SoftmaxWithLoss",
]
