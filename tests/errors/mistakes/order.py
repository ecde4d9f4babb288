"""Calls in the wrong order."""

from __future__ import annotations

from collections.abc import Callable

from errors.mistakes.arrays import affine, after_forward, floats, net, singles
from errors.mistakes.mistake import Mistake

from xpnet import AddLayer, BackwardError, MulLayer, ReLU, Sigmoid, SoftmaxWithLoss


def _backward_first(name: str, call: Callable[[], object]) -> Mistake:
    says = (f"{name}: backward was called before forward", "call forward first")
    return Mistake(f"backward-before-forward-{name}", call, BackwardError, says)


ORDER = [
    _backward_first("Affine", lambda: affine().backward(floats(2, 4))),
    _backward_first("ReLU", lambda: ReLU().backward(floats(2))),
    _backward_first("Sigmoid", lambda: Sigmoid().backward(floats(2))),
    _backward_first("AddLayer", lambda: AddLayer().backward(floats(2))),
    _backward_first("MulLayer", lambda: MulLayer().backward(floats(2))),
    _backward_first("SoftmaxWithLoss", lambda: SoftmaxWithLoss().backward()),
    Mistake(
        "backward-without-dx-before-forward",
        lambda: affine().backward(floats(2, 4), need_dx=False),
        BackwardError,
        ("Affine: backward was called before forward",),
    ),
    Mistake(
        "net-backward-before-forward",
        lambda: net().backward(floats(2, 2)),
        BackwardError,
        ("Affine: backward was called before forward",),
    ),
    # What forward saved lives where the layer was before.
    Mistake(
        "backward-after-to",
        lambda: after_forward(affine(), floats(2, 3)).to(dtype="float32").backward(singles(2, 4)),
        BackwardError,
        ("Affine: backward was called before forward",),
    ),
]
