"""What the methods of layers call when they run, so that it can be called again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from xpnet.kernels.tape import Call, Tape
from xpnet.layers import Affine, Dropout, ReLU, Sigmoid, SoftmaxWithLoss
from xpnet.ops.affine import affine_relu
from xpnet.quiet import quiet
from xpnet.training.masks import next_mask, numbered, write_number

__all__ = ["MethodCall", "Recorder", "memories_kept", "quiet_replay", "run_method"]

_Host: TypeAlias = np.ndarray[Any, Any]

# These do all their work in kernels, whose calls make up a tape. The methods of other layers,
# and of subclasses, are themselves called by the tape.
_TAPED = (Affine, Dropout, ReLU, Sigmoid, SoftmaxWithLoss)


class Recorder:
    """Runs methods of layers, and notes what is to be called to do the same with another batch.

    That is what the methods have called, where kernels take all of them; else it is the methods
    themselves, and their results are copied to where they were the first time.
    """

    def __init__(self) -> None:
        # What each method has called, in lists of their own while some may be replaced.
        self._calls: list[list[Call]] = []
        self._forwards: list[_Forward] = []
        self._copies: list[tuple[Any, dict[str, _Host]]] = []

    def forward(self, layer: Any, *inputs: _Host) -> Any:
        """Run a layer forward."""
        if type(layer) in _TAPED:
            result, calls = _taped_forward(layer, inputs)
            if calls:
                run = MethodCall(layer.forward, list(inputs), result, layer, {})
                self._forwards.append(_Forward(layer, calls, [run]))
                self._calls.append(calls)
                return result
        return self._call_method(layer, layer.forward, inputs)

    def affine_relu(self, affine: Affine, relu: ReLU, x: _Host) -> Any:
        """Run two layers forward, as one op if a kernel has it."""
        before = len(self._forwards)
        y = self.forward(relu, self.forward(affine, x))
        both = self._forwards[before:]
        fused, calls = _taped(affine_relu, (x, affine.W, affine.b))
        if len(both) < 2 or not 0 < len(calls) < sum(len(each.calls) for each in both):
            return y
        relu._save(fused)
        first, last = both
        runs = [*first.runs, last.runs[0]._replace(kept=fused)]
        self._forwards[before:] = [_Forward(each.layer, calls, runs) for each in both]
        self._calls[-2:] = [calls]
        return fused

    def backward(self, layer: Any, *dout: _Host) -> Any:
        """Run a layer backward."""
        return self._backward(layer, layer.backward, dout)

    def backward_params(self, layer: Any, dout: _Host) -> None:
        """Run a layer backward, but for the gradient of its input if it can do without."""
        self._backward(layer, getattr(layer, "backward_params", layer.backward), (dout,))

    def grads_of(self, layer: Any) -> dict[str, _Host]:
        """Return the arrays to which a layer's gradients are written each time."""
        for other, copies in self._copies:
            if other is layer:
                return copies
        grads: dict[str, _Host] = layer.grads
        return grads

    def tape(self) -> Tape:
        """Return all that is to be called."""
        tape = Tape()
        tape.calls = [call for calls in self._calls for call in calls]
        return tape

    def _backward(self, layer: Any, method: Any, dout: tuple[_Host, ...]) -> Any:
        forward = next((each for each in self._forwards if each.layer is layer), None)
        if forward is not None:
            result, calls = _taped(method, dout)
            if calls:
                self._calls.append(calls)
                return result
            # It needs what the layer remembers, and so the layer's forward must run. The list
            # stays the same one: it is among all calls, and perhaps that of two layers.
            forward.calls[:] = [(run_method, run) for run in forward.runs]
        return self._call_method(layer, method, dout, has_grads=True)

    def _call_method(
        self, layer: Any, method: Any, arrays: tuple[_Host, ...], *, has_grads: bool = False
    ) -> Any:
        """Call a method, note it, and return a copy of its result."""
        result = method(*arrays)
        kept = None if result is None else _twin(result)
        copies = {}
        if has_grads:
            copies = {name: np.array(grad) for name, grad in layer.grads.items()}
            self._copies.append((layer, copies))
        self._calls.append([(run_method, MethodCall(method, list(arrays), kept, layer, copies))])
        return kept


class MethodCall(NamedTuple):
    """A method to call, and the arrays to copy its result and gradients to."""

    method: Any
    arrays: list[_Host]
    kept: _Host | None
    layer: Any
    copies: dict[str, _Host]


class _Forward(NamedTuple):
    """The calls of a forward, perhaps of two layers at once, and the methods that do the same."""

    layer: Any
    calls: list[Call]
    runs: list[MethodCall]


def _twin(array: _Host) -> _Host:
    """Return a copy that lies in memory alike, gaps and all: methods may round by the layout."""
    ends = zip(array.shape, array.strides, strict=True)
    spans = [stride * (length - 1) for length, stride in ends]
    before = -sum(span for span in spans if span < 0)
    after = sum(span for span in spans if span > 0) + array.itemsize
    memory = np.empty(before + after, np.uint8)
    twin: _Host = np.ndarray(array.shape, array.dtype, memory, before, array.strides)
    np.copyto(twin, array)
    return twin


def _taped(function: Callable[..., Any], arrays: tuple[_Host, ...]) -> tuple[Any, list[Call]]:
    tape = Tape()
    with tape.recording():
        result = function(*arrays)
    return result, tape.calls


def _taped_forward(layer: Any, inputs: tuple[_Host, ...]) -> tuple[Any, list[Call]]:
    if type(layer) is not Dropout or not layer.is_dropping:
        return _taped(layer.forward, inputs)
    (x,), number = inputs, np.empty((), np.uint64)
    write_number(layer, number, x)
    with numbered([layer], [number]):
        result, calls = _taped(layer.forward, inputs)
    if calls:
        calls.insert(0, (next_mask, (layer, number, x)))
        layer.step = layer.step + 1
    return result, calls


def run_method(
    method: Any,
    arrays: list[_Host],
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


def quiet_replay(tape: Tape) -> Callable[[], None]:
    """Return a replay in which kernels are quiet, and layers of one's own are not made so."""
    calls = tape.calls
    if all(function is not run_method for function, _ in calls):
        return quiet(tape.replay)
    calls[:] = [(f if f is run_method else quiet(f), arrays) for f, arrays in calls]
    return tape.replay


@contextmanager
def memories_kept(layers: list[Any]) -> Iterator[None]:
    """Let layers remember another batch, but not for a backward by hand: it is soon overwritten."""
    before = [(layer, layer._memory) for layer in layers if type(layer) in _TAPED]
    try:
        yield
    finally:
        for layer, memory in before:
            layer._memory = memory
