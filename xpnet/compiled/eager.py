"""The step that every library can take, and that is whole after an interrupt."""

from __future__ import annotations

from typing import Any

from xpnet._typing import Array
from xpnet.compiled.snapshot import Snapshot
from xpnet.layers.tree import layers_in
from xpnet.optimizers.optimizer import has_plain_update

__all__ = ["EagerStep", "loss_and_gradient"]


class EagerStep:
    """Gradients by backpropagation, and an update.

    Parameters
    ----------
    net : net
    optimizer : optimizer
    """

    def __init__(self, net: Any, optimizer: Any) -> None:
        self._net, self._optimizer = net, optimizer

    def __call__(self, x: Array, t: Array) -> Array:
        net, optimizer = self._net, self._optimizer
        is_planned = has_plain_update(optimizer)
        layers = layers_in(net)
        before = Snapshot(layers if is_planned else [*layers, optimizer], contents=not is_planned)
        done: list[str] = []
        try:
            loss, grads = loss_and_gradient(net, x, t)
            if is_planned:
                plan = optimizer.plan(net.params, grads)
                plan.add(done.append, "updated")
                plan.carry_out()
            else:
                optimizer.update(net.params, grads)
                done.append("updated")
        except BaseException:
            if not done:
                before.restore()
            raise
        return loss


def loss_and_gradient(net: Any, x: Array, t: Array) -> tuple[Array, dict[str, Array]]:
    """Return the loss of a batch and its gradients, by whatever a net has of its own.

    A net that says what its gradient is, but not both at once, goes forward twice, the second time
    as if it was the first.
    """
    if _says_both(net):
        both: tuple[Array, dict[str, Array]] = net.loss_and_gradient(x, t)
        return both
    before = Snapshot(layers_in(net))
    loss = net.loss(x, t)
    before.restore()
    return loss, net.gradient(x, t)


def _says_both(net: Any) -> bool:
    for owner in (net, *type(net).__mro__):
        names = getattr(owner, "__dict__", {})
        if "loss_and_gradient" in names:
            return True
        if "gradient" in names:
            return False
    return False
