"""Arrays that are right, and things that are none or the wrong ones."""

from __future__ import annotations

from typing import Any

import numpy as np

import xpnet
from xpnet import Affine, ReLU, Sequential, SoftmaxWithLoss


def floats(*shape: int, **home: Any) -> Any:
    """Ones in the current backend's dtype, which the tests set to float64."""
    return xpnet.asarray(np.ones(shape), **home)


def labels(values: Any, **home: Any) -> Any:
    return xpnet.asarray(np.asarray(values), **home)


def probabilities(*shape: int) -> Any:
    return floats(*shape) / shape[-1]


def affine() -> Affine:
    return Affine(floats(3, 4), floats(4))


def net() -> Sequential:
    return Sequential(Affine(floats(3, 4), floats(4)), ReLU(), Affine(floats(4, 2), floats(2)))


def after_forward(layer: Any, *inputs: Any) -> Any:
    layer.forward(*inputs)
    return layer


def after_loss() -> SoftmaxWithLoss:
    return after_forward(SoftmaxWithLoss(), floats(2, 3), labels([0, 2]))


def integers(*shape: int) -> Any:
    return xpnet.asarray(np.ones(shape, dtype="int64"))


def booleans(*shape: int) -> Any:
    return xpnet.asarray(np.ones(shape, dtype="bool"))


def complexes(*shape: int) -> Any:
    return xpnet.get_backend().xp.asarray(np.ones(shape, dtype="complex128"))


def nested_list(*shape: int) -> Any:
    return np.ones(shape).tolist()


def nothing(*shape: int) -> None:
    return None


def other_library() -> str:
    """The name of a library that is not the current one."""
    return "array_api_strict" if xpnet.get_backend().name == "numpy" else "numpy"


def foreign(*shape: int) -> Any:
    return floats(*shape, xp=other_library(), dtype="float64")


def singles(*shape: int) -> Any:
    return floats(*shape, dtype="float32")
