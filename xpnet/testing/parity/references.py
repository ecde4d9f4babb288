"""What each op means, in exact arithmetic, and to what its error is relative.

NumPy's ``longdouble`` stands for exact arithmetic. A scale is what one relative rounding error
of each input and of each intermediate result adds up to in the output, to first order: the
componentwise condition of the op (Higham, *Accuracy and Stability of Numerical Algorithms*,
second edition, sections 3.5 and 7.2), which for a sum of products is the sum of their magnitudes.
For softmax and its logarithm it follows Blanchard, Higham and Higham, *Accurately computing the
log-sum-exp and softmax functions*, IMA Journal of Numerical Analysis 41 (2021).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np

from xpnet.testing.parity.inputs import Host

__all__ = ["REFERENCES", "Reference", "Value"]


@dataclass(frozen=True)
class Value:
    """The exact value of one result.

    Attributes
    ----------
    exact : numpy.ndarray
        Of longdouble.
    scale : numpy.ndarray
        What errors are relative to, of the same shape.
    length : int
        Of the longest sum.
    peak : numpy.ndarray or None
        The largest finite intermediate result, unless it is the scale. Where it overflows,
        nothing is promised.
    gain : numpy.ndarray or None
        By what an intermediate result that may underflow is multiplied afterwards, if by more
        than 1.
    """

    exact: Host
    scale: Host
    length: int = 1
    peak: Host | None = None
    gain: Host | None = None


@dataclass(frozen=True)
class Reference:
    """How to get the exact values of one function.

    Attributes
    ----------
    relative_to : str or None
        The scale as a formula; None is the result itself.
    values : callable
        Takes the inputs, or ``dout``, the output and the inputs, and returns a value for each
        result.
    """

    relative_to: str | None
    values: Callable[..., tuple[Value, ...]]


def _affine(x: Host, W: Host, b: Host) -> tuple[Value, ...]:
    product = _product(x, W)
    scale, peak = product.scale + abs(b), product.peak + _finite(b)
    return (Value(product.exact + b, scale, W.shape[0] + 1, peak),)


def _affine_backward(dout: Host, _y: Host, x: Host, W: Host, _b: Host) -> tuple[Value, ...]:
    rows, douts = x.reshape(-1, W.shape[0]), dout.reshape(-1, W.shape[1])
    return _product(dout, W.T), _product(rows.T, douts), _product(np.ones(len(rows)), douts)


def _relu(x: Host) -> tuple[Value, ...]:
    return (_itself(np.maximum(x, 0)),)


def _relu_backward(dout: Host, y: Host, _x: Host) -> tuple[Value, ...]:
    return (_itself(dout * np.sign(y)),)


def _sigmoid(x: Host) -> tuple[Value, ...]:
    return (_itself(1 / (1 + np.exp(-x))),)


def _sigmoid_backward(dout: Host, y: Host, _x: Host) -> tuple[Value, ...]:
    return (_itself(dout * y * (1 - y)),)


def _softmax(x: Host, axis: int = -1) -> tuple[Value, ...]:
    y, scale, _log, _log_scale = _probabilities(x, axis)
    return (Value(y, scale, length=x.shape[axis]),)


def _softmax_backward(dout: Host, y: Host, _x: Host, axis: int = -1) -> tuple[Value, ...]:
    inner, inner_scale = (
        (dout * y).sum(axis=axis, keepdims=True),
        (abs(dout) * y).sum(axis=axis, keepdims=True),
    )
    peak = abs(dout) + inner_scale
    return (Value(y * (dout - inner), y * peak, length=y.shape[axis], peak=peak),)


def _log_softmax(x: Host, axis: int = -1) -> tuple[Value, ...]:
    _y, _scale, log, log_scale = _probabilities(x, axis)
    return (Value(log, log_scale, length=x.shape[axis]),)


def _log_softmax_backward(dout: Host, y: Host, _x: Host, axis: int = -1) -> tuple[Value, ...]:
    total = dout.sum(axis=axis, keepdims=True)
    magnitude = abs(dout).sum(axis=axis, keepdims=True)
    return (
        Value(
            dout - np.exp(y) * total,
            abs(dout) + np.exp(y) * magnitude,
            length=y.shape[axis],
            peak=abs(dout) + magnitude,
            gain=abs(total),
        ),
    )


def _cross_entropy(y: Host, t: Host) -> tuple[Value, ...]:
    return (_mean(_expected(-np.log(y), t), _expected(abs(np.log(y)), t), y),)


def _cross_entropy_backward(dout: Host, _loss: Host, y: Host, t: Host) -> tuple[Value, ...]:
    rows = _rows(t, y)
    ratio, share = np.where(rows == 0, 0, -rows / y), dout / _samples(y)
    exact = ratio * share
    gain = np.fmax(abs(ratio), abs(share))
    return (Value(exact, abs(exact), peak=abs(ratio), gain=gain),)


def _softmax_with_loss(x: Host, t: Host, **options: Any) -> tuple[Value, ...]:
    _y, _scale, log, log_scale = _probabilities(x, -1)
    if not options:
        return (_mean(_expected(-log, t), _expected(log_scale, t), x),)
    rows, terms = _counted(t, x, **options)
    value = _mean(_expected(-log, rows), _expected(log_scale, rows), x)
    to_terms = _samples(x) / terms
    return (replace(value, exact=value.exact * to_terms, scale=value.scale * to_terms),)


def _softmax_with_loss_backward(
    dout: Host, _loss: Host, x: Host, t: Host, **options: Any
) -> tuple[Value, ...]:
    y, scale, _log, _log_scale = _probabilities(x, -1)
    rows, terms = _counted(t, x, **options) if options else (_rows(t, x), _samples(x))
    sums = rows.sum(axis=-1, keepdims=True) if options else 1
    share = dout / terms
    counts = rows.any(axis=-1, keepdims=True)  # a sample that does not count has no gradient
    return (
        Value(
            np.where(counts, (y * sums - rows) * share, 0),
            np.where(counts, (scale * sums + rows) * abs(share), 0),
            length=x.shape[-1],
            gain=abs(share),
        ),
    )


def _counted(
    t: Host,
    x: Host,
    ignore_index: int,
    label_smoothing: float,
    class_weights: Callable[[int], list[float]],
) -> tuple[Host, Any]:
    """Return what each class of each sample counts, and what the samples weigh together."""
    weights = np.asarray(class_weights(x.shape[-1]), dtype="longdouble")
    counts = (t != ignore_index)[..., None]
    weight = (_rows(t, x) * weights * counts).sum()
    even = np.longdouble(label_smoothing) / x.shape[-1]
    rows = ((1 - np.longdouble(label_smoothing)) * _rows(t, x) + even) * weights * counts
    return rows, weight if weight else np.inf


def _mean_squared_error(y: Host, t: Host) -> tuple[Value, ...]:
    squares = (y - t) ** 2
    total = squares.sum()
    exact = total / y.size
    return (Value(exact, exact, length=y.size, peak=total),)


def _mean_squared_error_backward(dout: Host, _loss: Host, y: Host, t: Host) -> tuple[Value, ...]:
    error, share = y - t, dout / y.size
    exact = 2 * error * share
    return (Value(exact, abs(exact), peak=abs(error), gain=np.fmax(abs(error), abs(share))),)


def _sigmoid_with_loss(x: Host, t: Host) -> tuple[Value, ...]:
    missed = np.where(t == 0, 0, t * np.maximum(-x, 0))
    invented = np.where(t == 1, 0, (1 - t) * np.maximum(x, 0))
    total = (missed + invented + np.log1p(np.exp(-abs(x)))).sum()
    exact = total / x.size
    return (Value(exact, exact, length=x.size, peak=total),)


def _sigmoid_with_loss_backward(dout: Host, _loss: Host, x: Host, t: Host) -> tuple[Value, ...]:
    y, share = 1 / (1 + np.exp(-x)), dout / x.size
    return (Value((y - t) * share, (y + t) * abs(share), gain=abs(share)),)


def _add(x: Host, y: Host) -> tuple[Value, ...]:
    return (_itself(x + y),)


def _add_backward(dout: Host, _sum: Host, _x: Host, _y: Host) -> tuple[Value, ...]:
    return _itself(dout), _itself(dout)


def _mul(x: Host, y: Host) -> tuple[Value, ...]:
    return (_itself(x * y),)


def _mul_backward(dout: Host, _product: Host, x: Host, y: Host) -> tuple[Value, ...]:
    return _itself(dout * y), _itself(dout * x)


def _product(a: Host, b: Host) -> Value:
    return Value(a @ b, abs(a) @ abs(b), len(b), _finite(a) @ _finite(b))


def _finite(x: Host) -> Host:
    """Return magnitudes of what can overflow: an infinite input makes no promise void."""
    return np.where(np.isfinite(x), abs(x), 0)


def _itself(exact: Host) -> Value:
    return Value(exact, abs(exact), peak=np.zeros_like(exact))


def _probabilities(x: Host, axis: int) -> tuple[Host, Host, Host, Host]:
    """Return softmax and its logarithm, each with its scale."""
    shifted = x - x.max(axis=axis, keepdims=True)
    y = np.exp(shifted)
    total = y.sum(axis=axis, keepdims=True)
    log_total = np.log(total)
    y /= total
    # An exponential turns the absolute error of its argument into a relative one.
    scale = np.where(y == 0, 0, y * (1 + abs(shifted)))
    return y, scale, shifted - log_total, 1 + abs(shifted) + log_total


def _mean(losses: Host, scales: Host, like: Host) -> Value:
    samples, classes = _samples(like), like.shape[-1]
    total = scales.sum()
    return Value(losses.sum() / samples, total / samples, length=samples + classes, peak=total)


def _samples(x: Host) -> int:
    return prod(x.shape[:-1])


def _rows(t: Host, like: Host) -> Host:
    return t if t.shape == like.shape else (t[..., None] == np.arange(like.shape[-1])).astype("f8")


def _expected(values: Host, t: Host) -> Any:
    rows = _rows(t, values)
    return np.where(rows == 0, 0, rows * values).sum(axis=-1)


REFERENCES = {
    "affine": Reference("abs(x) @ abs(W) + abs(b)", _affine),
    "affine_backward": Reference(
        "abs(dout) @ abs(W).T; abs(x).T @ abs(dout); sum(abs(dout))", _affine_backward
    ),
    "affine_param_gradients": Reference("abs(x).T @ abs(dout); sum(abs(dout))", _affine_backward),
    "relu": Reference(None, _relu),
    "relu_backward": Reference(None, _relu_backward),
    "sigmoid": Reference(None, _sigmoid),
    "sigmoid_backward": Reference(None, _sigmoid_backward),
    "softmax": Reference("y * (1 + max(x) - x)", _softmax),
    "softmax_backward": Reference("y * (abs(dout) + sum(y * abs(dout)))", _softmax_backward),
    "log_softmax": Reference("1 + max(x) - x + log(s)", _log_softmax),
    "log_softmax_backward": Reference("abs(dout) + exp(y) * sum(abs(dout))", _log_softmax_backward),
    "cross_entropy_error": Reference("mean(sum(t * abs(log(y))))", _cross_entropy),
    "cross_entropy_error_backward": Reference(None, _cross_entropy_backward),
    "softmax_with_loss": Reference("mean(sum(q * (1 + max(x) - x + log(s))))", _softmax_with_loss),
    "softmax_with_loss_backward": Reference(
        "(y * (1 + max(x) - x) * sum(q) + q) * abs(dout) / n", _softmax_with_loss_backward
    ),
    "mean_squared_error": Reference(None, _mean_squared_error),
    "mean_squared_error_backward": Reference(None, _mean_squared_error_backward),
    "sigmoid_with_loss": Reference(None, _sigmoid_with_loss),
    "sigmoid_with_loss_backward": Reference(
        "(y + t) * abs(dout) / y.size", _sigmoid_with_loss_backward
    ),
    "add": Reference(None, _add),
    "add_backward": Reference(None, _add_backward),
    "mul": Reference(None, _mul),
    "mul_backward": Reference(None, _mul_backward),
}
"""By the name of the op or of its derivative."""
