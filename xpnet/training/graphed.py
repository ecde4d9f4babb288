"""A step on CuPy that is one CUDA graph for each shape of a batch.

**It has not run on a GPU yet.**
"""

from __future__ import annotations

import warnings
from collections import OrderedDict
from typing import Any

from xpnet._typing import Array
from xpnet.arrays import array_namespace, device_of
from xpnet.kernels.cuda.graph import GraphedStep
from xpnet.kernels.cuda.products import capturable_products
from xpnet.layers import Dropout
from xpnet.nets import Sequential
from xpnet.optimizers import Optimizer
from xpnet.optimizers.optimizer import has_plain_update
from xpnet.training.eager import EagerStep
from xpnet.training.kept_state import KeptState
from xpnet.training.masks import modes_of, next_mask, numbered

__all__ = ["GraphedSteps"]

_GRAPHS = 4


class GraphedSteps:
    """Forward, backward and update from a graph. It has not run on a GPU yet.

    The first step of each shape is eager: it checks everything and makes the optimizer's state.
    """

    def __init__(self, net: Sequential, optimizer: Any) -> None:
        self._net, self._optimizer = net, optimizer
        self._eager = EagerStep(net, optimizer)
        self._state = KeptState(optimizer)
        self._graphs: OrderedDict[Any, _Graph | None] = OrderedDict()
        self._why_eager = _why_not(optimizer)
        if self._why_eager is not None:
            _warn(self._why_eager)

    def __call__(self, x: Array, t: Array) -> Array:
        if self._why_eager is not None:
            return self._eager(x, t)
        # A graph computes on contiguous copies, and kernels may take those alone.
        may_be_graph = x.flags.c_contiguous and t.flags.c_contiguous
        key = x.shape, str(x.dtype), t.shape, str(t.dtype)
        graph = self._graphs.get(key)
        if may_be_graph and graph is not None and graph.is_current():
            return graph(x, t)
        loss = self._eager(x, t)
        self._state.take_back()
        if not may_be_graph or (graph is not None and graph.is_current()):
            return loss
        try:
            self._graphs[key] = _Graph(self._net, self._optimizer, x, t)
        except NotImplementedError as error:  # CuPy's word for what cannot be captured
            self._why_eager = str(error)
            _warn(self._why_eager)
        if len(self._graphs) > _GRAPHS:
            self._graphs.popitem(last=False)
        return loss


def _why_not(optimizer: Any) -> str | None:
    if not has_plain_update(optimizer) or optimizer.kernel is None:
        return f"{type(optimizer).__name__} has no kernel"
    return None


def _warn(reason: str) -> None:
    warnings.warn(
        f"compile: the step is not one CUDA graph but eager: {reason}",
        RuntimeWarning,
        stacklevel=4,
    )


class _Graph:
    """A graph for batches of one shape, on the parameters and the state as they lie now."""

    def __init__(self, net: Sequential, optimizer: Optimizer, x: Array, t: Array) -> None:
        self._net, self._optimizer = net, optimizer
        self._params = dict(net.params)
        self._memories = {name: optimizer.state[name] for name in self._params}
        self._fixed = self._other_settings()
        xp = array_namespace(x)
        self._lr = xp.zeros((), dtype=xp.float64, device=device_of(x))
        self._count = xp.zeros((), dtype=xp.int64, device=device_of(x))
        self._count[...] = 1
        self._dropouts = [layer for layer in net.layers.values() if isinstance(layer, Dropout)]
        self._modes = modes_of(self._dropouts)
        self._numbers = [xp.zeros((), dtype=xp.uint64, device=device_of(x)) for _ in self._dropouts]
        state = [*self._params.values()]
        state += [a for m in self._memories.values() for key, a in m.items() if key != "step"]
        self._step = GraphedStep(self._record, [x, t], state)

    def is_current(self) -> bool:
        """Whether the net and the optimizer still have the arrays and settings of the graph."""
        params, state = self._net.params, self._optimizer.state
        if self._fixed != self._other_settings() or self._modes != modes_of(self._dropouts):
            return False
        return all(
            params[name] is array and state.get(name) is self._memories[name]
            for name, array in self._params.items()
        )

    def __call__(self, x: Array, t: Array) -> Array:
        for layer, number in zip(self._dropouts, self._numbers, strict=True):
            if layer.is_dropping:
                next_mask(layer, number, x)
        self._lr[...] = self._optimizer.settings["lr"]
        for memory in self._memories.values():
            if "step" in memory:
                memory["step"] += 1
                self._count[...] = memory["step"]  # all parameters have taken as many
        return self._step(x, t).copy()

    def _other_settings(self) -> dict[str, float]:
        return {name: value for name, value in self._optimizer.settings.items() if name != "lr"}

    def _record(self, x: Array, t: Array) -> Array:
        kernel = self._optimizer.kernel
        assert kernel is not None
        with capturable_products(), numbered(self._dropouts, self._numbers):
            loss, grads = self._net.loss_and_gradient(x, t)
            for name, param in self._params.items():
                memory = self._memories[name]
                counted = {**memory, "step": self._count} if "step" in memory else memory
                settings = {**self._fixed, "lr": self._lr}
                if kernel.of_any_kind(param, grads[name], **counted, **settings) is None:
                    msg = f"no kernel updates {name}"
                    raise NotImplementedError(msg)
        return loss
