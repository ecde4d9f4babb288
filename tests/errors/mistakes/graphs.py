"""Recorded values that go where they cannot be recorded, and nets whose forward is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from errors.mistakes.arrays import (
    affine,
    after_forward,
    booleans,
    complexes,
    floats,
    foreign,
    integers,
    labels,
)
from errors.mistakes.mistake import Mistake

import xpnet
from xpnet import (
    Affine,
    Apply,
    BackendMismatchError,
    BackwardError,
    Concat,
    DTypeError,
    GraphError,
    Net,
    ReLU,
    Residual,
    ShapeError,
    Variable,
    ops,
)
from xpnet.layers.calls import call


def value(*shape: int) -> Any:
    return Variable(floats(*shape))


class Forwards(Net):
    """Its forward is given."""

    def __init__(self, function: Callable[..., Any], **layers: Any) -> None:
        super().__init__()
        self.function = function
        for name, layer in layers.items():
            setattr(self, name, layer)

    def forward(self, x: Any) -> Any:
        return self.function(self, x)


def forward(function: Callable[..., Any], **layers: Any) -> Any:
    return Forwards(function, **layers).forward(floats(2, 3))


class Doubles:
    """A layer that changes its input in place; on a library without such changes, another's."""

    def __init__(self) -> None:
        self.params: dict[str, Any] = {}
        self.grads: dict[str, Any] = {}

    def forward(self, x: Any) -> Any:
        x *= 2
        return x

    def backward(self, dout: Any) -> Any:
        return 2 * dout


class NeverBegun(Net):
    def __init__(self) -> None:
        self.fc = affine()


class HasNoLayers(Net):
    def __init__(self) -> None:
        pass

    def forward(self, x: Any) -> Any:
        return x


def kept_from_an_earlier_forward() -> None:
    def function(net: Any, x: Any) -> Any:
        net.kept = getattr(net, "kept", x)
        return x + net.kept

    net = Forwards(function)
    net.forward(floats(2, 3))
    net.forward(floats(2, 3))


def used_after_its_forward() -> None:
    kept = []
    forward(lambda _net, x: kept.append(x) or x)
    kept[0] + 1


def tied_with_another_shape() -> None:
    net = Residual(Affine(floats(3, 3), floats(3)), Affine(floats(3, 4), floats(4)))
    net.params["Affine2.W"] = net.params["Affine1.W"]
    net.forward(floats(2, 3))


def replaced_after_a_step() -> None:
    net = Forwards(lambda net, x: net.fc(x), fc=affine())
    optimizer = xpnet.Momentum(0.5)
    for layer in (affine(), Affine(floats(3, 5), floats(5))):
        net.fc = layer
        optimizer.update(net.params, net.gradient(floats(2, 3), labels([0, 1])))


def an_op(net: Any, x: Any) -> Any:
    return ReLU().forward(x)


GRAPHS = [
    Mistake(
        "variable-list", lambda: Variable([1.0]), BackendMismatchError, ("list", "xpnet.asarray")
    ),
    Mistake(
        "variable-of-variable", lambda: Variable(value(2)), GraphError, ("a Variable already",)
    ),
    Mistake("variable-complex", lambda: Variable(complexes(2)), DTypeError, ("complex128", "real")),
    Mistake(
        "variable-integers",
        lambda: Variable(integers(2)) * 2.0,
        DTypeError,
        ("x is int64", "compute in floats"),
    ),
    Mistake(
        "variable-shapes",
        lambda: value(2, 3) - value(2),
        ShapeError,
        ("subtract", "(2, 3)", "(2,)", "do not broadcast"),
    ),
    Mistake(
        "variable-foreign",
        lambda: value(2) / Variable(foreign(2)),
        BackendMismatchError,
        ("divide", "x is", "y is", "bring them together"),
    ),
    Mistake("variable-list-added", lambda: value(2) * [1.0, 2.0], BackendMismatchError, ("list",)),
    Mistake(
        "variable-matmul",
        lambda: value(2, 3) @ value(2, 3),
        ShapeError,
        ("matmul", "(2, 3)", "the same D"),
    ),
    Mistake("variable-index", lambda: value(2, 3)[5], IndexError, ("index 5", "axis 0", "(2, 3)")),
    Mistake(
        "variable-too-many-indices",
        lambda: value(2)[0, 0],
        IndexError,
        ("2 indices", "too many", "(2,)"),
    ),
    Mistake(
        "variable-array-of-indices",
        lambda: value(2)[integers(2)],
        TypeError,
        ("an index is an array", "an integer, a slice", "... or None"),
    ),
    Mistake(
        "variable-reshape", lambda: value(2, 3).reshape(4, -1), ShapeError, ("(2, 3)", "(4, -1)")
    ),
    Mistake(
        "variable-transpose", lambda: value(2, 3).transpose(0, 0), ShapeError, ("(0, 0)", "(2, 3)")
    ),
    Mistake(
        "variable-axis", lambda: value(2).sum(axis=1), ShapeError, ("sum", "axis 1", "out of range")
    ),
    Mistake(
        "variable-axis-text", lambda: value(2).mean(axis="rows"), TypeError, ("axis is 'rows'",)
    ),
    Mistake(
        "variable-max-of-nothing",
        lambda: value(0, 3).max(axis=0),
        ShapeError,
        ("max", "nothing along axis 0"),
    ),
    Mistake(
        "concat-shapes",
        lambda: ops.concat([value(2, 3), value(3, 2)]),
        ShapeError,
        ("concat", "array 0", "array 1", "(3, 2)"),
    ),
    Mistake(
        "concat-no-list", lambda: ops.concat(floats(2)), ShapeError, ("concat", "list or tuple")
    ),
    Mistake(
        "stack-shapes",
        lambda: ops.stack([value(2), value(3)], axis=1),
        ShapeError,
        ("stack", "(2,)", "(3,)"),
    ),
    Mistake(
        "where-condition",
        lambda: ops.where(floats(2), value(2), 0),
        DTypeError,
        ("where", "float64", "of bool"),
    ),
    Mistake(
        "where-numbers", lambda: ops.where(booleans(2), 1, 2), DTypeError, ("where", "two numbers")
    ),
    Mistake("item-assigned", lambda: value(2).__setitem__(0, 1), GraphError, ("where", "concat")),
    Mistake("truth-of-several", lambda: bool(value(2) > 0), GraphError, ("(2,)", "where")),
    Mistake(
        "numpy-function",
        lambda: np.exp(value(2)),
        GraphError,
        ("numpy.exp cannot record", "ops of xpnet.ops"),
    ),
    Mistake(
        "backward-no-scalar",
        lambda: value(2, 3).backward(),
        ShapeError,
        ("(2, 3)", "no scalar", "give dout"),
    ),
    Mistake(
        "backward-dout",
        lambda: value(2, 3).backward(floats(3)),
        ShapeError,
        ("dout has shape (3,)", "(2, 3)"),
    ),
    Mistake(
        "backward-dout-foreign",
        lambda: value(2).backward(foreign(2)),
        BackendMismatchError,
        ("backward", "dout is", "y is"),
    ),
    Mistake(
        "backward-integers",
        lambda: Variable(integers(2)).backward(integers(2)),
        GraphError,
        ("backward", "no gradient"),
    ),
    Mistake(
        "backward-of-a-condition",
        lambda: (value(2) > 0).backward(booleans(2)),
        GraphError,
        ("backward", "no gradient"),
    ),
    Mistake(
        "second-derivative",
        lambda: value().backward(create_graph=True),
        GraphError,
        ("derivatives of derivatives are not offered",),
    ),
    Mistake(
        "dout-recorded",
        lambda: value(2).backward(value(2)),
        GraphError,
        ("derivatives of derivatives are not offered",),
    ),
    Mistake(
        "derivative-of-a-derivative",
        lambda: ops.relu_backward(value(2), floats(2)).backward(floats(2)),
        GraphError,
        ("relu_backward is a derivative", "not offered"),
    ),
    Mistake(
        "layer-forward",
        lambda: affine().forward(value(2, 3)),
        BackendMismatchError,
        ("a Variable is not an array", "call the layer itself, layer(x)"),
    ),
    Mistake(
        "layer-forward-of-an-op",
        lambda: forward(an_op),
        GraphError,
        ("ReLU", "plain arrays alone", "layer(x)"),
    ),
    Mistake(
        "no-layer",
        lambda: call(len, value(2)),
        GraphError,
        ("neither a layer nor an op", "forward, backward, params and grads"),
    ),
    Mistake(
        "net-never-begun",
        NeverBegun,
        GraphError,
        ("NeverBegun: call super().__init__()", "before layers are assigned"),
    ),
    Mistake(
        "net-never-begun-forward",
        lambda: HasNoLayers().forward(floats(2)),
        GraphError,
        ("HasNoLayers: call super().__init__()",),
    ),
    Mistake(
        "net-variable-of-its-own",
        lambda: forward(lambda _net, x: x * Variable(2.0)),
        GraphError,
        ("mul", "belongs to another graph", "data"),
    ),
    Mistake(
        "net-variable-kept",
        kept_from_an_earlier_forward,
        GraphError,
        ("an earlier forward of Forwards",),
    ),
    Mistake(
        "net-variable-afterwards",
        used_after_its_forward,
        GraphError,
        ("add", "an earlier forward of Forwards"),
    ),
    Mistake(
        "net-unknown-layer",
        lambda: forward(lambda _net, x: affine()(x)),
        GraphError,
        ("Forwards", "calls Affine, which is none of its layers", "__init__"),
    ),
    Mistake(
        "net-parameter",
        lambda: forward(lambda net, x: x @ net.fc.W, fc=affine()),
        GraphError,
        ("Forwards", "the parameter fc.W", "layer(x)"),
    ),
    Mistake(
        "net-layer-changes-its-input",
        lambda: Forwards(lambda net, x: call(net.bad, x), bad=Doubles()).forward(np.ones((2, 3))),
        GraphError,
        ("Doubles: forward changes its input 0 in place", "layer bad of Forwards"),
    ),
    Mistake(
        "net-backward-inside",
        lambda: forward(lambda _net, x: x.sum().backward()),
        BackwardError,
        ("Forwards", "return the value"),
    ),
    Mistake(
        "net-returns-nothing", lambda: forward(lambda _net, _x: None), GraphError, ("a NoneType",)
    ),
    Mistake(
        "net-returns-a-dict", lambda: forward(lambda _net, x: {"y": x}), GraphError, ("a dict",)
    ),
    Mistake(
        "net-backward-first",
        lambda: Residual(affine()).backward(floats(2, 3)),
        BackwardError,
        ("Residual: backward was called before forward",),
    ),
    Mistake(
        "net-backward-gradients",
        lambda: after_forward(Residual(ReLU()), floats(2)).backward(floats(2), floats(2)),
        ShapeError,
        ("Residual: backward got 2 gradients for 1 outputs",),
    ),
    Mistake(
        "net-shapes",
        lambda: Residual(affine()).forward(floats(2, 3)),
        ShapeError,
        ("(2, 3)", "(2, 4)", "do not broadcast"),
    ),
    Mistake(
        "net-layer-shapes",
        lambda: Concat(affine(), ReLU()).forward(floats(2, 5)),
        ShapeError,
        ("x has shape (2, 5)", "layer Affine1 of Concat"),
    ),
    Mistake(
        "net-tied-with-another-shape",
        tied_with_another_shape,
        ShapeError,
        ("W has shape (3, 3)", "b has shape (4,)", "layer Affine2"),
    ),
    Mistake(
        "net-replaced-after-a-step",
        replaced_after_a_step,
        ShapeError,
        ("fc.W", "(3, 4)", "(3, 5)"),
    ),
    Mistake("apply-no-function", lambda: Apply(3), TypeError, ("Apply: 3 is no function",)),
    Mistake(
        "residual-class", lambda: Residual(ReLU), TypeError, ("Residual", "ReLU", "is no layer")
    ),
]
