"""Arrays on another device: only array-api-strict has several on every machine."""

from __future__ import annotations

from typing import Any

from errors.mistakes.arrays import floats, labels, net
from errors.mistakes.mistake import Mistake
from errors.mistakes.nets import rebound
from errors.mistakes.not_floats import BACKWARD, SHARED, in_each_place
from errors.mistakes.targets import loss

import xpnet
from xpnet import BackendMismatchError, ReLU


def elsewhere(*shape: int) -> Any:
    return floats(*shape, device="device1")


BAD_ON_STRICT = [
    *in_each_place(
        SHARED + BACKWARD, "device", elsewhere, BackendMismatchError, "CPU_DEVICE", "device1"
    ),
    Mistake(
        "labels-device",
        lambda: loss(labels([0, 1], device="device1")),
        BackendMismatchError,
        ("xpnet.ops.softmax_with_loss", "t is", "CPU_DEVICE", "device1"),
    ),
    Mistake(
        "accuracy-labels-device",
        lambda: net().accuracy(floats(2, 3), labels([0, 1], device="device1")),
        BackendMismatchError,
        ("accuracy", "t is", "CPU_DEVICE", "device1"),
    ),
    Mistake(
        "rebound-device",
        lambda: rebound("Affine2.b", elsewhere(2)).predict(floats(2, 3)),
        BackendMismatchError,
        ("xpnet.ops.affine", "CPU_DEVICE", "device1", "layer Affine2"),
    ),
    Mistake(
        "home-device",
        lambda: ReLU(xp=xpnet.get_backend()).forward(elsewhere(2)),
        BackendMismatchError,
        ("ReLU", "CPU_DEVICE", "device1", "layer.to("),
    ),
    Mistake(
        "net-moved-alone",
        lambda: net().to(device="device1").predict(floats(2, 3)),
        BackendMismatchError,
        ("xpnet.ops.affine", "CPU_DEVICE", "device1", "layer Affine1"),
    ),
]
