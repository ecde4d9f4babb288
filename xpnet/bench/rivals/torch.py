"""PyTorch, eager."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from xpnet.bench.contender import Contender, Job, Unavailable

__all__ = ["Torch"]


class Torch(Contender):
    """Functions and modules of ``torch.nn``, gradients by autograd."""

    def __init__(self, device: str = "cpu") -> None:
        self.name = "torch" if device == "cpu" else f"torch {device}"
        self.device = device

    def load(self) -> None:
        try:
            import torch
        except ImportError as error:
            raise Unavailable(str(error)) from error
        if self.device != "cpu" and not torch.cuda.is_available():
            msg = "PyTorch finds no GPU"
            raise Unavailable(msg)
        self.torch: Any = torch

    def array(self, host: np.ndarray[Any, Any]) -> Any:
        return self.torch.from_numpy(host).to(self.device)

    def wait(self, result: Any) -> None:
        if self.device != "cpu":
            self.torch.cuda.synchronize()

    def softmax(self, x: Any) -> Job:
        softmax, y = self.torch.softmax, self.torch.empty_like(x)
        return Job(lambda x: (softmax(x, -1, out=y),))

    def loss(self, x: Any, t: Any) -> Job:
        cross_entropy = self._cross_entropy()
        return Job(lambda x, t: (cross_entropy(x, t), None))

    def loss_backward(self, x: Any, t: Any) -> Job:
        cross_entropy, grad = self._cross_entropy(), self.torch.autograd.grad

        def run(x: Any, t: Any) -> tuple[Any, Any]:
            scores = x.detach().requires_grad_()
            loss = cross_entropy(scores, t)
            (dx,) = grad(loss, scores)
            return loss.detach(), dx

        return Job(run)

    def affine(self, x: Any, W: Any, b: Any) -> Job:
        linear, weight = self._linear(), W.T.contiguous()
        return Job(lambda x: (linear(x, weight, b),))

    def affine_backward(self, x: Any, dout: Any, W: Any, b: Any) -> Job:
        linear, grad = self._linear(), self.torch.autograd.grad
        weight, bias = W.T.contiguous().requires_grad_(), b.requires_grad_()

        def run(x: Any, dout: Any) -> tuple[Any, ...]:
            leaf = x.detach().requires_grad_()
            y = linear(leaf, weight, bias)
            return y.detach(), *grad(y, (leaf, weight, bias), dout)

        def outputs(result: tuple[Any, ...]) -> tuple[Any, ...]:
            y, dx, dweight, db = result
            return y, dx, dweight.T, db

        return Job(run, outputs)

    def step(self, params: Sequence[Any], lr: float) -> Job:
        net = self._net(params)
        optimizer = self.torch.optim.SGD(net.parameters(), lr=lr)
        cross_entropy = self._cross_entropy()

        def run(x: Any, t: Any) -> Any:
            optimizer.zero_grad()
            loss = cross_entropy(net(x), t)
            loss.backward()
            optimizer.step()
            return loss

        return Job(run, lambda _: self._params(net))

    def _cross_entropy(self) -> Any:
        return self.torch.nn.functional.cross_entropy

    def _linear(self) -> Any:
        return self.torch.nn.functional.linear

    def _net(self, params: Sequence[Any]) -> Any:
        W1, b1, W2, b2 = params
        nn = self.torch.nn
        first, second = nn.Linear(*W1.shape), nn.Linear(*W2.shape)
        with self.torch.no_grad():
            for layer, W, b in (first, W1, b1), (second, W2, b2):
                layer.weight.copy_(W.T)
                layer.bias.copy_(b)
        return nn.Sequential(first, nn.ReLU(), second).to(self.device)

    def _params(self, net: Any) -> tuple[Any, ...]:
        first, _relu, second = net
        layers = first, second
        return tuple(a.detach() for layer in layers for a in (layer.weight.T, layer.bias))
