"""Names of backends, devices and dtypes, and what is brought from one to another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from errors.mistakes.arrays import (
    affine,
    complexes,
    floats,
    foreign,
    labels,
    nested_list,
    net,
    other_library,
)
from errors.mistakes.mistake import Mistake
from errors.mistakes.nets import affine_with

import xpnet
from xpnet import (
    AddLayer,
    Affine,
    BackendMismatchError,
    BackendUnavailableError,
    DTypeError,
    MulLayer,
    ReLU,
    Sigmoid,
    SoftmaxWithLoss,
    TwoLayerNet,
)


def enter(*args: Any, **kwargs: Any) -> None:
    with xpnet.use_backend(*args, **kwargs):
        pass


def here() -> str:
    return xpnet.get_backend().name


BACKENDS = [
    Mistake(
        "backend-unknown",
        lambda: enter("numpie"),
        ValueError,
        ("unknown backend 'numpie'", "'numpy'", "'torch'", "'cupy'", "'jax'"),
    ),
    Mistake("backend-unknown-set", lambda: xpnet.set_backend("gpu"), ValueError, ("'gpu'",)),
    Mistake(
        "backend-number", lambda: enter(3), TypeError, ("3 is no array namespace", "backend's name")
    ),
    Mistake(
        "backend-module-without-arrays",
        lambda: Affine(floats(3, 4), floats(4), xp=dataclass),
        TypeError,
        ("no array namespace", "backend's name"),
    ),
    Mistake(
        "backend-device",
        lambda: enter(here(), device="nowhere"),
        BackendUnavailableError,
        ("device 'nowhere'",),
    ),
    Mistake(
        "backend-integer-dtype",
        lambda: enter(here(), dtype="int32"),
        DTypeError,
        ("'int32'", "float16, bfloat16, float32, float64"),
    ),
    Mistake(
        "backend-unknown-dtype",
        lambda: enter(here(), dtype="float8"),
        DTypeError,
        ("'float8'", "float16, bfloat16, float32, float64"),
    ),
    Mistake(
        "random-unknown-backend", lambda: Affine.random(3, 4, xp="numpie"), ValueError, ("numpie",)
    ),
    Mistake(
        "net-unknown-backend", lambda: TwoLayerNet(4, 3, 2, xp="numpie"), ValueError, ("numpie",)
    ),
    Mistake("layer-unknown-backend", lambda: ReLU(xp="numpie"), ValueError, ("numpie",)),
    Mistake("to-unknown-backend", lambda: affine().to("numpie"), ValueError, ("numpie", "known")),
    Mistake("to-number", lambda: net().to(3), TypeError, ("3 is no array namespace",)),
    Mistake(
        "to-unknown-device",
        lambda: affine().to(device="nowhere"),
        BackendUnavailableError,
        ("device 'nowhere'",),
    ),
    Mistake(
        "net-to-unknown-device",
        lambda: net().to(here(), device="nowhere"),
        BackendUnavailableError,
        ("device 'nowhere'",),
    ),
    Mistake(
        "to-unknown-dtype",
        lambda: affine().to(dtype="float8"),
        DTypeError,
        ("'float8'", "float16, bfloat16, float32, float64"),
    ),
    # A layer of integers could not compute any more.
    Mistake(
        "to-integer-dtype",
        lambda: net().to(dtype="int32"),
        DTypeError,
        ("'int32'", "float16, bfloat16, float32, float64"),
    ),
    Mistake(
        "to-integer-dtype-there",
        lambda: net().to("numpy", dtype="int32"),
        DTypeError,
        ("'int32'", "float16, bfloat16, float32, float64"),
    ),
    Mistake(
        "to-with-list",
        lambda: affine_with(b=nested_list(4)).to("numpy"),
        BackendMismatchError,
        ("Affine", "b is of type list", "xpnet.asarray(b)"),
    ),
    Mistake(
        "home-relu",
        lambda: ReLU(xp=xpnet.get_backend()).forward(foreign(2)),
        BackendMismatchError,
        ("ReLU", "the layer lives on", "layer.to("),
    ),
    Mistake(
        "home-sigmoid",
        lambda: Sigmoid(xp=xpnet.get_backend()).forward(foreign(2)),
        BackendMismatchError,
        ("Sigmoid", "the layer lives on", "layer.to("),
    ),
    Mistake(
        "home-add",
        lambda: AddLayer(xp=xpnet.get_backend()).forward(1.0, foreign(2)),
        BackendMismatchError,
        ("AddLayer", "the layer lives on", "layer.to("),
    ),
    Mistake(
        "home-mul",
        lambda: MulLayer(xp=xpnet.get_backend()).forward(foreign(2), 2),
        BackendMismatchError,
        ("MulLayer", "the layer lives on", "layer.to("),
    ),
    Mistake(
        "home-loss",
        lambda: SoftmaxWithLoss(xp=xpnet.get_backend()).forward(
            foreign(2, 3), labels([0, 1], xp=other_library())
        ),
        BackendMismatchError,
        ("SoftmaxWithLoss", "the layer lives on", "layer.to("),
    ),
    Mistake(
        "asarray-complex", lambda: xpnet.asarray([1j]), DTypeError, ("complex128", "real numbers")
    ),
    Mistake("asarray-text", lambda: xpnet.asarray("abc"), DTypeError, ("real numbers",)),
    Mistake(
        "asarray-none", lambda: xpnet.asarray([1.0, None]), DTypeError, ("object", "real numbers")
    ),
    Mistake("asarray-ragged", lambda: xpnet.asarray([[1.0], [1.0, 2.0]]), DTypeError, ("list",)),
    Mistake(
        "asarray-unknown-dtype",
        lambda: floats(2, dtype="float8"),
        DTypeError,
        ("dtype 'float8'",),
    ),
    Mistake("asarray-unknown-backend", lambda: floats(2, xp="numpie"), ValueError, ("numpie",)),
    Mistake(
        "asarray-unknown-device",
        lambda: floats(2, device="nowhere"),
        BackendUnavailableError,
        ("device 'nowhere'",),
    ),
    Mistake(
        "to-numpy-complex", lambda: xpnet.to_numpy(complexes(2)), DTypeError, ("complex128", "real")
    ),
    Mistake("synchronize-list", lambda: xpnet.synchronize([1.0]), BackendMismatchError, ("list",)),
]
