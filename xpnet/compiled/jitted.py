"""A step on JAX that is one function under ``jax.jit``."""

from __future__ import annotations

from collections import OrderedDict
from operator import setitem
from typing import Any, TypeAlias

import jax
import numpy as np

from xpnet._typing import Array
from xpnet.backends import adapter_of
from xpnet.compiled.eager import EagerStep, loss_and_gradient
from xpnet.compiled.not_compiled import NotCompiledError, warn
from xpnet.compiled.snapshot import Snapshot
from xpnet.compiled.traced import Changes, TracedLayers
from xpnet.compiled.watch import Watch
from xpnet.kernels.tape import Tape
from xpnet.layers.calls import recorded_by, takes_need_dx
from xpnet.layers.changes import note_change
from xpnet.layers.parameters import Parameters, parameters_of
from xpnet.layers.tree import layers_in
from xpnet.optimizers.numbers import Numbers
from xpnet.optimizers.optimizer import has_plain_update, mode_of_optimizer
from xpnet.optimizers.writing import add_new_values, trained

__all__ = ["JittedStep"]

_Arrays: TypeAlias = dict[str, Array]

# Each holds megabytes of compiled code. One for full batches, one for the last of an epoch, ...
_FUNCTIONS = 8
# How many functions in a row may be compiled for values that steps themselves have changed.
_PATIENCE = 4


class JittedStep:
    """Forward, backward and update, traced once for each shape of a batch and mode of the net.

    The function is pure: what it returns is bound to names within one instruction, once all is
    there. Its arguments are not given away to it, which on a CPU saves no time.

    Parameters
    ----------
    net : net
    optimizer : optimizer
    """

    def __init__(self, net: Any, optimizer: Any) -> None:
        self._net, self._optimizer = net, optimizer
        self._eager = EagerStep(net, optimizer)
        self._functions: OrderedDict[Any, _Function] = OrderedDict()
        self._watch = self._new_watch()
        self._changing: list[str] = []
        self._is_traceable = True

    def __call__(self, x: Array, t: Array) -> Array:
        if not self._is_traceable or jax.config.jax_disable_jit:
            return self._eager(x, t)
        if not self._watch.is_current():
            self._watch = self._new_watch()
        params = parameters_of(self._net)
        if not all(isinstance(array, jax.Array) for array in (t, *params.values())):
            return self._eager(x, t)  # a function would bring what lives elsewhere here
        try:
            key = self._key(params, x, t)
            function = self._functions.get(key) or self._new_function()
            loss = function(params, x, t)
        except NewParametersError:
            return self._eager(x, t)
        except NotCompiledError as error:
            loss = self._eager(x, t)  # which raises the error if the batch is wrong
            self._is_traceable = False
            self._functions.clear()
            warn(str(error))
            return loss
        is_new = key not in self._functions
        self._changing = [*self._changing, *function.changing] if is_new else []
        self._functions[key] = function
        self._functions.move_to_end(key)
        if len(self._functions) > _FUNCTIONS:
            self._functions.popitem(last=False)[1].forget()
        return loss

    def _key(self, params: Parameters, x: Array, t: Array) -> Any:
        """Return what is equal where a function does the same."""
        optimizer = self._optimizer
        buffers = TracedLayers(layers_in(self._net)).arrays()
        arrays = x, t, *params.values(), *(array for each in buffers for array in each)
        is_plain = has_plain_update(optimizer)
        return self._watch.key, is_plain and mode_of_optimizer(optimizer), *_kinds(*arrays)

    def _new_watch(self) -> Watch:
        return Watch(lambda: layers_in(self._net))

    def _new_function(self) -> _Function:
        if len(self._changing) > _PATIENCE:
            msg = f"steps change what they depend on: {', '.join(sorted({*self._changing}))}"
            raise NotCompiledError(msg)
        return _Function(self._net, self._optimizer)


class _Function:
    """The function for one shape of a batch, and one mode of each layer.

    Attributes
    ----------
    changing : list of str
        The attributes that hold no arrays, and are others after a step.
    """

    def __init__(self, net: Any, optimizer: Any) -> None:
        self._net, self._optimizer = net, optimizer
        self._is_pure = has_plain_update(optimizer)
        self._layers = layers_in(net)
        self._loss = getattr(net, "last_layer", None)
        self._scores: list[tuple[int, ...]] = []
        self._changes = Changes([], [], [], [])
        self._rises: list[int] | None = None
        self._traced = jax.jit(self._step)
        self.changing: list[str] = []

    def forget(self) -> None:
        """Give the compiled code back."""
        self._traced.clear_cache()

    def __call__(self, params: Parameters, x: Array, t: Array) -> Array:
        optimizer, layers = self._optimizer, TracedLayers(self._layers)
        arrays, counters = layers.arrays(), layers.counters()
        numbers = [np.uint32(getattr(layer, name)) for layer, name in counters]
        before, state, update = trained(params), {}, None
        if self._is_pure:
            known = {name: memory for name, memory in optimizer.state.items() if name in before}
            new = {name: array for name, array in before.items() if name not in known}
            state = optimizer.initial_state(new) | known
            state = {name: _counted_in_array(memory) for name, memory in state.items()}
            update = optimizer.numbers(), np.uint32(optimizer.steps)
        if self._scores:
            self._check_labels(t)
        try:
            found = self._traced(dict(params), arrays, numbers, state, update, x, t)
        except (NotCompiledError, NewParametersError):
            raise
        except Exception as error:
            # Whoever reads a value that is not there yet may raise anything.
            msg = f"it cannot be traced: {str(error).partition(chr(10))[0]}"
            raise NotCompiledError(msg) from error
        loss, new_arrays, rises, new_params, new_state = found
        if self._rises is None:
            self._check_labels(t)
            self._rises = [int(rise) for rise in rises]
        plan = Tape(is_plan=True)
        for (layer, name, parts), own in zip(self._changes.attributes, new_arrays, strict=True):
            plan.add(setitem, vars(layer), name, parts.rebuilt(own))
        for layer, name, value in self._changes.values:
            plan.add(setitem, vars(layer), name, value)
        for (layer, name), number, rise in zip(counters, numbers, self._rises, strict=True):
            plan.add(setitem, vars(layer), name, int(number) + rise)
        if self._is_pure:
            add_new_values(plan, params, before, new_params)
            plan.add(setattr, optimizer, "state", {**optimizer.state, **new_state})
            plan.add(setattr, optimizer, "steps", optimizer.steps + 1)
        note_change()
        if self._is_pure:
            plan.carry_out()
        else:
            self._update(plan, new_params)
        return loss

    def _update(self, plan: Tape, grads: _Arrays) -> None:
        """Let an optimizer of one's own do it; it may fail halfway."""
        before = Snapshot([*self._layers, self._optimizer], contents=True)
        try:
            plan.carry_out()
            self._optimizer.update(self._net.params, grads)
        except BaseException:
            before.restore()
            raise

    def _step(
        self,
        params: _Arrays,
        arrays: list[list[Array]],
        numbers: list[Array],
        state: dict[str, Any],
        update: tuple[Numbers, Array] | None,
        x: Array,
        t: Array,
    ) -> tuple[Any, ...]:
        with TracedLayers(self._layers).given(arrays, numbers) as changes:
            of_net = parameters_of(self._net)
            for name, array in params.items():
                of_net[name] = array
            noted = _ScoresNoted(self._loss, self._scores)
            loss, grads = recorded_by(noted, loss_and_gradient, self._net, x, t)
            if len(of_net) != len(params):
                raise NewParametersError
            if update is not None:
                grads, state = self._updated(of_net, grads, state, *update)
        (self._changes,) = changes
        self.changing = [f"{type(layer).__name__}.{n}" for layer, n, _ in self._changes.values]
        # The net must not keep what is traced.
        found = loss, self._changes.arrays, self._changes.rises, grads, state
        self._changes = self._changes._replace(arrays=[], rises=[])
        return found

    def _updated(self, *arguments: Any) -> tuple[_Arrays, dict[str, Any]]:
        """Apply the optimizer, which must not change itself."""
        optimizer = self._optimizer
        before = Snapshot([optimizer, *optimizer.transforms], arrays=False)
        mode = mode_of_optimizer(optimizer)
        try:
            found: tuple[_Arrays, dict[str, Any]] = optimizer.applied(*arguments)
            if mode != mode_of_optimizer(optimizer):
                msg = f"a {type(optimizer).__name__} changes itself in each step"
                raise NotCompiledError(msg)
        finally:
            before.restore()
        return found

    def _check_labels(self, t: Array) -> None:
        """Read the labels where that costs nothing: a compiled function could only give NaN."""
        check = getattr(self._loss, "check_labels", None)
        if check is not None and self._scores and adapter_of(t).is_readable(t):
            check(t, self._scores[0])


class NewParametersError(Exception):
    """A layer has made parameters in its first forward: an eager step must do so."""


class _ScoresNoted:
    """Calls layers, and notes the shape of what the loss gets."""

    def __init__(self, loss: Any, scores: list[tuple[int, ...]]) -> None:
        self._loss, self._scores = loss, scores

    def forward(self, layer: Any, *inputs: Array) -> Any:
        if layer is self._loss:
            self._scores[:] = [inputs[0].shape]
        return layer.forward(*inputs)

    def backward(self, layer: Any, *dout: Array, need_dx: bool = True) -> Any:
        if need_dx or not takes_need_dx(layer.backward):
            return layer.backward(*dout)
        return layer.backward(*dout, need_dx=False)

    def call(self, function: Any, *arguments: Any) -> Any:
        return function(*arguments)

    def constant(self, array: Array) -> None:
        """It is part of what is traced."""

    def forward_of_net(self, net: Any, graph: Any, run: Any) -> Any:
        return run()

    def refuse(self, reason: str) -> None:
        raise NotCompiledError(reason)


def _counted_in_array(memory: dict[str, Any]) -> dict[str, Any]:
    """Return a memory with its count in an array: a compiled function gives back such a one."""
    return {k: np.int32(v) if isinstance(v, int) else v for k, v in memory.items()}


def _kinds(*arrays: Array) -> list[Any]:
    return [(array.shape, array.dtype) for array in arrays]
