"""Every op and layer of xpnet, once, with inputs on which all checks run.

Tests, documentation and benchmarks take their list of ops and layers from here. What is public in
``xpnet.ops`` or ``xpnet.layers`` and not listed here fails a test.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from xpnet import ops
from xpnet._typing import Array
from xpnet.arrays import asarray
from xpnet.gradient_check.streams import stream
from xpnet.layers import (
    AddLayer,
    Affine,
    Dropout,
    MeanSquaredError,
    MulLayer,
    ReLU,
    Sigmoid,
    SigmoidWithLoss,
    SoftmaxWithLoss,
)
from xpnet.nets import Sequential, TwoLayerNet
from xpnet.testing.subject import Subject

__all__ = ["CATALOG", "Case", "OpLayer", "class_weights"]


class OpLayer:
    """An op and its derivative in the form of a layer, so that all checks take it.

    Parameters
    ----------
    op : callable
        Takes the inputs and returns the output.
    derivative : callable
        Takes ``dout``, the output and the inputs, and returns the gradients.
    """

    def __init__(self, op: Callable[..., Array], derivative: Callable[..., Any]) -> None:
        self.op, self.derivative = op, derivative
        self.params: dict[str, Array] = {}
        self.grads: dict[str, Array] = {}
        self._memory: tuple[Array, tuple[Array, ...]] | None = None

    def forward(self, *inputs: Array) -> Array:
        y = self.op(*inputs)
        self._memory = y, inputs
        return y

    def backward(self, dout: Array) -> Any:
        assert self._memory is not None
        y, inputs = self._memory
        return self.derivative(dout, y, *inputs)


@dataclass(frozen=True)
class Case:
    """An example of an op or layer.

    Attributes
    ----------
    target : callable or type
        The op or layer class that it is an example of.
    note : str
        What is special about the example.
    subject : Subject
        How to make the layer, and its inputs.
    skip : tuple of str
        Names of checks that do not apply.
    """

    target: Any
    note: str
    subject: Subject
    skip: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.target.__name__}[{self.note}]"


_Host: TypeAlias = np.ndarray[Any, Any]

_NOT_BY_ROWS = ("any rank",)
_NO_LAYER = ("pickles",)
_NO_BATCH = ("any rank", "empty batch")

_rng = stream("catalog")


def _normal(*shape: int) -> _Host:
    return np.asarray(_rng.standard_normal(shape))


def _indices(*shape: int, classes: int) -> _Host:
    return _rng.integers(0, classes, size=shape)


def _rows(*shape: int) -> _Host:
    """Return soft labels."""
    positive = _rng.random(shape)
    return np.asarray(positive / positive.sum(axis=-1, keepdims=True))


def _one_hot(samples: int, classes: int) -> _Host:
    return np.asarray(np.eye(classes)[_indices(samples, classes=classes)])


def _of_output(derivative: Callable[..., Any]) -> Callable[..., Any]:
    return lambda dout, y, *_inputs: derivative(dout, y)


def _of_inputs(derivative: Callable[..., Any]) -> Callable[..., Any]:
    return lambda dout, _y, *inputs: derivative(dout, *inputs)


def _loss_of_scores(x: Array, t: Array, **options: Any) -> Array:
    return ops.softmax_with_loss(x, t, **_for_classes(x, options))[0]


def _loss_of_scores_backward(
    dout: Array, _loss: Array, x: Array, t: Array, **options: Any
) -> Array:
    y = ops.softmax(x)
    return ops.softmax_with_loss_backward(dout, y, t, **_for_classes(x, options))


def _for_classes(x: Array, options: dict[str, Any]) -> dict[str, Any]:
    """Return options with as many weights as there are classes."""
    if "class_weights" not in options:
        return options
    return options | {"class_weights": options["class_weights"](x.shape[-1])}


def class_weights(classes: int) -> list[float]:
    """Return weights of any number of classes, some of them 0."""
    return [(0.5, 2.0, 1.0, 0.0)[label % 4] for label in range(classes)]


def _loss_of_switches(x: Array, t: Array) -> Array:
    return ops.sigmoid_with_loss(x, t)[0]


def _loss_of_switches_backward(dout: Array, _loss: Array, x: Array, t: Array) -> Array:
    return ops.sigmoid_with_loss_backward(dout, ops.sigmoid(x), t)


def _affine_params(dout: Array, _y: Array, x: Array, W: Array, _b: Array) -> tuple[Array, ...]:
    dx = ops.affine_backward(dout, x, W)[0]
    return dx, *ops.affine_param_gradients(dout, x, W)


def _dropped(x: Array) -> Array:
    return ops.dropout(x, 0.25, seed=3)[0]


def _dropped_backward(dout: Array, _y: Array, x: Array) -> Array:
    return ops.dropout_backward(dout, ops.dropout(x, 0.25, seed=3)[1], 0.25)


def _switched_off() -> Dropout:
    layer = Dropout(0.25, seed=3)
    layer.training = False
    return layer


def _affine(d: int, m: int) -> Callable[[], Affine]:
    W, b = _normal(d, m), _normal(m)
    return lambda: Affine(asarray(W), asarray(b))


def _sequential(d: int, h: int, m: int) -> Callable[[], Sequential]:
    first, second = _affine(d, h), _affine(h, m)
    return lambda: Sequential(first(), Sigmoid(), second())


def _op(
    op: Any,
    note: str,
    derivative: Callable[..., Any],
    *inputs: Any,
    call: Any = None,
    skip: tuple[str, ...] = (),
) -> Case:
    factory = partial(OpLayer, call or op, derivative)
    return Case(op, note, Subject(factory, inputs), skip=(*skip, *_NO_LAYER))


def _layer(kind: Any, note: str, factory: Callable[[], Any], *inputs: Any, **options: Any) -> Case:
    return Case(kind, note, Subject(factory, inputs), **options)


_ALL_OPTIONS: dict[str, Any] = {
    "ignore_index": 2,
    "label_smoothing": 0.25,
    "class_weights": class_weights,
}
_WEIGHTS = class_weights(4)

_affine_op = partial(_op, ops.affine)
_affine_derivative = _of_inputs(lambda dout, x, W, _b: ops.affine_backward(dout, x, W))

CATALOG: tuple[Case, ...] = (
    _affine_op("(5, 4) @ (4, 3)", _affine_derivative, _normal(5, 4), _normal(4, 3), _normal(3)),
    _affine_op(
        "one sample",
        _affine_derivative,
        *(_normal(4), _normal(4, 3), _normal(3)),
        skip=_NO_BATCH,
    ),
    _affine_op("1 by 1", _affine_derivative, _normal(5, 1), _normal(1, 1), _normal(1)),
    _affine_op("3 axes", _affine_derivative, _normal(2, 5, 4), _normal(4, 3), _normal(3)),
    _op(
        ops.affine_param_gradients,
        "(5, 4) @ (4, 3)",
        _affine_params,
        *(_normal(5, 4), _normal(4, 3), _normal(3)),
        call=ops.affine,
    ),
    _op(ops.relu, "(5, 4)", _of_output(ops.relu_backward), _normal(5, 4)),
    _op(ops.relu, "scalar", _of_output(ops.relu_backward), _normal(), skip=_NO_BATCH),
    _op(ops.sigmoid, "(5, 4)", _of_output(ops.sigmoid_backward), 3 * _normal(5, 4)),
    _op(ops.sigmoid, "scalar", _of_output(ops.sigmoid_backward), _normal(), skip=_NO_BATCH),
    _op(ops.softmax, "rows", _of_output(ops.softmax_backward), _normal(5, 4)),
    _op(ops.softmax, "one class", _of_output(ops.softmax_backward), _normal(5, 1)),
    _op(
        ops.softmax,
        "one sample",
        _of_output(ops.softmax_backward),
        _normal(7),
        skip=_NO_BATCH,
    ),
    _op(
        ops.softmax,
        "axis 0",
        _of_output(partial(ops.softmax_backward, axis=0)),
        _normal(5, 4),
        call=partial(ops.softmax, axis=0),
        skip=_NO_BATCH,
    ),
    _op(ops.log_softmax, "rows", _of_output(ops.log_softmax_backward), _normal(5, 4)),
    _op(
        ops.log_softmax,
        "axis 1 of 3",
        _of_output(partial(ops.log_softmax_backward, axis=1)),
        _normal(2, 3, 4),
        call=partial(ops.log_softmax, axis=1),
        skip=_NOT_BY_ROWS,
    ),
    _op(
        ops.cross_entropy_error,
        "indices",
        _of_inputs(ops.cross_entropy_error_backward),
        *(_rows(5, 4), _indices(5, classes=4)),
    ),
    _op(
        ops.cross_entropy_error,
        "soft rows",
        _of_inputs(ops.cross_entropy_error_backward),
        *(_rows(5, 4), _rows(5, 4)),
    ),
    _op(
        ops.softmax_with_loss,
        "indices",
        _loss_of_scores_backward,
        *(_normal(5, 4), _indices(5, classes=4)),
        call=_loss_of_scores,
    ),
    _op(
        ops.softmax_with_loss,
        "all options",
        partial(_loss_of_scores_backward, **_ALL_OPTIONS),
        *(_normal(5, 4), np.asarray([3, 2, 0, 3, 1])),
        call=partial(_loss_of_scores, **_ALL_OPTIONS),
    ),
    _op(
        ops.mean_squared_error,
        "(5, 4)",
        _of_inputs(ops.mean_squared_error_backward),
        *(_normal(5, 4), _normal(5, 4)),
    ),
    _op(
        ops.sigmoid_with_loss,
        "soft labels",
        _loss_of_switches_backward,
        *(_normal(5, 4), _rows(5, 4)),
        call=_loss_of_switches,
    ),
    _op(ops.dropout, "(5, 4)", _dropped_backward, _normal(5, 4), call=_dropped),
    _op(ops.dropout, "scalar", _dropped_backward, _normal(), call=_dropped, skip=_NO_BATCH),
    _op(ops.add, "equal shapes", _of_inputs(ops.add_backward), _normal(5, 4), _normal(5, 4)),
    _op(ops.mul, "equal shapes", _of_inputs(ops.mul_backward), _normal(5, 4), _normal(5, 4)),
    _layer(AddLayer, "equal shapes", AddLayer, _normal(5, 4), _normal(5, 4)),
    _layer(AddLayer, "broadcast", AddLayer, _normal(5, 4), _normal(4)),
    _layer(AddLayer, "both broadcast", AddLayer, _normal(5, 1), _normal(1, 4), skip=_NOT_BY_ROWS),
    _layer(MulLayer, "equal shapes", MulLayer, _normal(5, 4), _normal(5, 4)),
    _layer(MulLayer, "broadcast", MulLayer, _normal(5, 4), _normal(4)),
    _layer(MulLayer, "scalar", MulLayer, _normal(5, 4), _normal()),
    _layer(Sigmoid, "(5, 4)", Sigmoid, _normal(5, 4)),
    _layer(ReLU, "(5, 4)", ReLU, _normal(5, 4)),
    _layer(
        Dropout,
        "(5, 4)",
        partial(Dropout, 0.25, seed=3),
        _normal(5, 4),
        skip=("moves between backends",),  # each forward has a mask of its own
    ),
    _layer(Dropout, "switched off", _switched_off, _normal(5, 4)),
    _layer(Affine, "(5, 4) @ (4, 3)", _affine(4, 3), _normal(5, 4)),
    _layer(Affine, "3 axes", _affine(4, 3), _normal(2, 5, 4)),
    _layer(Affine, "long sums", _affine(300, 2), _normal(40, 300)),
    _layer(SoftmaxWithLoss, "indices", SoftmaxWithLoss, _normal(5, 4), _indices(5, classes=4)),
    _layer(
        SoftmaxWithLoss,
        "sequences",
        SoftmaxWithLoss,
        *(_normal(2, 5, 4), _indices(2, 5, classes=4)),
    ),
    _layer(SoftmaxWithLoss, "one-hot rows", SoftmaxWithLoss, _normal(5, 4), _one_hot(5, 4)),
    _layer(
        SoftmaxWithLoss,
        "integer one-hot rows",
        SoftmaxWithLoss,
        *(_normal(5, 4), _one_hot(5, 4).astype("int64")),
    ),
    _layer(SoftmaxWithLoss, "soft rows", SoftmaxWithLoss, _normal(5, 4), _rows(5, 4)),
    _layer(SoftmaxWithLoss, "one class", SoftmaxWithLoss, _normal(5, 1), _indices(5, classes=1)),
    _layer(SoftmaxWithLoss, "far scores", SoftmaxWithLoss, 1e4 * _normal(5, 4), _one_hot(5, 4)),
    _layer(
        SoftmaxWithLoss,
        "ignored labels",
        partial(SoftmaxWithLoss, ignore_index=2),
        *(_normal(5, 4), np.asarray([3, 2, 0, 2, 1])),
    ),
    _layer(
        SoftmaxWithLoss,
        "smoothed labels",
        partial(SoftmaxWithLoss, label_smoothing=0.25),
        *(_normal(5, 4), _indices(5, classes=4)),
    ),
    _layer(
        SoftmaxWithLoss,
        "weighted classes",
        partial(SoftmaxWithLoss, class_weights=_WEIGHTS),
        *(_normal(5, 4), _indices(5, classes=4)),
    ),
    _layer(
        SoftmaxWithLoss,
        "all options of sequences",
        partial(SoftmaxWithLoss, **{**_ALL_OPTIONS, "class_weights": _WEIGHTS}),
        *(_normal(2, 3, 4), np.asarray([[3, 2, 0], [2, 2, 1]])),
    ),
    _layer(
        SoftmaxWithLoss,
        "smoothed and weighted rows",
        partial(SoftmaxWithLoss, label_smoothing=0.25, class_weights=_WEIGHTS),
        *(_normal(5, 4), _rows(5, 4)),
    ),
    _layer(MeanSquaredError, "(5, 4)", MeanSquaredError, _normal(5, 4), _normal(5, 4)),
    _layer(
        MeanSquaredError, "integers", MeanSquaredError, _normal(5, 4), _indices(5, 4, classes=9)
    ),
    _layer(SigmoidWithLoss, "soft labels", SigmoidWithLoss, _normal(5, 4), _rng.random((5, 4))),
    _layer(SigmoidWithLoss, "one output", SigmoidWithLoss, _normal(5, 1), _indices(5, classes=2)),
    _layer(
        SigmoidWithLoss,
        "far scores",
        SigmoidWithLoss,
        1e4 * _normal(5, 4),
        _indices(5, 4, classes=2),
    ),
    _layer(Sequential, "sigmoid between", _sequential(4, 6, 3), _normal(5, 4)),
    _layer(
        TwoLayerNet,
        "4-6-3",
        partial(TwoLayerNet, 4, 6, 3, weight_init_std=0.5, seed=1),
        _normal(5, 4),
    ),
)
