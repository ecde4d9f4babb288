"""Every op and layer of xpnet, with inputs on which all checks run.

Ops and activations bring their examples themselves, where they are declared. Layers are listed
here; one that is public and is not fails a test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
    Sigmoid,
    SigmoidWithLoss,
    SoftmaxWithLoss,
)
from xpnet.layers.activations import ACTIVATIONS
from xpnet.nets import Apply, Concat, Residual, Sequential, TwoLayerNet
from xpnet.ops.op import OPS, Op
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


def _op_cases() -> Iterator[Case]:
    """Yield all ops that have a derivative, with the examples of their declarations."""
    for op in filter(_is_own, OPS.values()):
        for example in op.examples:
            if op.backward is None:
                continue
            yield _declared(op, example, op, op.backward)
            if example is op.examples[0]:
                for of, derivative in op.partial.items():
                    yield _declared(op, example, derivative, op.backward, of)


def _declared(
    op: Op, example: dict[str, Any], target: Op, derivative: Op, of: tuple[str, ...] = ()
) -> Case:
    """Return an example of an op; or of its derivative with respect to some inputs."""
    drawn = {name: _drawn(value) for name, value in example.items()}
    inputs = {name: value for name, value in drawn.items() if isinstance(value, np.ndarray)}
    settings = {name: value for name, value in drawn.items() if name not in inputs}

    def backward(dout: Array, y: Array, *arrays: Array) -> Any:
        known = dict(zip(inputs, arrays, strict=True)) | settings
        results = (y,) if len(op.results) == 1 else op(**known)
        known = dict(zip(op.results, results, strict=True)) | known
        found = _gradients(derivative, dout, known)
        if not of:
            return found
        return *found[: -len(of)], *_gradients(target, dout, known)

    call: Any = op if len(op.results) == 1 else _first_of(op)
    axis, ndim = settings.get("axis"), next(iter(inputs.values())).ndim
    skip = _NO_BATCH if ndim < 2 or axis == 0 else () if axis is None else _NOT_BY_ROWS
    named = [_named(*each) for each in inputs.items()]
    note = ", ".join([*named, *(f"{name}={value}" for name, value in settings.items())])
    return _op(target, note, backward, *inputs.values(), call=partial(call, **settings), skip=skip)


def _is_own(declared: Any) -> bool:
    """Whether an op or layer is declared in xpnet, and not in a test or by a user."""
    return str(declared.__module__).startswith("xpnet.")


def _drawn(value: Any) -> Any:
    if isinstance(value, tuple):
        return _normal(*value)
    return value(_rng) if callable(value) else value


def _named(name: str, array: _Host) -> str:
    kind = "" if array.dtype.kind == "f" else " integers"
    return f"{name} {array.shape}{kind}"


def _gradients(derivative: Op, dout: Array, known: dict[str, Any]) -> Any:
    names = [name for name in derivative.names[1:] if name in known]
    return derivative(dout, **{name: known[name] for name in names})


def _first_of(op: Op) -> Callable[..., Array]:
    return lambda *inputs, **settings: op(*inputs, **settings)[0]


def _layer(kind: Any, note: str, factory: Callable[[], Any], *inputs: Any, **options: Any) -> Case:
    return Case(kind, note, Subject(factory, inputs), **options)


_ALL_OPTIONS: dict[str, Any] = {
    "ignore_index": 2,
    "label_smoothing": 0.25,
    "class_weights": class_weights,
}
_WEIGHTS = class_weights(4)

_BACKWARDS = (Ellipsis, slice(None, None, -2), None, 1)


def _of_inputs(derivative: Callable[..., Any]) -> Callable[..., Any]:
    return lambda dout, _y, *inputs: derivative(dout, *inputs)


def _binary_cases() -> list[Case]:
    """Return examples of ops with two operands: of one shape, and of shapes that broadcast."""
    pairs = {
        ops.subtract: ops.subtract_backward,
        ops.divide: ops.divide_backward,
        ops.power: ops.power_backward,
    }
    return [
        _op(op, note, _of_inputs(derivative), abs(_normal(*x)) + 0.5, abs(_normal(*y)) + 0.5)
        for op, derivative in pairs.items()
        for note, x, y in (
            ("equal shapes", (5, 4), (5, 4)),
            ("broadcast", (5, 4), (4,)),
            ("scalar", (5, 4), ()),
        )
    ]


def _along(op: Any, derivative: Any) -> list[Case]:
    """Return examples of an op along axes."""
    some = {"axis": -1, "keepdims": True}
    return [
        _op(op, "all", _of_inputs(derivative), _normal(5, 4)),
        _op(
            op,
            "kept axis",
            lambda dout, _y, x: derivative(dout, x, **some),
            _normal(5, 4),
            call=partial(op, **some),
        ),
    ]


def _residual() -> Residual:
    return Residual(Affine.random(4, 4, weight_init_std=0.5, seed=1), Sigmoid())


def _concat() -> Concat:
    first, second = (Affine.random(4, 3, weight_init_std=0.5, seed=seed) for seed in (1, 2))
    return Concat(first, Sequential(second, Sigmoid()))


CATALOG: tuple[Case, ...] = (
    *_op_cases(),
    _op(
        ops.softmax_with_loss,
        "all options",
        partial(_loss_of_scores_backward, **_ALL_OPTIONS),
        *(_normal(5, 4), np.asarray([3, 2, 0, 3, 1])),
        call=partial(_loss_of_scores, **_ALL_OPTIONS),
    ),
    _layer(AddLayer, "equal shapes", AddLayer, _normal(5, 4), _normal(5, 4)),
    _layer(AddLayer, "broadcast", AddLayer, _normal(5, 4), _normal(4)),
    _layer(AddLayer, "both broadcast", AddLayer, _normal(5, 1), _normal(1, 4), skip=_NOT_BY_ROWS),
    _layer(MulLayer, "equal shapes", MulLayer, _normal(5, 4), _normal(5, 4)),
    _layer(MulLayer, "broadcast", MulLayer, _normal(5, 4), _normal(4)),
    _layer(MulLayer, "scalar", MulLayer, _normal(5, 4), _normal()),
    *(_layer(kind, "(5, 4)", kind, _normal(5, 4)) for kind in filter(_is_own, ACTIVATIONS)),
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
    *_binary_cases(),
    _op(ops.negative, "(5, 4)", _of_inputs(ops.negative_backward), _normal(5, 4)),
    _op(ops.absolute, "(5, 4)", _of_inputs(ops.absolute_backward), _normal(5, 4)),
    _op(
        ops.where,
        "both broadcast",
        lambda dout, _y, x, y: ops.where_backward(dout, x > 0, x, y),
        *(_normal(5, 4), _normal(4)),
        call=lambda x, y: ops.where(x > 0, x, y),
    ),
    _op(
        ops.matmul,
        "(5, 4) @ (4, 3)",
        _of_inputs(ops.matmul_backward),
        *(_normal(5, 4), _normal(4, 3)),
    ),
    _op(
        ops.matmul,
        "broadcast",
        _of_inputs(ops.matmul_backward),
        *(_normal(2, 1, 5, 4), _normal(3, 4, 2)),
        skip=_NOT_BY_ROWS,
    ),
    _op(
        ops.matmul,
        "two vectors",
        _of_inputs(ops.matmul_backward),
        *(_normal(4), _normal(4)),
        skip=_NO_BATCH,
    ),
    *_along(ops.sum, ops.sum_backward),
    *_along(ops.mean, ops.mean_backward),
    _op(
        ops.max,
        "last axis",
        lambda dout, y, x: ops.max_backward(dout, x, y, axis=-1),
        _normal(5, 4),
        call=partial(ops.max, axis=-1),
    ),
    _op(
        ops.reshape,
        "(5, 2, 2)",
        lambda dout, _y, x: ops.reshape_backward(dout, x, (x.shape[0], 2, 2)),
        _normal(5, 4),
        call=lambda x: ops.reshape(x, (x.shape[0], 2, 2)),
        skip=_NOT_BY_ROWS,
    ),
    _op(
        ops.transpose,
        "in reverse order",
        _of_inputs(ops.transpose_backward),
        _normal(5, 4, 3),
        skip=_NOT_BY_ROWS,
    ),
    _op(
        ops.getitem,
        "backwards",
        lambda dout, _y, x: ops.getitem_backward(dout, x, _BACKWARDS),
        _normal(5, 4, 3),
        call=lambda x: ops.getitem(x, _BACKWARDS),
        skip=_NOT_BY_ROWS,
    ),
    _op(
        ops.concat,
        "last axis",
        lambda dout, _y, *arrays: ops.concat_backward(dout, arrays, axis=-1),
        *(_normal(5, 4), _normal(5, 2)),
        call=lambda *arrays: ops.concat(arrays, axis=-1),
    ),
    _op(
        ops.stack,
        "last axis",
        lambda dout, _y, *arrays: ops.stack_backward(dout, arrays, axis=-1),
        *(_normal(5, 4), _normal(5, 4)),
        call=lambda *arrays: ops.stack(arrays, axis=-1),
    ),
    _layer(Residual, "affine and sigmoid", _residual, _normal(5, 4)),
    _layer(Concat, "two branches", _concat, _normal(5, 4)),
    _layer(Apply, "of an op", partial(Apply, ops.relu), _normal(5, 4)),
)
