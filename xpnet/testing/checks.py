"""The contracts that every layer keeps, each a check that yields a sentence per breach."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np

from xpnet._typing import Array
from xpnet.arrays import asarray, device_of, to_numpy
from xpnet.backend import Backend, resolve_backend
from xpnet.backends import adapter_of
from xpnet.checks import describe_home
from xpnet.dtypes import dtype_name
from xpnet.errors import ShapeError
from xpnet.gradient_check import check_gradients
from xpnet.layers.parameters import parameters_of
from xpnet.layers.tree import layers_in
from xpnet.testing.mistakes import same_errors
from xpnet.testing.protocol import Breach, runs
from xpnet.testing.steps import buffers_move, compiled_equals_eager, no_undeclared_state
from xpnet.testing.subject import Results, Subject, host_values
from xpnet.testing.tolerance import tolerance
from xpnet.testing.traps import no_host_sync

__all__ = ["CHECKS", "Check", "NotRun"]

Check: TypeAlias = Callable[[Subject, Backend], Iterator[str]]


_NO_BATCH = "a scalar has no batch"


class NotRun(Exception):  # noqa: N818 - it is no error
    """A check does not apply here; the text says why."""


def same_as_float64(subject: Subject, backend: Backend) -> Iterator[str]:
    """Output and gradients are those of NumPy in float64, within the dtype's tolerance."""
    layer = subject.layer(backend)
    inputs = subject.arrays(backend)
    reference = resolve_backend("numpy", dtype="float64")
    exact_layer = subject.layer(reference)
    exact_params = parameters_of(exact_layer)
    for name, array in parameters_of(
        layer
    ).items():  # rounded to the dtype under test, as inputs are
        exact_params[name] = asarray(array, xp=reference)
    exact_inputs = tuple(asarray(x, xp=reference) for x in inputs)
    expected = subject.run(reference, exact_layer, exact_inputs)
    found = subject.run(backend, layer, inputs)
    yield from _differences("NumPy in float64", expected, found, _tolerance(subject, backend))


def right_gradients(subject: Subject, backend: Backend) -> Iterator[str]:
    """The gradients are the derivatives of the output, by finite differences."""
    layer, inputs = subject.layer(backend), subject.arrays(backend)
    for fault in check_gradients(layer, *inputs, seed=subject.seed).faults:
        if np.isnan(fault.numeric):
            yield f"{fault.name} is {fault.judgement}: {fault.note}"
        else:
            yield (
                f"the gradient of {fault.name} is {fault.judgement}: backward gives "
                f"{fault.analytic:.6g}, differences {fault.numeric:.6g} {fault.note}".rstrip()
            )


def home_kept(subject: Subject, backend: Backend) -> Iterator[str]:
    """Output and gradients have the library, device and dtype of the inputs."""
    for name, array in subject.run(backend).items():
        device = device_of(array)
        if adapter_of(array) is not backend.adapter or device not in (None, backend.device):
            yield f"{name} is {describe_home(array)}, where the inputs are not"
        elif dtype_name(array.dtype) != dtype_name(backend.dtype):
            yield f"{name} is {dtype_name(array.dtype)}, which is not the dtype of the inputs"


def arguments_unchanged(subject: Subject, backend: Backend) -> Iterator[str]:
    """Neither forward nor backward changes an input, a label, ``dout`` or a parameter."""
    layer = subject.layer(backend)
    inputs = subject.arrays(backend)
    named = {f"input {i}": x for i, x in enumerate(inputs)} | dict(parameters_of(layer))
    before = _fingerprints(named)
    y = layer.forward(*inputs)
    yield from (f"forward changes {name}" for name in _changed(before, named))
    dout = subject.upstream(y, backend)
    named |= {"dout": dout, "the output": y}
    before = _fingerprints(named)
    layer.backward(dout)
    yield from (f"backward changes {name}" for name in _changed(before, named))


def strided_inputs(subject: Subject, backend: Backend) -> Iterator[str]:
    """Inputs that do not lie contiguously in memory give the same result."""
    strided = tuple(map(_spread_out, subject.arrays(backend)))
    expected = subject.run(backend)
    found = subject.run(backend, inputs=strided)
    yield from _differences("contiguous inputs", expected, found, _tolerance(subject, backend))


def read_only_inputs(subject: Subject, backend: Backend) -> Iterator[str]:
    """Inputs and parameters that cannot be written to are enough."""
    layer = subject.layer(backend)
    inputs = tuple(np.array(x) for x in subject.arrays(backend))
    for array in (*inputs, *parameters_of(layer).values()):
        array.flags.writeable = False
    expected, found = subject.run(backend), subject.run(backend, layer, inputs)
    yield from _differences("writable inputs", expected, found, _tolerance(subject, backend))


def empty_batch(subject: Subject, backend: Backend) -> Iterator[str]:
    """A batch without samples goes through, and adds nothing to the gradients of parameters."""
    if not subject.inputs[0].ndim:
        raise NotRun(_NO_BATCH)
    empty = subject.with_batch(lambda x: x[:0])
    layer = empty.layer(backend)
    inputs = empty.arrays(backend)
    try:
        results = empty.run(backend, layer, inputs)
    except ShapeError as error:
        msg = f"a batch without samples is refused, which every layer has to take: {error}"
        raise Breach(msg) from error
    for i, x in enumerate(inputs):
        dx = results.get(f"the gradient of input {i}")
        if dx is not None and dx.shape != x.shape:
            yield f"the gradient of input {i} has shape {dx.shape}, but the input {x.shape}"
    for name, values in host_values(results).items():
        if values.size and not np.isfinite(values).all():
            yield f"{name} is {values} for a batch without samples"
    for name in parameters_of(layer):
        if to_numpy(results[f"the gradient of {name}"]).any():
            yield f"the gradient of {name} is not 0 for a batch without samples"


def any_rank(subject: Subject, backend: Backend) -> Iterator[str]:
    """A further leading axis of length 1 changes nothing but the shapes, or is refused in words."""
    if not subject.inputs[0].ndim:
        raise NotRun(_NO_BATCH)
    wider = subject.with_batch(lambda x: x[None])
    try:
        wider.layer(backend).forward(*wider.arrays(backend))
    except ShapeError as error:
        msg = f"a further axis is refused: {error}"
        raise NotRun(msg) from error
    expected, found = host_values(subject.run(backend)), host_values(wider.run(backend))
    for name, values in found.items():
        if name in expected and values.size == expected[name].size:
            found[name] = values.reshape(expected[name].shape)
    yield from _differences("one axis less", expected, found, _tolerance(subject, backend))


def same_under_jit(subject: Subject, backend: Backend) -> Iterator[str]:
    """Traced by ``jax.jit``, parameters included, forward and backward give the same."""
    import jax

    layer = subject.layer(backend)
    params = dict(parameters_of(layer))

    def step(params: dict[str, Array], inputs: tuple[Array, ...]) -> Results:
        traced = subject.layer(backend)
        parameters_of(traced).update(params)
        return subject.run(backend, traced, inputs)

    found = jax.jit(step)(params, subject.arrays(backend))
    expected = subject.run(backend, layer)
    yield from _differences("the same without jit", expected, found, _tolerance(subject, backend))


def no_host_reads(subject: Subject, backend: Backend) -> Iterator[str]:
    """Nothing reads a value on the host, or makes a shape depend on one."""
    layer = subject.layer(backend)
    inputs = subject.arrays(backend)
    dout = subject.upstream(layer.forward(*inputs), backend)
    with no_host_sync():
        layer.forward(*inputs)
        layer.backward(dout)
    yield from ()


def moves_between_backends(subject: Subject, backend: Backend) -> Iterator[str]:
    """A layer whose arrays were moved to NumPy and back goes on as one that was not."""
    layer, twin = subject.layer(backend), subject.layer(backend)
    for each in (layer, twin):
        subject.run(backend, each)
    for part in layers_in(layer):
        for arrays in (part.params, part.grads):
            for name, array in arrays.items():
                arrays[name] = asarray(to_numpy(array), xp=backend, dtype=array.dtype)
    expected, found = subject.run(backend, twin), subject.run(backend, layer)
    yield from _differences("that of a layer not moved", expected, found, 0.0)


def pickles(subject: Subject, backend: Backend) -> Iterator[str]:
    """A layer that was pickled, as to another process, gives the same bits."""
    layer = subject.layer(backend)
    copy = pickle.loads(pickle.dumps(layer))
    expected = subject.run(backend, layer)
    yield from _differences("before pickling", expected, subject.run(backend, copy), 0.0)


CHECKS: dict[str, Check] = {
    "runs": runs,
    "same as float64": same_as_float64,
    "right gradients": right_gradients,
    "home kept": home_kept,
    "arguments unchanged": arguments_unchanged,
    "strided inputs": strided_inputs,
    "read-only inputs": read_only_inputs,
    "empty batch": empty_batch,
    "any rank": any_rank,
    "same under jit": same_under_jit,
    "no host reads": no_host_reads,
    "moves between backends": moves_between_backends,
    "pickles": pickles,
    "no undeclared state": no_undeclared_state,
    "buffers move": buffers_move,
    "compiled equals eager": compiled_equals_eager,
    "same errors": same_errors,
}


def _tolerance(subject: Subject, backend: Backend) -> float:
    longest = max((max(x.shape, default=1) for x in subject.inputs), default=1)
    return tolerance(backend.dtype, max(longest, 1))


def _differences(other: str, expected: Results, found: Results, allowed: float) -> Iterator[str]:
    if expected.keys() != found.keys():
        yield f"there are {', '.join(found)}, but with {other} {', '.join(expected)}"
        return
    exact = host_values(expected)
    for name, values in host_values(found).items():
        if values.shape != exact[name].shape:
            yield f"{name} has shape {values.shape}, but with {other} {exact[name].shape}"
            continue
        error = _relative_error(exact[name], values)
        if not error <= allowed:
            yield (
                f"{name} differs from {other} by {error:.2g} of its largest entry; "
                f"{allowed:.2g} is allowed"
            )


def _relative_error(exact: np.ndarray[Any, Any], values: np.ndarray[Any, Any]) -> float:
    """Return the largest difference over the largest exact entry; inf where only one is finite."""
    finite = np.isfinite(exact)
    if not np.array_equal(exact[~finite], values[~finite], equal_nan=True):
        return np.inf
    if not finite.any():
        return 0.0
    error = float(abs(values[finite] - exact[finite]).max())
    scale = float(abs(exact[finite]).max())
    return error / scale if error else 0.0


def _fingerprints(named: Mapping[str, Array]) -> dict[str, str]:
    return {
        name: hashlib.sha256(to_numpy(array).tobytes()).hexdigest() for name, array in named.items()
    }


def _changed(before: dict[str, str], named: Mapping[str, Array]) -> list[str]:
    after = _fingerprints(named)
    return [name for name in before if after[name] != before[name]]


def _spread_out(x: Array) -> Array:
    """Return an equal array that takes every second entry of a larger one, backwards in memory."""
    xp = adapter_of(x).xp
    if x.ndim == 0:
        return x
    doubled = xp.stack([x, xp.zeros_like(x)], axis=-1)
    return doubled[..., 0]
