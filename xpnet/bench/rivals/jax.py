"""JAX under ``jax.jit``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from xpnet.bench.contender import Contender, Job, Unavailable

__all__ = ["Jax"]


class Jax(Contender):
    """Functions of ``jax.nn``, gradients by ``jax.grad``, each workload one compiled function."""

    name = "jax.jit"

    def load(self) -> None:
        try:
            import jax
        except ImportError as error:
            raise Unavailable(str(error)) from error
        self.jax: Any = jax

    def array(self, host: np.ndarray[Any, Any]) -> Any:
        return self.jax.numpy.array(host.astype("int32") if host.dtype.kind == "i" else host)

    def wait(self, result: Any) -> None:
        self.jax.block_until_ready(result)

    def softmax(self, x: Any) -> Job:
        return Job(self.jax.jit(lambda x: (self.jax.nn.softmax(x, axis=-1),)))

    def loss(self, x: Any, t: Any) -> Job:
        return Job(self.jax.jit(lambda x, t: (self._cross_entropy(x, t), None)))

    def loss_backward(self, x: Any, t: Any) -> Job:
        return Job(self.jax.jit(self.jax.value_and_grad(self._cross_entropy)))

    def affine(self, x: Any, W: Any, b: Any) -> Job:
        affine = self.jax.jit(_affine)
        return Job(lambda x: (affine(x, W, b),))

    def affine_backward(self, x: Any, dout: Any, W: Any, b: Any) -> Job:
        def forward_backward(x: Any, W: Any, b: Any, dout: Any) -> tuple[Any, ...]:
            y, backward = self.jax.vjp(_affine, x, W, b)
            return y, *backward(dout)

        run = self.jax.jit(forward_backward)
        return Job(lambda x, dout: run(x, W, b, dout))

    def step(self, params: Sequence[Any], lr: float) -> Job:
        jax = self.jax

        def loss_of(params: Any, x: Any, t: Any) -> Any:
            W1, b1, W2, b2 = params
            h = jax.nn.relu(_affine(x, W1, b1))
            return self._cross_entropy(_affine(h, W2, b2), t)

        def new_params(params: Any, x: Any, t: Any) -> tuple[Any, Any]:
            loss, grads = jax.value_and_grad(loss_of)(params, x, t)
            return jax.tree.map(lambda param, grad: param - lr * grad, params, grads), loss

        step = jax.jit(new_params, donate_argnums=0)
        params = tuple(params)

        def run(x: Any, t: Any) -> Any:
            nonlocal params
            params, loss = step(params, x, t)
            return params, loss

        return Job(run, lambda result: result[0])

    def _cross_entropy(self, x: Any, t: Any) -> Any:
        log_y = self.jax.nn.log_softmax(x, axis=-1)
        return -self.jax.numpy.mean(self.jax.numpy.take_along_axis(log_y, t[:, None], axis=-1))


def _affine(x: Any, W: Any, b: Any) -> Any:
    return x @ W + b
