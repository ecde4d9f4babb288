"""A step on JAX that is one function under ``jax.jit``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import jax

from xpnet._typing import Array
from xpnet.backends import adapter_of
from xpnet.layers import Dropout, SoftmaxWithLoss
from xpnet.layers.evaluating import is_evaluating
from xpnet.nets import Sequential
from xpnet.ops.labels import check_values
from xpnet.optimizers.optimizer import has_plain_update
from xpnet.training.masks import modes_of

__all__ = ["JittedStep"]

_Arrays: TypeAlias = dict[str, Array]


class JittedStep:
    """Forward, backward and update, traced once for each shape of a batch.

    The parameters are given away to the compiled function, which may write the new ones into
    their memory. The first step copies them, so that arrays of the caller's survive.
    """

    def __init__(self, net: Sequential, optimizer: Any) -> None:
        self._net, self._optimizer = net, optimizer
        self._is_pure = has_plain_update(optimizer)
        self._dropouts = [layer for layer in net.layers.values() if isinstance(layer, Dropout)]
        self._own_params: _Arrays = {}
        self._own_state: dict[str, _Arrays] = {}
        self._shapes: dict[Any, tuple[int, ...]] = {}
        donated = ("params", "state") if self._is_pure else ()
        self._traced = jax.jit(self._step, donate_argnames=donated, static_argnames=("modes",))

    def __call__(self, x: Array, t: Array) -> Array:
        params = dict(self._net.params)
        self._check_labels(params, x, t)
        counts = [layer.step for layer in self._dropouts]
        modes = is_evaluating(), *modes_of(self._dropouts)
        if not self._is_pure:
            loss, grads = self._traced(params, {}, {}, counts, x, t, modes=modes)
            self._optimizer.update(self._net.params, grads)
        else:
            optimizer = self._optimizer
            new = {name: array for name, array in params.items() if name not in optimizer.state}
            state = {
                name: _given_away(memory, self._own_state.get(name, {}))
                for name, memory in optimizer.state.items()
            }
            state.update(optimizer.initial_state(new))
            params = _given_away(params, self._own_params)
            loss, params, optimizer.state = self._traced(
                params, state, optimizer.settings, counts, x, t, modes=modes
            )
            self._net.params.update(params)
            self._own_params, self._own_state = params, optimizer.state
        for layer in self._dropouts:
            if layer.is_dropping:
                layer.step += 1
        return loss

    def _step(
        self,
        params: _Arrays,
        state: dict[str, Any],
        settings: dict[str, Any],
        counts: list[Any],
        x: Array,
        t: Array,
        modes: tuple[Any, ...],  # only so that each is traced
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

        key = x.shape, x.dtype, *(array.shape for array in params.values())
        if key not in self._shapes:
            self._shapes[key] = jax.eval_shape(forward, params, x).shape
        return self._shapes[key]


def _given_away(arrays: _Arrays, own: _Arrays) -> _Arrays:
    """Return arrays that nobody else holds: those of the last step, or copies."""
    return {
        name: array.copy() if isinstance(array, jax.Array) and array is not own.get(name) else array
        for name, array in arrays.items()
    }
