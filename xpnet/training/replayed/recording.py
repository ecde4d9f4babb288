"""One forward and backward of a net, recorded with one batch and replayed with others."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from xpnet.kernels.tape import Call
from xpnet.layers import Affine, Dropout, ReLU
from xpnet.nets import Sequential
from xpnet.training.masks import modes_of
from xpnet.training.replayed.recorder import (
    MethodCall,
    Recorder,
    memories_kept,
    quiet_replay,
    run_method,
)
from xpnet.training.replayed.update import Update

__all__ = ["Recording"]

_Host: TypeAlias = np.ndarray[Any, Any]
_Slot: TypeAlias = tuple[list[Any], int]


class Recording:
    """The calls of one forward and backward, which are made while they are recorded.

    Parameters
    ----------
    net : Sequential
        Whose layers run.
    x, t : array
        The first batch.

    Attributes
    ----------
    loss : array of shape ()
    grads : dict of str to array
        By the names of the net's parameters. Both are overwritten by each replay.
    update : Update or None
        The update after the first one.
    """

    def __init__(self, net: Sequential, x: _Host, t: _Host) -> None:
        layers = list(net.layers.values())
        self._params = [
            (layer, name, array) for layer in layers for name, array in layer.params.items()
        ]
        self._dropouts = [layer for layer in layers if type(layer) is Dropout]
        self._modes = modes_of(self._dropouts)
        self._x, self._t = _own(x), _own(t)
        recorder = Recorder()
        with memories_kept([*layers, net.last_layer]):
            self.loss: _Host = _run(recorder, net, self._x, self._t)
        tape = recorder.tape()
        self._replay = quiet_replay(tape)
        owners = net.params.owners.items()
        written = {name: (own, recorder.grads_of(layer)) for name, (layer, own) in owners}
        self.grads = {name: grads[own] for name, (own, grads) in written.items() if own in grads}
        self.update: Update | None = None
        self._owned = [
            (layer.grads, dict(layer.grads))
            for layer in layers
            if layer.grads and recorder.grads_of(layer) is layer.grads
        ]
        self._x_slots, self._copies_x = _slots(tape.calls, self._x)
        self._t_slots, self._copies_t = _slots(tape.calls, self._t)

    def is_current(self) -> bool:
        """Whether the layers still have the parameter arrays and modes that were recorded."""
        for layer, name, array in self._params:  # each step waits for it
            if layer.params.get(name) is not array:
                return False
        return not self._dropouts or modes_of(self._dropouts) == self._modes

    def replay(self, x: _Host, t: _Host) -> None:
        """Do the same with another batch of the same shapes and dtypes."""
        if self._copies_x:
            np.copyto(self._x, x)
            x = self._x
        if self._copies_t:
            np.copyto(self._t, t)
            t = self._t
        for arguments, position in self._x_slots:
            arguments[position] = x
        for arguments, position in self._t_slots:
            arguments[position] = t
        self._replay()
        for grads, recorded in self._owned:
            grads.update(recorded)


def _run(recorder: Recorder, net: Sequential, x: _Host, t: _Host) -> Any:
    """Run a net forward and backward, and return the loss."""
    y = x
    layers = deque(net.layers.values())
    while layers:
        layer = layers.popleft()
        if type(layer) is Affine and layers and type(layers[0]) is ReLU:
            y = recorder.affine_relu(layer, layers.popleft(), y)
        else:
            y = recorder.forward(layer, y)
    loss = recorder.forward(net.last_layer, y, t)
    dout = recorder.backward(net.last_layer)
    first, *others = net.trained_layers() or [None]
    for layer in reversed(others):
        dout = recorder.backward(layer, dout)
    if first is not None:
        recorder.backward_params(first, dout)
    return loss


def _own(array: _Host) -> _Host:
    """Return another array with the same values and layout.

    If an array is not contiguous, it is a view: kernels compute on it, or on a copy, but on no
    view of it, and so another batch can always take its place.
    """
    return array.copy() if array.flags.c_contiguous else array.view()


def _slots(calls: list[Call], array: _Host) -> tuple[list[_Slot], bool]:
    """Return where an array is an argument itself, and whether other arguments are views of it.

    The arguments that it is among become lists, in which another can be put in its place.
    """
    slots, has_views = [], False
    for index, (function, arguments) in enumerate(calls):
        if function is run_method:
            arrays = MethodCall(*arguments).arrays
            slots += [(arrays, i) for i, argument in enumerate(arrays) if argument is array]
            continue
        changeable = arguments if isinstance(arguments, list) else list(arguments)
        for position, argument in enumerate(_flat(arguments)):
            if argument is array and position < len(changeable):
                slots.append((changeable, position))
                calls[index] = function, changeable
            elif array.flags.owndata and _share_memory(argument, array):
                has_views = True
    return slots, has_views


def _share_memory(argument: Any, array: _Host) -> bool:
    return isinstance(argument, np.ndarray) and np.may_share_memory(argument, array)


def _flat(arguments: Sequence[Any]) -> list[Any]:
    """Return arguments, and behind them what stands in tuples among them."""
    inner = [array for value in arguments if isinstance(value, tuple) for array in value]
    return [*arguments, *inner]
