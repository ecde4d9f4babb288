"""One call of each op of ``xpnet.kernels.cuda``, with what must come out.

The generic ops, in float64, are the truth for the layers; for the optimizers their formulas are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np
from numpy.testing import assert_array_equal

from xpnet import ops
from xpnet.kernels import cuda
from xpnet.kernels.cuda.launch import Launcher
from xpnet.testing.tolerance import tolerance, underflow

__all__ = ["DTYPES", "ELEMENTWISE", "ROWWISE", "Trial", "as_float64", "draw"]

DTYPES = {
    name: np.dtype(getattr(ml_dtypes, name, name))
    for name in ("float16", "bfloat16", "float32", "float64")
}


@dataclass
class Trial:
    """A call, and what it must write.

    Attributes
    ----------
    call : callable
        Takes the arrays, in order, and ``launch=``.
    arrays : list of numpy.ndarray
        Its arguments.
    written : dict of int to (numpy.ndarray, numpy.ndarray)
        By position: the exact result, and the magnitude that an error is relative to.
    """

    call: Callable[..., None]
    arrays: list[np.ndarray]
    written: dict[int, tuple[np.ndarray, np.ndarray]]

    def run(
        self,
        launch: Launcher,
        array: Callable[[np.ndarray], Any],
        host: Callable[[Any], np.ndarray] = np.asarray,
    ) -> None:
        """Call the op on copies that ``array`` makes, and hold what it wrote against the truth."""
        arrays = [array(values) for values in self.arrays]
        self.call(*arrays, launch=launch)
        self.check([host(array) for array in arrays])

    def check(self, arrays: list[np.ndarray]) -> None:
        """Hold the arrays after the call against the truth."""
        for position, (found, before) in enumerate(zip(arrays, self.arrays, strict=True)):
            if position in self.written:
                assert_close(found, *self.written[position], length=before.shape[-1:])
            else:
                assert_array_equal(as_float64(found), as_float64(before))


def assert_close(found: np.ndarray, exact: np.ndarray, magnitude: np.ndarray, length) -> None:
    """Compare as closely as the dtype and the kernels' order of summing allow."""
    # A thread sums at most 64 numbers, or its part of a streamed row; ten steps join the threads.
    sums = 64 + 10 + (length[0] // 512 if length else 0)
    with np.errstate(invalid="ignore"):
        error = np.abs(as_float64(found) - exact)
        bound = tolerance(found.dtype, sums, stored=1) * magnitude + underflow(found.dtype, sums)
        fits = (error <= bound) | (as_float64(found) == exact) | (np.isnan(exact) & np.isnan(found))
    if not fits.all():
        first = tuple(map(int, np.argwhere(~fits)[0]))
        text = f"{(~fits).sum()} of {fits.size} are wrong, the first at {first}: "
        text += f"{found[first]} is not {exact[first]}"
        raise AssertionError(text)


def as_float64(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float64)


def draw(seed: int, shape: tuple[int, ...], dtype: str, scale: float = 1.0) -> np.ndarray:
    """Return normal numbers that the dtype can hold."""
    return (np.random.default_rng(seed).normal(size=shape) * scale).astype(DTYPES[dtype])


def blank(like: np.ndarray) -> np.ndarray:
    """Return what an output holds before."""
    return np.full_like(like, 7)


# Rows ----------------------------------------------------------------------------------------


def softmax(dtype: str, shape: tuple[int, ...], x: np.ndarray | None = None) -> Trial:
    x = draw(1, shape, dtype, 3) if x is None else x
    exact = ops.softmax(as_float64(x))
    return Trial(cuda.softmax, [x, blank(x)], {1: (exact, exact * (1 + distance(x)))})


def log_softmax(dtype: str, shape: tuple[int, ...], x: np.ndarray | None = None) -> Trial:
    x = draw(2, shape, dtype, 3) if x is None else x
    exact = ops.log_softmax(as_float64(x))
    return Trial(cuda.log_softmax, [x, blank(x)], {1: (exact, of_logarithm(x))})


def softmax_backward(dtype: str, shape: tuple[int, ...]) -> Trial:
    dout, y = draw(3, shape, dtype), ops.softmax(as_float64(draw(4, shape, dtype, 3)))
    y = y.astype(dout.dtype)
    exact = ops.softmax_backward(as_float64(dout), as_float64(y))
    p, d = as_float64(y), np.abs(as_float64(dout))
    magnitude = p * (d + (d * p).sum(axis=-1, keepdims=True))
    return Trial(cuda.softmax_backward, [dout, y, blank(y)], {2: (exact, magnitude)})


def log_softmax_backward(dtype: str, shape: tuple[int, ...]) -> Trial:
    dout, y = draw(5, shape, dtype), ops.log_softmax(as_float64(draw(6, shape, dtype, 3)))
    y = y.astype(dout.dtype)
    exact = ops.log_softmax_backward(as_float64(dout), as_float64(y))
    d, v = np.abs(as_float64(dout)), as_float64(y)
    magnitude = d + np.exp(v) * (1 + np.abs(v)) * d.sum(axis=-1, keepdims=True)
    return Trial(cuda.log_softmax_backward, [dout, y, blank(y)], {2: (exact, magnitude)})


def softmax_with_loss(
    dtype: str, shape: tuple[int, ...], label: str = "int64", x: np.ndarray | None = None
) -> Trial:
    x = draw(7, shape, dtype, 3) if x is None else x
    t = np.random.default_rng(8).integers(0, shape[-1], size=shape[:-1]).astype(label)
    loss, y = ops.softmax_with_loss(as_float64(x), t)
    # The largest magnitude of a sample, as one sample may be all that a mean rests on.
    magnitude = of_logarithm(x).max(initial=0)
    written = {2: (loss, magnitude), 3: (y, y * (1 + distance(x)))}
    empty = np.full((), 7, dtype=x.dtype)
    return Trial(cuda.softmax_with_loss, [x, t, empty, blank(x)], written)


def distance(x: np.ndarray) -> np.ndarray:
    """Return how far each score is below the largest; 0 where that says nothing."""
    wide = as_float64(x)
    with np.errstate(invalid="ignore"):
        below = wide.max(axis=-1, keepdims=True, initial=-np.inf) - wide
    return np.where(np.isfinite(below), below, 0)


def of_logarithm(x: np.ndarray) -> np.ndarray:
    """Return the magnitude of what the logarithm of softmax is a sum of."""
    below = distance(x)
    mean = (np.exp(-below) * below).sum(axis=-1, keepdims=True)
    total = np.exp(-below).sum(axis=-1, keepdims=True)
    return 1 + below + mean / total + np.log(total)


# Elements ------------------------------------------------------------------------------------


def softmax_with_loss_backward(
    dtype: str, shape: tuple[int, ...], label: str = "int64", dout: float | np.ndarray = 0.75
) -> Trial:
    y = ops.softmax(as_float64(draw(9, shape, dtype))).astype(DTYPES[dtype])
    t = np.random.default_rng(10).integers(0, shape[-1], size=shape[:-1]).astype(label)
    exact = ops.softmax_with_loss_backward(float(dout), as_float64(y), t)
    magnitude = np.abs(ops.softmax_with_loss_backward(float(dout), -as_float64(y), t))

    def call(y: np.ndarray, t: np.ndarray, dx: np.ndarray, *, launch: Launcher) -> None:
        cuda.softmax_with_loss_backward(dout, y, t, dx, launch=launch)

    return Trial(call, [y, t, blank(y)], {2: (exact, magnitude)})


def bias_activation(dtype: str, shape: tuple[int, ...], activation: str = "none") -> Trial:
    y, b = draw(11, shape, dtype, 3), draw(12, shape[-1:], dtype)
    exact = as_float64(y) + as_float64(b)
    magnitude = np.abs(as_float64(y)) + np.abs(as_float64(b))
    if activation == "relu":
        exact = ops.relu(exact)
    if activation == "sigmoid":
        exact = ops.sigmoid(exact)
        magnitude = exact * (1 + magnitude)

    def call(y: np.ndarray, b: np.ndarray, *, launch: Launcher) -> None:
        cuda.bias_activation(y, b, activation, launch=launch)

    return Trial(call, [y, b], {0: (exact, magnitude)})


def relu_backward(dtype: str, shape: tuple[int, ...]) -> Trial:
    dout, y = draw(13, shape, dtype), np.maximum(draw(14, shape, dtype), 0)
    exact = ops.relu_backward(as_float64(dout), as_float64(y))
    return Trial(cuda.relu_backward, [dout, y, blank(y)], {2: (exact, np.abs(exact))})


def sigmoid_backward(dtype: str, shape: tuple[int, ...]) -> Trial:
    dout, y = draw(15, shape, dtype), ops.sigmoid(as_float64(draw(16, shape, dtype)))
    y = y.astype(dout.dtype)
    exact = ops.sigmoid_backward(as_float64(dout), as_float64(y))
    return Trial(cuda.sigmoid_backward, [dout, y, blank(y)], {2: (exact, np.abs(exact))})


LR, MOMENTUM, DECAY, BETA1, BETA2, EPS, WEIGHT_DECAY, STEP = (
    0.1,
    0.9,
    0.99,
    0.9,
    0.999,
    1e-3,
    0.01,
    3,
)


def sgd(dtype: str, shape: tuple[int, ...]) -> Trial:
    (param, grad), (p, g) = parameters(dtype, shape, 2)

    def call(param: np.ndarray, grad: np.ndarray, *, launch: Launcher) -> None:
        cuda.sgd_update(param, grad, LR, launch=launch)

    return Trial(call, [param, grad], {0: (p - LR * g, np.abs(p) + np.abs(LR * g))})


def momentum(dtype: str, shape: tuple[int, ...]) -> Trial:
    arrays, (p, g, v) = parameters(dtype, shape, 3)
    moved, size = MOMENTUM * v - LR * g, np.abs(v) + np.abs(g)

    def call(*arrays: np.ndarray, launch: Launcher) -> None:
        cuda.momentum_update(*arrays, LR, MOMENTUM, launch=launch)

    return Trial(call, arrays, {0: (p + moved, np.abs(p) + size), 2: (moved, size)})


def nesterov(dtype: str, shape: tuple[int, ...]) -> Trial:
    arrays, (p, g, v) = parameters(dtype, shape, 3)
    moved, size = MOMENTUM * v - LR * g, np.abs(v) + np.abs(g)
    ahead = p + MOMENTUM * moved - LR * g

    def call(*arrays: np.ndarray, launch: Launcher) -> None:
        cuda.nesterov_update(*arrays, LR, MOMENTUM, launch=launch)

    return Trial(call, arrays, {0: (ahead, np.abs(p) + 2 * size), 2: (moved, size)})


def adagrad(dtype: str, shape: tuple[int, ...]) -> Trial:
    arrays, (p, g, s) = parameters(dtype, shape, 3)
    squares = s + g * g
    way = LR * g / (np.sqrt(squares) + EPS)

    def call(*arrays: np.ndarray, launch: Launcher) -> None:
        cuda.adagrad_update(*arrays, LR, EPS, launch=launch)

    return Trial(call, arrays, {0: (p - way, np.abs(p) + np.abs(way)), 2: (squares, squares)})


def rmsprop(dtype: str, shape: tuple[int, ...]) -> Trial:
    arrays, (p, g, s) = parameters(dtype, shape, 3)
    squares = DECAY * s + (1 - DECAY) * g * g
    way = LR * g / (np.sqrt(squares) + EPS)

    def call(*arrays: np.ndarray, launch: Launcher) -> None:
        cuda.rmsprop_update(*arrays, LR, DECAY, EPS, launch=launch)

    return Trial(call, arrays, {0: (p - way, np.abs(p) + np.abs(way)), 2: (squares, squares)})


def adam(
    dtype: str, shape: tuple[int, ...], weight_decay: float = WEIGHT_DECAY, step: int = STEP
) -> Trial:
    arrays, (p, g, m, s) = parameters(dtype, shape, 4)
    mean, square = BETA1 * m + (1 - BETA1) * g, BETA2 * s + (1 - BETA2) * g * g
    size = BETA1 * np.abs(m) + (1 - BETA1) * np.abs(g)
    factor = LR / (1 - BETA1**step) / (np.sqrt(square / (1 - BETA2**step)) + EPS)
    after = p * (1 - LR * weight_decay) - mean * factor

    def call(*arrays: np.ndarray, launch: Launcher) -> None:
        settings = (LR, BETA1, BETA2, EPS, step, weight_decay)
        cuda.adam_update(*arrays, *settings, launch=launch)

    written = {0: (after, np.abs(p) + size * factor), 2: (mean, size), 3: (square, square)}
    return Trial(call, arrays, written)


def parameters(
    dtype: str, shape: tuple[int, ...], count: int
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return a parameter, its gradient and its state, as they are and in float64."""
    arrays = [draw(20 + i, shape, dtype) for i in range(count)]
    arrays[-1] = np.abs(arrays[-1])  # it may be a mean of squares
    return arrays, [as_float64(array) for array in arrays]


ROWWISE: dict[str, Callable[..., Trial]] = {
    "softmax": softmax,
    "log_softmax": log_softmax,
    "softmax_backward": softmax_backward,
    "log_softmax_backward": log_softmax_backward,
    "softmax_with_loss int32": lambda *args: softmax_with_loss(*args, label="int32"),
    "softmax_with_loss int64": lambda *args: softmax_with_loss(*args, label="int64"),
}
ELEMENTWISE: dict[str, Callable[..., Trial]] = {
    "softmax_with_loss_backward int32": lambda *args: softmax_with_loss_backward(
        *args, label="int32"
    ),
    "softmax_with_loss_backward int64": lambda *args: softmax_with_loss_backward(
        *args, label="int64"
    ),
    "bias": bias_activation,
    "bias and relu": lambda *args: bias_activation(*args, activation="relu"),
    "bias and sigmoid": lambda *args: bias_activation(*args, activation="sigmoid"),
    "relu_backward": relu_backward,
    "sigmoid_backward": sigmoid_backward,
    "sgd": sgd,
    "momentum": momentum,
    "nesterov": nesterov,
    "adagrad": adagrad,
    "rmsprop": rmsprop,
    "adam": adam,
}
