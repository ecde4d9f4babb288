"""A step on JAX that is one function under ``jax.jit``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import jax

from xpnet._typing import Array
from xpnet.backends import adapter_of
from xpnet.layers import Dropout, SoftmaxWithLoss
from xpnet.nets import Sequential
from xpnet.ops.labels import check_values

__all__ = ["JittedStep"]

_Arrays: TypeAlias = dict[str, Array]


class JittedStep:
    """Forward, backward and update, traced once for each shape of a batch.

    The parameters are given away to the compiled function, which may write the new ones into
    their memory. The first step copies them, so that arrays of the caller's survive.
    """

    def __init__(self, net: Sequential, optimizer: Any) -> None:
        self._net, self._optimizer = net, optimizer
        self._is_pure = hasattr(optimizer, "apply")
        self._dropouts = [layer for layer in net.layers.values() if isinstance(layer, Dropout)]
        self._own: dict[str, int] = {}
        self._shapes: dict[Any, tuple[int, ...]] = {}
        donated = ("params", "state") if self._is_pure else ()
        self._traced = jax.jit(self._step, donate_argnames=donated)

    def __call__(self, x: Array, t: Array) -> Array:
        params = dict(self._net.params)
        self._check_labels(params, x, t)
        counts = [layer.step for layer in self._dropouts]
        if not self._is_pure:
            loss, grads = self._traced(params, {}, {}, counts, x, t)
            self._optimizer.update(self._net.params, grads)
        else:
            optimizer = self._optimizer
            state = {**optimizer.initial_state(params), **optimizer.state}
            loss, params, optimizer.state = self._traced(
                self._given_away(params), state, optimizer.settings, counts, x, t
            )
            self._net.params.update(params)
            self._own = {name: id(array) for name, array in params.items()}
        for layer in self._dropouts:
            layer.step += 1
        return loss

    def _given_away(self, params: _Arrays) -> _Arrays:
        """Return arrays that nobody else holds: those of the last step, or copies."""
        return {
            name: array if self._own.get(name) == id(array) else array.copy()
            for name, array in params.items()
        }

    def _step(
        self,
        params: _Arrays,
        state: dict[str, Any],
        settings: dict[str, Any],
        counts: list[Any],
        x: Array,
        t: Array,
    ) -> tuple[Any, ...]:
        with self._traced_net(params, counts):
            loss, grads = self._net.loss_and_gradient(x, t)
            if not self._is_pure:
                return loss, grads
            return loss, *self._optimizer.apply(params, grads, state, settings)

    @contextmanager
    def _traced_net(self, params: _Arrays, counts: list[Any]) -> Iterator[None]:
        """Let the layers compute with traced arrays, and leave them as they were."""
        members = [*self._net.layers.values(), self._net.last_layer]
        before = [(layer, dict(vars(layer))) for layer in members]
        owned = [(d, dict(d)) for layer in members for d in (layer.params, layer.grads)]
        try:
            self._net.params.update(params)
            for layer, count in zip(self._dropouts, counts, strict=True):
                layer.step = count
            yield
        finally:
            for layer, attributes in before:
                vars(layer).clear()
                vars(layer).update(attributes)
            for mapping, entries in owned:
                mapping.clear()
                mapping.update(entries)

    def _check_labels(self, params: _Arrays, x: Array, t: Array) -> None:
        """Read the labels where that costs nothing: a compiled function could only give NaN."""
        if type(self._net.last_layer) is not SoftmaxWithLoss or not adapter_of(t).is_readable(t):
            return
        shape = self._shape_of_scores(params, x)
        if t.shape in (shape, shape[:-1]):  # else the trace will tell
            check_values("SoftmaxWithLoss", t, shape[-1], indices=t.ndim < len(shape))

    def _shape_of_scores(self, params: _Arrays, x: Array) -> tuple[int, ...]:
        def forward(params: _Arrays, x: Array) -> Array:
            with self._traced_net(params, [layer.step for layer in self._dropouts]):
                return self._net.forward(x)

        key = x.shape, x.dtype
        if key not in self._shapes:
            self._shapes[key] = jax.eval_shape(forward, params, x).shape
        return self._shapes[key]
