"""The limit: what the machine needs for the memory traffic, or for the bare matrix products."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from xpnet.bench.contender import Contender, Job

__all__ = ["Limit"]


class Limit(Contender):
    """Copies for ops that move memory, products for those that multiply, into reused arrays."""

    name = "limit"
    role: ClassVar[str] = "limit"
    namespace: Any = np  # or CuPy, which has the same names

    def softmax(self, x: Any) -> Job:
        y = self.namespace.empty_like(x)
        return Job(lambda x: self.namespace.copyto(y, x), _nothing)

    def loss(self, x: Any, t: Any) -> Job:
        y = self.namespace.empty_like(x)
        return Job(lambda x, _t: self.namespace.copyto(y, x), _nothing)

    def loss_backward(self, x: Any, t: Any) -> Job:
        y, dx = self.namespace.empty_like(x), self.namespace.empty_like(x)

        def run(x: Any, _t: Any) -> None:
            self.namespace.copyto(y, x)
            self.namespace.copyto(dx, y)

        return Job(run, _nothing)

    def affine(self, x: Any, W: Any, b: Any) -> Job:
        y = x @ W
        return Job(lambda x: self.namespace.matmul(x, W, out=y), _nothing)

    def affine_backward(self, x: Any, dout: Any, W: Any, b: Any) -> Job:
        y, dx, dW = (
            self.namespace.empty_like(dout),
            self.namespace.empty_like(x),
            self.namespace.empty_like(W),
        )

        def run(x: Any, dout: Any) -> None:
            self.namespace.matmul(x, W, out=y)
            self.namespace.matmul(dout, W.T, out=dx)
            self.namespace.matmul(x.T, dout, out=dW)

        return Job(run, _nothing)

    def step(self, params: Sequence[Any], lr: float) -> Job:
        """Two products forward and three backward: nobody reads the first layer's ``dx``."""
        W1, _b1, W2, _b2 = params
        dW1, dW2 = self.namespace.empty_like(W1), self.namespace.empty_like(W2)
        buffers: dict[int, tuple[Any, ...]] = {}

        def run(x: Any, _t: Any) -> None:
            if len(x) not in buffers:
                h = x @ W1
                buffers[len(x)] = h, self.namespace.empty_like(h), h @ W2
            h, dh, scores = buffers[len(x)]
            self.namespace.matmul(x, W1, out=h)
            self.namespace.matmul(h, W2, out=scores)
            self.namespace.matmul(scores, W2.T, out=dh)
            self.namespace.matmul(h.T, scores, out=dW2)
            self.namespace.matmul(x.T, h, out=dW1)

        return Job(run, _nothing)


def _nothing(_: Any) -> tuple[()]:
    return ()
