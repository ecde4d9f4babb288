"""A training step that is compiled: the same arithmetic with nothing wasted."""

from __future__ import annotations

from importlib import import_module
from operator import is_
from typing import Any, Protocol

from xpnet._typing import Array
from xpnet.backends import adapter_of
from xpnet.dispatch import allowed
from xpnet.nets import Sequential
from xpnet.optimizers.optimizer import has_plain_update
from xpnet.training.restored import restored_after_errors

__all__ = ["CompiledStep", "compile"]

# How a step is compiled for each library; the others take an eager step.
_STRATEGIES = {
    "cupy": "xpnet.training.graphed:GraphedSteps",
    "numpy": "xpnet.training.replayed:ReplayedStep",
    "jax": "xpnet.training.jitted:JittedStep",
}
_EAGER = "xpnet.training.eager:EagerStep"

# What a recording of the layers leaves out, if a subclass of the net has its own.
_NOT_RECORDED = ("forward", "loss", "loss_and_gradient", "trained_layers")


class _Step(Protocol):
    def __call__(self, x: Array, t: Array) -> Array: ...


class CompiledStep:
    """What :func:`compile` returns; called with a batch, it takes a step and returns the loss.

    Parameters
    ----------
    net : Sequential
        Is trained.
    optimizer : optimizer
        One of ``xpnet.optimizers``, or another with ``update(params, grads)``.
    """

    def __init__(self, net: Sequential, optimizer: Any) -> None:
        self.net, self.optimizer = net, optimizer
        self._step: _Step | None = None
        self._made_for: list[Any] = []
        self._made_with: frozenset[str] | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.net}, {self.optimizer})"

    def __call__(self, x: Array, t: Array) -> Array:
        adapter = adapter_of(x)
        parts = [adapter, *self.net.layers.values(), self.net.last_layer]
        providers = allowed()
        if (
            self._step is None
            or providers != self._made_with
            or not _are_same(parts, self._made_for)
        ):
            module, _, name = _strategy(adapter.name, self.net).partition(":")
            strategy = getattr(import_module(module), name)
            self._step = strategy(self.net, self.optimizer)
            self._made_for, self._made_with = parts, providers
        if has_plain_update(self.optimizer):
            return self._step(x, t)
        with restored_after_errors(self.net.params):  # one's own may fail halfway
            return self._step(x, t)


def _are_same(parts: list[Any], others: list[Any]) -> bool:
    # Layers of one's own may say that they are equal, and yet be two.
    return len(parts) == len(others) and all(map(is_, parts, others))


def _strategy(library: str, net: Sequential) -> str:
    overridden = ("gradient", *(_NOT_RECORDED if library == "numpy" else ()))
    if any(getattr(type(net), name) is not getattr(Sequential, name) for name in overridden):
        return _EAGER
    return _STRATEGIES.get(library, _EAGER)


def compile(net: Any, optimizer: Any) -> CompiledStep:  # noqa: A001
    """Return a function that takes one training step: forward, backward and update.

    It does what ``optimizer.update(net.params, net.gradient(x, t))`` does. On NumPy the first
    step of each shape records which functions ran on which arrays, and the others replay that:
    with the same bits, and without a fresh array of more than 4 KiB where kernels do all that a
    layer does, as they do for those of xpnet in float32 and float64. On JAX the step is one
    function under ``jax.jit``, to which the parameters are given away. On CuPy it is one CUDA graph
    (which has not run on a GPU yet), or a warning tells why not. On the other libraries it is the
    eager step.

    Parameters
    ----------
    net : Sequential
        Is trained. Layers of one's own are called as they are, on JAX while the step is traced.
    optimizer : optimizer
        One of ``xpnet.optimizers``, or another with ``update(params, grads)``, which on JAX is
        not part of the compiled function. A setting may be changed between steps.

    Returns
    -------
    CompiledStep
        ``step(x, t)`` takes what ``net.loss`` takes and returns the loss before the step, of
        shape (). The batch may have another size each time. The arrays in ``net.grads`` and in
        ``optimizer.state`` are overwritten by the next step, on JAX given away: copy what is to
        stay. If an error is raised, the parameters are those before it; only Ctrl-C, which
        ``xpnet.training.train`` holds back until a step is done, may come between two of them.

    Raises
    ------
    TypeError
        If the net is no ``Sequential``, or the optimizer has no ``update``.

    Examples
    --------
    >>> import xpnet
    >>> (x, t), _ = xpnet.datasets.load_digits()
    >>> net = xpnet.TwoLayerNet(64, 50, 10, seed=0)
    >>> step = xpnet.compile(net, xpnet.SGD(lr=0.5))
    >>> losses = [float(step(x, t)) for _ in range(100)]
    >>> losses[-1] < 0.5
    True
    """
    if not isinstance(net, Sequential):
        msg = f"compile: the net is a {type(net).__name__}; it must be an xpnet.Sequential"
        raise TypeError(msg)
    if not callable(getattr(optimizer, "update", None)) or isinstance(optimizer, type):
        msg = f"compile: {optimizer!r} is no optimizer: it must have update(params, grads)"
        raise TypeError(msg)
    return CompiledStep(net, optimizer)
