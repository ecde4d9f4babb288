"""A step on NumPy that is recorded once for each shape of a batch, and then replayed."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from xpnet.checks import check_same_home
from xpnet.kernels.tape import Call, Tape
from xpnet.layers import Affine, ReLU, Sigmoid, SoftmaxWithLoss
from xpnet.nets import Sequential
from xpnet.ops.affine import affine_relu
from xpnet.optimizers.optimizer import Optimizer, has_plain_update
from xpnet.optimizers.state import Memory
from xpnet.quiet import quiet

__all__ = ["Recording", "ReplayedStep"]

_Host: TypeAlias = np.ndarray[Any, Any]

# These do all their work in kernels, whose calls make up a tape. The methods of other layers,
# and of subclasses, are themselves called by the tape.
_TAPED = (Affine, ReLU, Sigmoid, SoftmaxWithLoss)

# One for full batches, one for the last of an epoch, and some to spare.
_RECORDINGS = 4


class ReplayedStep:
    """Forward and backward from a recording, and an update."""

    def __init__(self, net: Sequential, optimizer: Any) -> None:
        self._net, self._optimizer = net, optimizer
        self._recordings: OrderedDict[Any, Recording] = OrderedDict()

    def __call__(self, x: _Host, t: _Host) -> _Host:
        if type(t) is not np.ndarray:
            check_same_home("compile", x=x, t=t)
        key = x.shape, x.dtype, t.shape, t.dtype
        recording = self._recordings.get(key)
        if recording is not None and recording.is_current():
            recording.replay(x, t)
        else:
            recording = self._recordings[key] = Recording(self._net, x, t)
            if len(self._recordings) > _RECORDINGS:
                self._recordings.popitem(last=False)
        self._update(recording)
        return recording.loss.copy()

    def _update(self, recording: Recording) -> None:
        optimizer = self._optimizer
        if recording.update is not None and recording.update.is_current():
            recording.update()
            return
        # It checks everything, and makes sure that there is a state.
        optimizer.update(self._net.params, recording.grads)
        if has_plain_update(optimizer):
            recording.update = _Update(optimizer, self._net.params, recording.grads)


class _Update:
    """The update of arrays that have been checked, and its calls once they have been made."""

    def __init__(
        self, optimizer: Optimizer, params: Mapping[str, _Host], grads: Mapping[str, _Host]
    ) -> None:
        self._optimizer = optimizer
        self._memories = {name: optimizer.state[name] for name in params}
        self._moving = [
            (param, grads[name], self._memories[name]) for name, param in params.items()
        ]
        self._counts = any("step" in memory for memory in self._memories.values())
        self._replay: Callable[[], None] | None = None
        self._made_with: tuple[dict[str, float], list[tuple[Memory, str, _Host]]] = {}, []

    def is_current(self) -> bool:
        """Whether the optimizer still remembers what it did, and may write to the parameters."""
        for param, *_ in self._moving:
            if not param.flags.writeable:
                return False
        state = self._optimizer.state
        for name, memory in self._memories.items():  # noqa: SIM110 - each step waits for it
            if state.get(name) is not memory:
                return False
        return True

    def __call__(self) -> None:
        settings, remembered = self._made_with
        if (
            self._replay is not None
            and self._optimizer.settings == settings
            and all(memory[name] is array for memory, name, array in remembered)
        ):
            self._replay()
        else:
            self._record()

    def _record(self) -> None:
        settings, tape = self._optimizer.settings, Tape()
        with tape.recording():
            for param, grad, memory in self._moving:
                self._optimizer.step_in_place(param, grad, memory, settings)
        # Each by a kernel, and with nothing that changes from step to step.
        if len(tape.calls) == len(self._moving) and not self._counts:
            remembered = [(m, name, array) for *_, m in self._moving for name, array in m.items()]
            self._replay, self._made_with = quiet(tape.replay), (settings, remembered)


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
    update : callable or None
        The update after the first one.
    """

    def __init__(self, net: Sequential, x: _Host, t: _Host) -> None:
        self._layers = list(net.layers.values())
        self._params = [
            (layer, name, array) for layer in self._layers for name, array in layer.params.items()
        ]
        self._tape = Tape()
        # What each method of a layer has called, in lists of their own while some may be replaced.
        self._calls: list[list[Call]] = []
        self._forwards: list[_Forward] = []
        self._x, self._t = np.array(x, order="C"), np.array(t, order="C")
        self._copied: list[tuple[Any, dict[str, _Host]]] = []
        with _memories_kept([*self._layers, net.last_layer]):
            self._run(net)
        self._tape.calls = [call for calls in self._calls for call in calls]
        self._replay = self._quiet_replay()
        owners = net.params.owners.items()
        kept = {name: (own, self._kept_grads(layer)) for name, (layer, own) in owners}
        self.grads = {name: grads[own] for name, (own, grads) in kept.items() if own in grads}
        self.update: _Update | None = None
        self._owned = [
            (layer.grads, dict(layer.grads))
            for layer in self._layers
            if layer.grads and self._kept_grads(layer) is layer.grads
        ]
        self._x_slots, self._copies_x = _slots(self._tape.calls, self._x)
        self._t_slots, self._copies_t = _slots(self._tape.calls, self._t)

    def is_current(self) -> bool:
        """Whether the layers still have the parameter arrays that were recorded."""
        for layer, name, array in self._params:  # noqa: SIM110 - each step waits for it
            if layer.params.get(name) is not array:
                return False
        return True

    def replay(self, x: _Host, t: _Host) -> None:
        """Do the same with another batch of the same shapes and dtypes."""
        if self._copies_x or not x.flags.c_contiguous:
            np.copyto(self._x, x)
            x = self._x
        if self._copies_t or not t.flags.c_contiguous:
            np.copyto(self._t, t)
            t = self._t
        for arguments, position in self._x_slots:
            arguments[position] = x
        for arguments, position in self._t_slots:
            arguments[position] = t
        self._replay()
        for grads, recorded in self._owned:
            grads.update(recorded)

    def _run(self, net: Sequential) -> None:
        y = self._x
        layers = deque(self._layers)
        while layers:
            layer = layers.popleft()
            if type(layer) is Affine and layers and type(layers[0]) is ReLU:
                y = self._affine_relu(layer, layers.popleft(), y)
            else:
                y = self._forward(layer, y)
        self.loss: _Host = self._forward(net.last_layer, y, self._t)
        dout = self._backward(net.last_layer)
        first, *others = net.trained_layers() or [None]
        for layer in reversed(others):
            dout = self._backward(layer, dout)
        if first is not None:
            self._backward_params(first, dout)

    def _forward(self, layer: Any, *inputs: _Host) -> Any:
        return self._record(layer, layer.forward, *inputs)

    def _backward(self, layer: Any, *dout: _Host) -> Any:
        return self._record(layer, layer.backward, *dout, has_grads=True)

    def _backward_params(self, layer: Any, dout: _Host) -> None:
        method = getattr(layer, "backward_params", layer.backward)
        self._record(layer, method, dout, has_grads=True)

    def _quiet_replay(self) -> Callable[[], None]:
        """Return a replay in which kernels are quiet, and layers of one's own are not made so."""
        calls = self._tape.calls
        if all(function is not _run_method for function, _ in calls):
            return quiet(self._tape.replay)
        calls[:] = [(f if f is _run_method else quiet(f), arrays) for f, arrays in calls]
        return self._tape.replay

    def _kept_grads(self, layer: Any) -> dict[str, _Host]:
        """Return the copies of a layer's gradients, or those that it writes while it is taped."""
        for other, copies in self._copied:
            if other is layer:
                return copies
        kept: dict[str, _Host] = layer.grads
        return kept

    def _affine_relu(self, affine: Affine, relu: ReLU, x: _Host) -> _Host:
        """Record two layers as one op, if a kernel has it."""
        before = len(self._forwards)
        y: _Host = self._forward(relu, self._forward(affine, x))
        both = self._forwards[before:]
        tape = Tape()
        with tape.recording():
            fused: _Host = affine_relu(x, affine.W, affine.b)
        if len(both) < 2 or not 0 < len(tape.calls) < sum(len(each.calls) for each in both):
            return y
        relu._save(fused)
        first, last = both
        runs = [*first.runs, last.runs[0]._replace(kept=fused)]
        self._forwards[before:] = [_Forward(each.layer, tape.calls, runs) for each in both]
        self._calls[-2:] = [tape.calls]
        return fused

    def _record(self, layer: Any, method: Any, *arrays: _Host, has_grads: bool = False) -> Any:
        """Run a method of a layer; note what it called, or else the method itself."""
        forward = next((each for each in self._forwards if each.layer is layer), None)
        if type(layer) in _TAPED and (forward is not None or not has_grads):
            tape = Tape()
            with tape.recording():
                result = method(*arrays)
            if tape.calls:
                self._calls.append(tape.calls)
                if not has_grads:
                    run = _Run(method, arrays, result, layer, {})
                    self._forwards.append(_Forward(layer, tape.calls, [run]))
                return result
            if forward is not None:
                # This backward needs what the layer remembers, and so its forward must run.
                forward.calls[:] = [(_run_method, run) for run in forward.runs]
        else:
            result = method(*arrays)
        kept = None if result is None else np.array(result, order="C")
        copies = {name: np.array(grad) for name, grad in layer.grads.items()} if has_grads else {}
        if has_grads:
            self._copied.append((layer, copies))
        self._calls.append([(_run_method, _Run(method, arrays, kept, layer, copies))])
        return kept


class _Run(NamedTuple):
    """A method to call, and the arrays to copy its result and gradients to."""

    method: Any
    arrays: tuple[_Host, ...]
    kept: _Host | None
    layer: Any
    copies: dict[str, _Host]


class _Forward(NamedTuple):
    """The calls of a forward, perhaps of two layers at once, and the methods that do the same."""

    layer: Any
    calls: list[Call]
    runs: list[_Run]


@contextmanager
def _memories_kept(layers: list[Any]) -> Iterator[None]:
    """Let layers remember another batch, but not for a backward by hand: it is soon overwritten."""
    before = [(layer, layer._memory) for layer in layers if type(layer) in _TAPED]
    try:
        yield
    finally:
        for layer, memory in before:
            layer._memory = memory


def _run_method(
    method: Any,
    arrays: tuple[_Host, ...],
    kept: _Host | None,
    layer: Any,
    copies: dict[str, _Host],
) -> None:
    """Call a layer's method, and copy its result and gradients to where they were before."""
    result = method(*arrays)
    if kept is not None:
        np.copyto(kept, result)
    # The layer keeps its own: it may write to the same arrays each time.
    for name, grad in copies.items():
        np.copyto(grad, layer.grads[name])


def _slots(calls: list[Call], array: _Host) -> tuple[list[tuple[list[Any], int]], bool]:
    """Return where an array is an argument itself, and whether other arguments are views of it.

    The arguments that it is among become lists, in which another can be put in its place.
    """
    slots, has_views = [], False
    for index, (function, arguments) in enumerate(calls):
        changeable = arguments if isinstance(arguments, list) else list(arguments)
        for position, argument in enumerate(_flat(arguments)):
            if argument is array and position < len(changeable):
                slots.append((changeable, position))
                calls[index] = function, changeable
            elif isinstance(argument, np.ndarray) and np.may_share_memory(argument, array):
                has_views = True
    return slots, has_views


def _flat(arguments: Sequence[Any]) -> list[Any]:
    """Return arguments, and behind them what stands in tuples among them."""
    inner = [array for value in arguments if isinstance(value, tuple) for array in value]
    return [*arguments, *inner]
