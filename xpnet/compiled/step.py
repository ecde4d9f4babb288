"""A training step that is compiled: the same arithmetic with nothing wasted."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Protocol

from xpnet._typing import Array
from xpnet.backends import Adapter, adapter_of
from xpnet.dispatch import allowed

__all__ = ["CompiledStep", "compile"]

# How a step is compiled for each library; the others take an eager step.
_STRATEGIES = {
    "cupy": "xpnet.compiled.graphed:GraphedSteps",
    "numpy": "xpnet.compiled.replayed:ReplayedStep",
    "jax": "xpnet.compiled.jitted:JittedStep",
}
_EAGER = "xpnet.compiled.eager:EagerStep"


class _Step(Protocol):
    def __call__(self, x: Array, t: Array) -> Array: ...


class CompiledStep:
    """What :func:`compile` returns; called with a batch, it takes a step and returns the loss.

    A copy of it, also by pickle, trains a copy of the net.

    Attributes
    ----------
    net : net
        Is trained.
    optimizer : optimizer
        One of ``xpnet.optimizers``, or another with ``update(params, grads)``. Both may be
        replaced between steps.
    """

    def __init__(self, net: Any, optimizer: Any) -> None:
        self.net, self.optimizer = net, optimizer
        self._step: _Step | None = None
        self._made_for: tuple[Any, ...] = ()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.net}, {self.optimizer})"

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_step": None, "_made_for": ()}

    def __call__(self, x: Array, t: Array) -> Array:
        adapter, providers = adapter_of(x), allowed()
        made_for = self._made_for
        if (
            self._step is None
            or made_for[0] is not adapter
            or made_for[1] is not self.net
            or made_for[2] is not self.optimizer
            or made_for[3] != providers
        ):
            self._step = _strategy(adapter)(self.net, self.optimizer)
            self._made_for = adapter, self.net, self.optimizer, providers
        loss = self._step(x, t)
        note_loss = getattr(getattr(self.net, "last_layer", None), "note_loss", None)
        if note_loss is not None:
            note_loss(loss)
        return loss


def _strategy(adapter: Adapter) -> Any:
    module, _, name = _STRATEGIES.get(adapter.name, _EAGER).partition(":")
    return getattr(import_module(module), name)


def compile(net: Any, optimizer: Any) -> CompiledStep:  # noqa: A001
    """Return a function that takes one training step: forward, backward and update.

    It does what ``optimizer.update(net.params, net.gradient(x, t))`` does. On NumPy the first
    step of each shape records which functions ran on which arrays, and the others replay that:
    with the same bits, and without a fresh array of more than 4 KiB where kernels do all that a
    layer does, as they do for those of xpnet in float32 and float64. On JAX the step is one
    function under ``jax.jit``. On CuPy it is one CUDA graph (which has not run on a GPU yet). On
    the other libraries it is the eager step.

    What is no array is looked at before each step: another mode, rate or layer is noticed. What
    cannot be compiled and mean the same is run eagerly, with a warning that says why.

    Parameters
    ----------
    net : net
        Is trained: an ``xpnet.Sequential``, or another with ``loss``, ``gradient`` and ``params``.
        On NumPy, layers of one's own are called as they are; on JAX while the step is traced.
    optimizer : optimizer
        One of ``xpnet.optimizers``, or another with ``update(params, grads)``, which on JAX is
        not part of the compiled function. A setting may be changed between steps.

    Returns
    -------
    CompiledStep
        ``step(x, t)`` takes what ``net.loss`` takes and returns the loss before the step, of
        shape (). The batch may have another size each time. The arrays in ``net.grads`` and in
        ``optimizer.state`` are overwritten by the next step: copy what is to stay. If an error or
        an interrupt comes, net and optimizer are as before the step, or as after it.

    Raises
    ------
    TypeError
        If the net has no ``loss``, ``gradient`` or ``params``, or the optimizer no ``update``.

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
    missing = [name for name in ("loss", "gradient", "params") if not hasattr(net, name)]
    if missing or isinstance(net, type):
        found = net if isinstance(net, type) else f"a {type(net).__name__}"
        msg = f"compile: {found} is no net: it must have loss, gradient and params"
        raise TypeError(msg)
    if not callable(getattr(optimizer, "update", None)) or isinstance(optimizer, type):
        msg = f"compile: {optimizer!r} is no optimizer: it must have update(params, grads)"
        raise TypeError(msg)
    return CompiledStep(net, optimizer)
