"""A net that is written by its forward alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

from xpnet.arrays import detached
from xpnet.errors import GraphError, ShapeError
from xpnet.graph.census import census_of
from xpnet.graph.of_net import NetGraph
from xpnet.graph.variable import Variable
from xpnet.layers.calls import of_layers, recorder, recording_in
from xpnet.layers.state import is_array
from xpnet.layers.tree import children_in
from xpnet.nets.container import Container

__all__ = ["Net"]


class Net(Container):
    """A net whose backward follows from its forward.

    A subclass assigns layers and nets to attributes, or into lists and dicts there, and writes
    ``forward``. There the inputs are recorded values, :class:`xpnet.Variable`: layers are called,
    ``self.fc(x)``, and operators, methods of the values, and ops of ``xpnet.ops`` may be used. A
    layer may be called several times: each call remembers its own inputs, and their gradients add
    up. Layers themselves see plain arrays.

    It is a layer, and can stand in another net, or in a :class:`Sequential`; and it is a net with
    a loss, as :class:`Sequential` is, if its forward takes one input and returns one array. With
    several inputs or outputs, ``backward`` takes a gradient for each output, and returns one for
    each input.

    What is no array of floats, and no Python float, is passed to forward as it is. A value that
    forward looks at, as in ``if x.sum() > 0``, is not part of the gradient, and such a net is not
    compiled.

    Parameters
    ----------
    last_layer : layer, optional
        The loss; ``SoftmaxWithLoss`` unless given.

    Raises
    ------
    GraphError
        In forward, if a layer with parameters is called that is none of the net's, a value belongs
        to another graph, a layer changes its input in place, or ``super().__init__()`` was not
        called.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> class Block(xpnet.Net):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.fc = xpnet.Affine.random(4, 4, weight_init_std=0.5, seed=0)
    ...         self.relu = xpnet.ReLU()
    ...     def forward(self, x):
    ...         return x + 0.5 * self.relu(self.fc(x))
    >>> net = Block()
    >>> net.params
    Parameters(fc.W: (4, 4), fc.b: (4,))
    >>> x, t = xpnet.asarray(np.ones((2, 4))), np.asarray([0, 1])
    >>> net.predict(x).shape, list(net.gradient(x, t))
    ((2, 4), ['fc.W', 'fc.b'])
    """

    remembers_each_call = True

    def __init__(self, *, last_layer: Any = None) -> None:
        super().__init__(last_layer=last_layer)

    def __init_subclass__(cls, **settings: Any) -> None:
        super().__init_subclass__(**settings)
        if "forward" in vars(cls):
            cls.forward = _recording(cls.forward)  # type: ignore[method-assign]

    def __setattr__(self, name: str, value: Any) -> None:
        if "_names" not in vars(self) and children_in(_Holder(value)):
            self._check_begun()
        super().__setattr__(name, value)

    def __repr__(self) -> str:
        names = ", ".join(name for name in self.children if name != "last_layer")
        return f"{type(self).__name__}({names}; {type(self.last_layer).__name__})"

    @of_layers
    def backward(self, *dout: Any, need_dx: bool = True) -> Any:
        """Go back through all that forward has called, and return the gradient of its input.

        Layers keep the gradients of their parameters. Those that the last forward has not called
        get gradients of 0.

        Parameters
        ----------
        *dout : array
            The gradient of the loss with respect to the output; one for each if there are several,
            None for one that nothing depends on.
        need_dx : bool
            Whether gradients of the inputs are needed.

        Returns
        -------
        array, tuple or None
            One for each input of forward, in a tuple if there are several: None for what is no
            array of floats. None if they are not needed.

        Raises
        ------
        BackwardError
            If there was no forward.
        ShapeError
            If there are not as many gradients as outputs.
        """
        (recorded,) = self._saved()
        ends = len(recorded.ends)
        if len(dout) != ends:
            msg = f"{type(self).__name__}: backward got {len(dout)} gradients for {ends} outputs"
            raise ShapeError(msg)
        dx = recorded.back(dout, need_dx=need_dx)
        if not need_dx:
            return None
        return dx[0] if len(dx) == 1 else tuple(dx)

    def _record(self, forward: Callable[..., Any], inputs: Any, named: Any) -> Any:
        self._check_begun()
        who = recorder()
        graph = NetGraph(self, census_of(self), who)
        values = [graph.value(_plain(x)) if _is_value(x) else x for x in inputs]
        named = {k: graph.value(_plain(x)) if _is_value(x) else x for k, x in named.items()}
        run = partial(recording_in, graph, graph.record, forward, self, *values, **named)
        y, recorded = run() if who is None else who.forward_of_net(self, graph, run)
        self._save(recorded)
        plain = [end._data if type(end) is Variable else end for end in recorded.ends]
        return tuple(plain) if type(y) in (tuple, list) else plain[0]

    def _check_begun(self) -> None:
        if "_names" not in vars(self):
            name = type(self).__name__
            msg = f"{name}: call super().__init__() in __init__, before layers are assigned"
            raise GraphError(msg)


class _Holder:
    """Has a value as its one attribute."""

    def __init__(self, value: Any) -> None:
        self.value = value


def _recording(forward: Callable[..., Any]) -> Callable[..., Any]:
    """Return a forward that takes and returns plain arrays, and records what happens in it."""

    @of_layers
    @wraps(forward)
    def recorded_forward(self: Net, *inputs: Any, **named: Any) -> Any:
        for x in (*inputs, *named.values()):
            if type(x) is Variable:  # super().forward(x): already part of a recording
                return forward(self, *inputs, **named)
        return self._record(forward, inputs, named)

    return recorded_forward


def _is_value(x: Any) -> bool:
    return type(x) is float or is_array(x)


def _plain(x: Any) -> Any:
    return x if type(x) is float else detached(x)
