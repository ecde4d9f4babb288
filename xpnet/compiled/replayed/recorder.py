"""What the methods of layers call when they run, so that it can be called again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from xpnet.compiled.not_compiled import NotCompiledError
from xpnet.compiled.numbers import Numbers
from xpnet.compiled.random_states import are_equal, random_states
from xpnet.compiled.replayed.constants import Constants
from xpnet.kernels.tape import Call, Tape
from xpnet.layers.calls import is_of_layers, is_of_one_op, op_of, recorded_by, takes_need_dx
from xpnet.layers.state import attributes_of, counters_of, taken_apart
from xpnet.layers.tree import walk
from xpnet.ops.fused import FUSED

__all__ = ["Changed", "MethodCall", "NetRecorder", "OpCall"]

_Host: TypeAlias = np.ndarray[Any, Any]


class Changed(Exception):  # noqa: N818 - it never leaves a step
    """A layer of one's own returned something else than when it was recorded."""


class NetRecorder:
    """Runs methods of layers, and notes what is to be called to do the same with another batch.

    That is what the methods have called, where they do one op and a kernel does it; else it is the
    methods themselves, and their results are copied to where they were the first time.

    Attributes
    ----------
    taped : list of layers
        Those whose methods are not called again: they must stay in the same mode.
    called : list of layers
        Those whose methods are.
    constants : Constants
        What nets compute with besides.
    """

    def __init__(self, root: Any) -> None:
        # What each method has called, in lists of their own while some may be replaced.
        self._calls: list[list[Call]] = []
        self._forwards: list[_Forward] = []
        self._copies: dict[tuple[int, str], _Host] = {}
        self._fused: dict[int, _Fused] = {}
        self._all_called: list[Any] = []
        self.taped: list[Any] = []
        self.called: list[Any] = []
        self.constants = Constants(root)

    def forward(self, layer: Any, *inputs: _Host) -> Any:
        """Run a layer forward."""
        if is_of_layers(layer, "forward", "backward"):
            return layer.forward(*inputs)  # which comes back here
        self._part(inputs)
        if is_of_one_op(layer, "forward"):
            result, calls = _taped_forward(layer, inputs)
            if calls:
                self._check_once(layer, self._all_called)
                run = MethodCall(layer, "forward", {}, list(inputs), result, {})
                self._forwards.append(_Forward(layer, calls, [run], inputs, result))
                self._calls.append(calls)
                self.taped.append(layer)
                return self._fused_with_last()
        return self._call_method(layer, "forward", inputs)

    def _fused_with_last(self) -> Any:
        """Do the last two ops as one, if a kernel has it, and return the result."""
        *_, last = self._forwards
        if len(self._forwards) < 2 or self._calls[-2] is not self._forwards[-2].calls:
            return last.result
        first = self._forwards[-2]
        op = FUSED.get((op_of(first.layer.forward), op_of(last.layer.forward)))
        if op is None or last.inputs[0] is not first.result:
            return last.result
        fused, calls = _taped(op, (*first.inputs, *first.layer.params.values()))
        if not 0 < len(calls) < len(first.calls) + len(last.calls):
            return last.result
        remembered = last.layer._saved()
        last.layer._save(*(fused if each is last.result else each for each in remembered))
        between = first.result
        self._fused[id(between)] = _Fused(
            between, calls, [*first.calls, *last.calls, [np.copyto, fused, last.result]]
        )
        runs = [*first.runs, last.runs[0]._replace(kept=fused)]
        self._forwards[-2:] = [
            each._replace(calls=calls, runs=runs, result=fused) for each in (first, last)
        ]
        self._calls[-2:] = [calls]
        return fused

    def backward(self, layer: Any, *dout: _Host, need_dx: bool = True) -> Any:
        """Run a layer backward."""
        told = {} if need_dx or not takes_need_dx(layer.backward) else {"need_dx": False}
        if is_of_layers(layer, "forward", "backward"):
            return layer.backward(*dout, **told)
        forward = next((each for each in self._forwards if each.layer is layer), None)
        self._part(dout)
        if forward is not None:
            if is_of_one_op(layer, "backward"):
                result, calls = _taped(partial(layer.backward, **told), dout)
                if calls:
                    self._calls.append(calls)
                    return result
            # It needs what the layer remembers, and so the layer's forward must run. The list
            # stays the same one: it is among all calls, and perhaps that of two layers.
            self._check_once(layer, [each.layer for each in self._forwards if each is not forward])
            forward.calls[:] = [[run] for run in forward.runs]
        return self._call_method(layer, "backward", dout, told)

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function of arrays in the forward or backward of a net.

        What lies where an argument does is there each time. Else what a kernel has called is called
        again, or the function is.
        """
        self._part(arguments)
        result, calls = _taped(function, arguments)
        if calls and _is_done_by(calls, result):
            self._calls.append(calls)
            return result
        if all(array is None or _lies_in(arguments, array) for array in _flat([result])):
            return result
        kept = tuple(map(_kept, result)) if isinstance(result, tuple) else _alike(result)
        self._calls.append([[OpCall(function, list(arguments), kept)]])
        return kept

    def constant(self, array: Any) -> None:
        """Note an array that a net computes with; it must be among the attributes of a layer."""
        self.constants.add(array)

    def forward_of_net(self, net: Any, graph: Any, run: Callable[[], Any]) -> Any:
        """Run the forward of a net, and make sure that it does the same each time."""
        before, drawn = dict(attributes_of(net)), random_states()
        keys = {name: taken_apart(value).key for name, value in before.items()}
        result = run()
        name, after = type(net).__name__, attributes_of(net)
        if graph.was_read:
            self.refuse(f"the forward of a {name} looks at values, as an if or float() does")
        for attribute in {**before, **after}:
            value = after.get(attribute)
            is_same = value is before.get(attribute) and attribute in before
            if not is_same or taken_apart(value).key != keys[attribute]:
                self.refuse(f"a {name} changes its attribute {attribute!r} in each step")
        if not are_equal(random_states(), drawn):
            self.refuse(f"the forward of a {name} draws random numbers in Python")
        return result

    def refuse(self, reason: str) -> None:
        """Say what a replay would not do."""
        raise NotCompiledError(reason)

    def _check_once(self, layer: Any, others: list[Any]) -> None:
        """Make sure that a layer whose methods are called is called once: it remembers one call."""
        if any(each is layer for each in others):
            self.refuse(f"{type(layer).__name__} is used twice, and its methods remember one call")

    def _part(self, arrays: Any) -> None:
        """Do two ops one after the other again, if somebody needs what is between them."""
        for array in _flat(arrays):
            fused = self._fused.pop(id(array), None)
            if fused is not None:
                fused.calls[:] = fused.apart

    def grad_of(self, layer: Any, name: str) -> _Host | None:
        """Return the array to which a layer's gradient is written each time."""
        grad: _Host | None = self._copies.get((id(layer), name))
        return layer.grads.get(name) if grad is None else grad

    def is_called(self, layer: Any) -> bool:
        """Whether the gradients of a layer are copies of its own."""
        return any(key == id(layer) for key, _ in self._copies)

    def calls(self) -> list[Call]:
        """Return all that is to be called."""
        return [call for calls in self._calls for call in calls]

    def _call_method(
        self, layer: Any, name: str, arrays: tuple[_Host, ...], told: dict[str, bool] | None = None
    ) -> Any:
        """Call a method, note it, and return a copy of its result."""
        told = told or {}
        if name == "forward":
            walked = [each for _, each in walk(layer)]
            for each in walked:
                self._check_once(each, [*self.taped, *self._all_called])
            self._all_called += walked
        method = partial(getattr(layer, name), **told)
        result = recorded_by(None, method, *arrays)
        kept = None if result is None else _twin(layer, result)
        copies: dict[tuple[int, str], tuple[Any, _Host]] = {}
        if name == "backward":
            twins: dict[int, _Host] = {}  # one gradient under two names is one, and counts once
            for _, each in walk(layer):
                for own_name, grad in each.grads.items():
                    twin = twins.setdefault(id(grad), _alike(grad))
                    copies[id(each), own_name] = each, twin
            self._copies |= {key: kept for key, (_, kept) in copies.items()}
        self.called.append(layer)
        self._calls.append([[MethodCall(layer, name, told, list(arrays), kept, copies)]])
        return kept


class MethodCall(NamedTuple):
    """A method to call, whatever has its name by then, and where to copy what it gives."""

    layer: Any
    name: str
    told: dict[str, bool]
    arrays: list[_Host]
    kept: _Host | None
    copies: dict[tuple[int, str], tuple[Any, _Host]]

    def __call__(self) -> None:
        method = getattr(self.layer, self.name)
        told = self.told if takes_need_dx(method) else {}
        result = method(*self.arrays, **told)
        if self.kept is not None:
            _copy(self.kept, result)
        # The layer keeps its own: it may write to the same arrays each time.
        for (_, name), (layer, kept) in self.copies.items():
            _copy(kept, layer.grads.get(name))


class OpCall(NamedTuple):
    """A function to call, and where to copy what it gives."""

    function: Callable[..., Any]
    arrays: list[Any]
    kept: Any

    def __call__(self) -> None:
        result = self.function(*self.arrays)
        if not isinstance(self.kept, tuple):
            _copy(self.kept, result)
            return
        for kept, array in zip(self.kept, result, strict=True):
            if kept is not None:
                _copy(kept, array)


class _Fused(NamedTuple):
    """The calls of two ops at once, those of one after the other, and what is between them."""

    between: Any
    calls: list[Call]
    apart: list[Call]


class _Forward(NamedTuple):
    """The calls of a forward, perhaps of two layers at once, and the methods that do the same."""

    layer: Any
    calls: list[Call]
    runs: list[MethodCall]
    inputs: tuple[_Host, ...]
    result: Any


def _copy(kept: _Host, result: Any) -> None:
    if result is None:
        raise Changed
    result = np.asarray(result)
    if result.shape != kept.shape or result.dtype != kept.dtype:
        raise Changed
    np.copyto(kept, result)


def _twin(layer: Any, array: Any) -> _Host:
    """Return a copy of what a layer returned."""
    if not isinstance(array, bool | int | float | np.generic) and type(array) is not np.ndarray:
        msg = f"{type(layer).__name__} returns a {type(array).__name__}, not one array"
        raise NotCompiledError(msg)
    return _alike(array)


def _kept(gradient: Any) -> _Host | None:
    return None if gradient is None else _alike(gradient)


def _alike(array: Any) -> _Host:
    """Return a copy that lies in memory alike, gaps and all: ops may round by the layout."""
    array = np.asarray(array)
    if array.dtype.hasobject:
        return np.array(array)  # there must be objects in its memory from the beginning
    ends = zip(array.shape, array.strides, strict=True)
    spans = [stride * (length - 1) for length, stride in ends]
    before = -sum(span for span in spans if span < 0)
    after = sum(span for span in spans if span > 0) + array.itemsize
    memory = np.empty(before + after, np.uint8)
    twin: _Host = np.ndarray(array.shape, array.dtype, memory, before, array.strides)
    np.copyto(twin, array)
    return twin


def _is_done_by(calls: list[Call], result: Any) -> bool:
    """Whether calls of kernels do all that gave a result."""
    results = result if isinstance(result, tuple) else (result,)
    if not all(isinstance(array, np.ndarray) for array in results):
        return False
    expected = [array.copy() for array in results]
    for array in results:
        array.view(np.uint8)[...] = 0xFF if array.flags.c_contiguous else 0
    tape = Tape()
    tape.calls = calls
    tape.replay()
    return all(map(_same_bits, results, expected))


def _same_bits(a: _Host, b: _Host) -> bool:
    return a.tobytes() == b.tobytes()


def _flat(arguments: Sequence[Any]) -> list[Any]:
    """Return arguments, and those in lists and tuples among them."""
    found: list[Any] = []
    for value in arguments:
        found += value if isinstance(value, list | tuple) else [value]
    return found


def _lies_in(arguments: Sequence[Any], result: Any) -> bool:
    """Whether a result lies where one of the arguments does."""
    arrays = [array for array in _flat(arguments) if isinstance(array, np.ndarray)]
    is_array = isinstance(result, np.ndarray)
    return is_array and any(np.may_share_memory(result, array) for array in arrays)


def _taped(function: Callable[..., Any], arrays: tuple[Any, ...]) -> tuple[Any, list[Call]]:
    tape = Tape()
    return tape.record(function, *arrays), tape.calls


def _taped_forward(layer: Any, inputs: tuple[_Host, ...]) -> tuple[Any, list[Call]]:
    if not counters_of(layer):
        return _taped(layer.forward, inputs)
    numbers = Numbers(layer, {name: np.empty((), np.uint64) for name in layer.counters})
    with numbers.in_place():
        result, calls = _taped(layer.forward, inputs)
    if calls:
        calls.insert(0, [numbers.write_and_count])
        numbers.count()
    return result, calls
