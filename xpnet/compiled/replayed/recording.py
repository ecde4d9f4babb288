"""One forward and backward of a net, recorded with one batch and replayed with others."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from xpnet.compiled.not_compiled import NotCompiledError
from xpnet.compiled.random_states import put_back, random_states
from xpnet.compiled.replayed.recorder import Changed, MethodCall, NetRecorder, OpCall
from xpnet.compiled.replayed.update import Update
from xpnet.compiled.snapshot import Snapshot
from xpnet.compiled.watch import Watch
from xpnet.kernels.tape import Call, Tape
from xpnet.layers.calls import recorded_by
from xpnet.layers.memories import call_keeping_memories
from xpnet.layers.parameters import Parameters
from xpnet.layers.state import counters_of
from xpnet.layers.tree import layers_in, walk
from xpnet.quiet import quiet

__all__ = ["Recording"]

_Host: TypeAlias = np.ndarray[Any, Any]
_Slot: TypeAlias = tuple[list[Any], int]


class Recording:
    """The calls of one forward and backward, which are made while they are recorded.

    Parameters
    ----------
    net : net
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

    def __init__(self, net: Any, x: _Host, t: _Host) -> None:
        self._x, self._t = _own(x), _own(t)
        recorder = NetRecorder(net)
        run = partial(recorded_by, recorder, net.loss_and_gradient)
        drawn = random_states()
        try:
            loss, _ = call_keeping_memories(run, self._x, self._t)
        except NotCompiledError:
            put_back(drawn)
            raise
        self.loss: _Host = np.asarray(loss)
        self._params = [
            (layer, name, net.params[path])
            for path in net.params
            for layer, name in net.params.places(path)
        ]
        self._counts = [
            (layer, len(layer.params))
            for _, layer in walk(net)
            if not isinstance(layer.params, Parameters)
        ]
        self._called = [each for layer in recorder.called for _, each in walk(layer)]
        called = {id(layer) for layer in self._called}
        self._watch = Watch(lambda: layers_in(net), lambda layer: id(layer) not in called)
        calls = recorder.calls()
        self._constants = recorder.constants
        self.grads = _summed_gradients(net, recorder, calls)
        self.update: Update | None = None
        self._owned = [
            (layer.grads, dict(layer.grads))
            for _, layer in walk(net)
            if type(layer.grads) is dict and layer.grads and not recorder.is_called(layer)
        ]
        self._counting = [layer for layer in recorder.taped if counters_of(layer)]
        self._x_slots, self._copies_x = _slots(calls, self._x)
        self._t_slots, self._copies_t = _slots(calls, self._t)
        self._replay = _quiet_replay(calls)

    def is_current(self) -> bool:
        """Whether the layers still have the parameter arrays and modes that were recorded."""
        for layer, name, array in self._params:  # each step waits for it
            if layer.params.get(name) is not array:
                return False
        for layer, count in self._counts:
            if len(layer.params) != count:
                return False
        return self._watch.is_current() and self._constants.are_current()

    def before(self) -> Snapshot | None:
        """Return what a replay changes besides its own arrays, as it is now; None for nothing."""
        if not self._called and not self._counting:
            return None
        return Snapshot([*self._called, *self._counting])

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


def _summed_gradients(net: Any, recorder: NetRecorder, calls: list[Call]) -> dict[str, _Host]:
    """Return where the gradients are, and add up those of parameters that several layers have."""
    grads: dict[str, _Host] = {}
    for path, places in net.params.graded_places().items():
        found = [recorder.grad_of(layer, name) for layer, name in places]
        parts = list({id(grad): grad for grad in found if grad is not None}.values())
        if len(parts) == 1:
            grads[path] = parts[0]
        elif parts:
            first, second, *others = parts
            total = grads[path] = np.add(first, second)
            calls.append([np.add, first, second, total])
            for part in others:
                np.add(total, part, total)
                calls.append([np.add, total, part, total])
    return grads


def _quiet_replay(calls: list[Call]) -> Any:
    """Return a replay in which kernels are quiet, and layers of one's own are not made so."""
    tape = Tape()
    tape.calls = calls
    if not any(isinstance(call[0], MethodCall) for call in calls):
        return quiet(tape.replay)
    for call in calls:
        if not isinstance(call[0], MethodCall):
            call[0] = quiet(call[0])
    return tape.replay


def _own(array: _Host) -> _Host:
    """Return another array with the same values and layout.

    If an array is not contiguous, it is a view: kernels compute on it, or on a copy, but on no
    view of it, and so another batch can always take its place.
    """
    return array.copy() if array.flags.c_contiguous else array.view()


def _slots(calls: list[Call], array: _Host) -> tuple[list[_Slot], bool]:
    """Return where an array is an argument itself, and whether other arguments are views of it."""
    slots, has_views = [], False
    for call in calls:
        arguments = call[0].arrays if isinstance(call[0], MethodCall | OpCall) else call
        for position, argument in enumerate(_flat(arguments)):
            if argument is array and position < len(arguments):
                slots.append((arguments, position))
            elif _share_memory(argument, array):
                if not array.flags.owndata:
                    raise Changed  # a view of a batch whose place no other can take
                has_views = True
    return slots, has_views


def _share_memory(argument: Any, array: _Host) -> bool:
    return isinstance(argument, np.ndarray) and np.may_share_memory(argument, array)


def _flat(arguments: Sequence[Any]) -> list[Any]:
    """Return arguments, and behind them what stands in tuples and lists among them."""
    inner = [array for value in arguments if isinstance(value, tuple | list) for array in value]
    return [*arguments, *inner]
