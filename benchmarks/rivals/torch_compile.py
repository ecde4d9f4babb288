"""PyTorch under ``torch.compile``."""

from __future__ import annotations

from functools import cache

from xpnet.bench.contender import Job, Unavailable
from xpnet.bench.rivals.torch import Torch


class TorchCompile(Torch):
    """As Torch, with each forward compiled for its shape, and the optimizer's step too."""

    def __init__(self):
        super().__init__()
        self.name = "torch.compile"

    def load(self):
        super().load()
        if problem := _problem():
            raise Unavailable(problem)
        # It keeps eight shapes of a function; with more it would go on uncompiled.
        self.torch.compiler.reset()

    def softmax(self, x):
        y = self.torch.empty_like(x)
        softmax = self._compiled(lambda x, y: y.copy_(self.torch.softmax(x, -1)))
        return Job(lambda x: (softmax(x, y),))

    def _cross_entropy(self):
        cross_entropy = super()._cross_entropy()
        return self._compiled(lambda x, t: cross_entropy(x, t))

    def _linear(self):
        linear = super()._linear()
        return self._compiled(lambda x, weight, b: linear(x, weight, b))

    def step(self, params, lr):
        net = self._net(params)
        optimizer = self.torch.optim.SGD(net.parameters(), lr=lr)
        cross_entropy = super()._cross_entropy()
        loss_of = self._compiled(lambda x, t: cross_entropy(net(x), t))
        update = self.torch.compile(optimizer.step)

        def run(x, t):
            optimizer.zero_grad()
            loss = loss_of(x, t)
            loss.backward()
            update()
            return loss

        return Job(run, lambda _: self._params(net))

    def _compiled(self, function):
        return self.torch.compile(function, dynamic=False)


@cache
def _problem():
    """Return why nothing can be compiled here, for want of a C++ compiler for one, or None."""
    import torch

    try:
        torch.compile(lambda x: x + 1)(torch.ones(1))
    except Exception as error:
        return f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"
    return None
