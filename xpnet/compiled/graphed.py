"""A step on CuPy that is one CUDA graph for each shape of a batch.

**It has not run on a GPU yet.**
"""

from __future__ import annotations

from collections import OrderedDict
from operator import setitem
from typing import Any

from xpnet._typing import Array
from xpnet.arrays import array_namespace, device_of
from xpnet.compiled.eager import EagerStep, loss_and_gradient
from xpnet.compiled.kept_state import KeptState
from xpnet.compiled.not_compiled import NotCompiledError, warn
from xpnet.compiled.numbers_on_device import NumbersOnDevice
from xpnet.compiled.traced import Changes, TracedLayers
from xpnet.compiled.watch import Watch
from xpnet.kernels.cuda.graph import GraphedStep
from xpnet.kernels.cuda.products import capturable_products
from xpnet.kernels.tape import Tape
from xpnet.layers.state import taken_apart
from xpnet.layers.tree import layers_in
from xpnet.optimizers import Optimizer
from xpnet.optimizers.optimizer import has_plain_update
from xpnet.optimizers.writing import trained

__all__ = ["GraphedSteps"]

_GRAPHS = 4


class GraphedSteps:
    """Forward, backward and update from a graph. It has not run on a GPU yet.

    The first step of each shape is eager: it checks everything and makes the optimizer's state.
    """

    def __init__(self, net: Any, optimizer: Any) -> None:
        self._net, self._optimizer = net, optimizer
        self._eager = EagerStep(net, optimizer)
        self._state = KeptState(optimizer)
        self._graphs: OrderedDict[Any, _Graph] = OrderedDict()
        self._is_capturable = has_plain_update(optimizer) and optimizer.kernel is not None
        if not self._is_capturable:
            warn(f"{type(optimizer).__name__} has no kernel")

    def __call__(self, x: Array, t: Array) -> Array:
        key = x.shape, str(x.dtype), t.shape, str(t.dtype)
        # A graph computes on contiguous copies, and kernels may take those alone.
        may_be_graph = x.size > 0 and x.flags.c_contiguous and t.flags.c_contiguous
        if not self._is_capturable or not has_plain_update(self._optimizer):
            return self._eager(x, t)
        if not may_be_graph:
            return self._eager_between(x, t)
        graph = self._graphs.get(key)
        if graph is not None and graph.is_current():
            self._graphs.move_to_end(key)
            return graph(x, t)
        counters = TracedLayers(layers_in(self._net)).counters()
        before = [getattr(layer, name) for layer, name in counters]
        loss = self._eager_between(x, t)
        after = [getattr(layer, name) for layer, name in counters]
        rises = [int(new - old) for new, old in zip(after, before, strict=True)]
        try:
            self._graphs[key] = _Graph(self._net, self._optimizer, self._state, rises, x, t)
        # CuPy's words for what cannot be captured; its own errors of CUDA are the latter.
        except (NotCompiledError, NotImplementedError, RuntimeError) as error:
            self._is_capturable = False
            warn(f"it cannot be one CUDA graph: {error}")
        if len(self._graphs) > _GRAPHS:
            self._graphs.popitem(last=False)
        return loss

    def _eager_between(self, x: Array, t: Array) -> Array:
        """Take an eager step, and bring what is remembered then to the arrays of the graphs."""
        loss, optimizer = self._eager(x, t), self._optimizer
        kept = self._state.beside(trained(self._net.params), self._net.grads)
        optimizer.state = {**optimizer.state, **kept}
        return loss


class _Graph:
    """A graph for batches of one shape, on the parameters and the state as they lie now."""

    def __init__(
        self,
        net: Any,
        optimizer: Optimizer,
        kept: KeptState,
        rises: list[int],
        x: Array,
        t: Array,
    ) -> None:
        self._net, self._optimizer, self._kept, self._rises = net, optimizer, kept, rises
        self._layers = layers_in(net)
        self._watch = Watch(lambda: layers_in(net))
        self._params = trained(net.params)
        self._memories = kept.beside(self._params, net.grads)
        optimizer.state = {**optimizer.state, **self._memories}
        self._numbers_of_update = NumbersOnDevice(optimizer, x)
        xp, device = array_namespace(x), device_of(x)
        self._count = xp.ones((), dtype=xp.int64, device=device)
        self._counters = TracedLayers(self._layers).counters()
        self._numbers = [xp.zeros((), dtype=xp.uint64, device=device) for _ in self._counters]
        self._buffers = TracedLayers(self._layers).arrays()
        self._grads: list[tuple[dict[str, Array], dict[str, Array]]] = []
        state = [*self._params.values(), *(b for each in self._buffers for b in each)]
        state += [a for m in self._memories.values() for key, a in m.items() if key != "step"]
        self._step = GraphedStep(self._record, [x, t], state)

    def is_current(self) -> bool:
        """Whether the net and the optimizer still have the arrays and settings of the graph."""
        params = self._net.params
        return (
            self._watch.is_current()
            and len(TracedLayers(self._layers).counters()) == len(self._counters)
            and self._numbers_of_update.is_current()
            and self._kept.is_current(self._memories)
            and all(params[name] is array for name, array in self._params.items())
            and _are_same(TracedLayers(self._layers).arrays(), self._buffers)
        )

    def __call__(self, x: Array, t: Array) -> Array:
        """Take a step: nothing that lasts is changed but by one launch, and what counts it."""
        plan = Tape(is_plan=True)
        plan.add(*self._step.launch)
        counted = zip(self._counters, self._numbers, self._rises, strict=True)
        for (layer, name), number, rise in counted:
            number[...] = getattr(layer, name)
            plan.add(setitem, vars(layer), name, getattr(layer, name) + rise)
        self._numbers_of_update.write()
        plan.add(setattr, self._optimizer, "steps", self._optimizer.steps + 1)
        for memory in self._memories.values():
            if "step" in memory:
                self._count[...] = memory["step"] + 1  # all parameters have taken as many
                plan.add(memory.update, {"step": memory["step"] + 1})
        for grads, recorded in self._grads:
            plan.add(grads.update, recorded)
        self._step.load(x, t)
        plan.carry_out()
        return self._step.result()

    def _record(self, x: Array, t: Array) -> Array:
        kernel = self._optimizer.kernel
        assert kernel is not None
        layers = TracedLayers(self._layers)
        with capturable_products(), layers.given(self._buffers, self._numbers) as changes:
            loss, grads = loss_and_gradient(self._net, x, t)
            numbers, step = self._numbers_of_update.arrays, self._numbers_of_update.step
            of_net = self._net.params, self._params, grads
            settings, ready = self._optimizer.prepared(*of_net, numbers, step)
            for name, param in self._params.items():
                memory, own = self._memories[name], settings[name]
                counted = {**memory, "step": self._count} if "step" in memory else memory
                if kernel(param, ready[name], **counted, **own) is None:
                    msg = f"no kernel updates {name}"
                    raise NotCompiledError(msg)
            self._grads = [
                (layer.grads, dict(layer.grads))
                for layer in self._layers
                if isinstance(layer.grads, dict) and layer.grads
            ]
        self._write(*changes)
        return loss

    def _write(self, changes: Changes) -> None:
        """Write what layers have bound to their attributes into the arrays that were there."""
        if changes.values:
            layer, name, _ = changes.values[0]
            msg = f"a {type(layer).__name__} changes its attribute {name!r} in each step"
            raise NotCompiledError(msg)
        for (layer, name, _), arrays in zip(changes.attributes, changes.arrays, strict=True):
            old = taken_apart(vars(layer)[name]).arrays
            for array, new in zip(old, arrays, strict=True):
                array[...] = new


def _are_same(buffers: list[list[Array]], others: list[list[Array]]) -> bool:
    return len(buffers) == len(others) and all(
        a is b
        for arrays, own in zip(buffers, others, strict=True)
        for a, b in zip(arrays, own, strict=True)
    )
