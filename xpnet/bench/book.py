"""The baseline: the computation of chapter 5 of *Deep Learning from Scratch*, in plain NumPy.

Affine, ReLU, Affine, and softmax with cross entropy, written anew from what the book describes.
Every choice that costs time or accuracy is kept, because it is what xpnet is measured against:
a boolean mask for ReLU, written through in place; ``1e-7`` inside the logarithm; an upstream
gradient that the loss ignores; a ``dx`` of the first layer that nobody reads; fresh arrays
everywhere. The book computes in float64; here the arrays that come in decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from xpnet.bench.contender import Contender, Job

__all__ = ["Book"]

Array: TypeAlias = np.ndarray[Any, Any]


def affine(x: Array, W: Array, b: Array) -> Array:
    """Return ``x @ W + b``."""
    y: Array = np.dot(x, W) + b
    return y


def affine_backward(dout: Array, x: Array, W: Array) -> tuple[Array, Array, Array]:
    """Return ``dx``, ``dW`` and ``db``."""
    dx = np.dot(dout, W.T)
    dW = np.dot(x.T, dout)
    db = np.sum(dout, axis=0)
    return dx, dW, db


def relu(x: Array) -> tuple[Array, Array]:
    """Return ``y`` and the mask of what was not positive."""
    mask = x <= 0
    y = x.copy()
    y[mask] = 0
    return y, mask


def relu_backward(dout: Array, mask: Array) -> Array:
    """Change ``dout``, as the book does."""
    dout[mask] = 0
    return dout


def softmax(x: Array) -> Array:
    """Return the probabilities of each row."""
    exps = np.exp(x - np.max(x, axis=-1, keepdims=True))
    y: Array = exps / np.sum(exps, axis=-1, keepdims=True)
    return y


def softmax_with_loss(x: Array, t: Array) -> tuple[Any, Array]:
    """Return the mean cross entropy, and the probabilities."""
    y = softmax(x)
    picked = y[np.arange(len(t)), t]
    return -np.sum(np.log(picked + 1e-7)) / len(t), y


def softmax_with_loss_backward(_dout: Any, y: Array, t: Array) -> Array:
    """Return the gradient of the scores."""
    dx = y.copy()
    dx[np.arange(len(t)), t] -= 1
    return dx / len(t)


def gradient(params: Sequence[Array], x: Array, t: Array) -> tuple[Array, ...]:
    """Return the gradients of ``W1``, ``b1``, ``W2`` and ``b2``."""
    W1, b1, W2, b2 = params
    a1 = affine(x, W1, b1)
    h, mask = relu(a1)
    scores = affine(h, W2, b2)
    _loss, y = softmax_with_loss(scores, t)

    dscores = softmax_with_loss_backward(1, y, t)
    dh, dW2, db2 = affine_backward(dscores, h, W2)
    da1 = relu_backward(dh, mask)
    _dx, dW1, db1 = affine_backward(da1, x, W1)
    return dW1, db1, dW2, db2


class Book(Contender):
    """The book's computation as a contender."""

    def __init__(self, dtype: str) -> None:
        self.name, self.dtype = f"book {dtype}", dtype

    def softmax(self, x: Array) -> Job:
        return Job(lambda x: (softmax(x),))

    def loss(self, x: Array, t: Array) -> Job:
        return Job(softmax_with_loss, _without_loss)

    def loss_backward(self, x: Array, t: Array) -> Job:
        def run(x: Array, t: Array) -> tuple[Any, Array]:
            loss, y = softmax_with_loss(x, t)
            return loss, softmax_with_loss_backward(1, y, t)

        return Job(run, _without_loss)

    def affine(self, x: Array, W: Array, b: Array) -> Job:
        return Job(lambda x: (affine(x, W, b),))

    def affine_backward(self, x: Array, dout: Array, W: Array, b: Array) -> Job:
        def run(x: Array, dout: Array) -> tuple[Array, ...]:
            return affine(x, W, b), *affine_backward(dout, x, W)

        return Job(run)

    def step(self, params: Sequence[Array], lr: float) -> Job:
        def run(x: Array, t: Array) -> None:
            for param, grad in zip(params, gradient(params, x, t), strict=True):
                param -= lr * grad

        return Job(run, lambda _: params)


def _without_loss(result: tuple[Any, Array]) -> tuple[None, Array]:
    """Leave out the loss, which is another one for its ``1e-7``."""
    return None, result[1]
