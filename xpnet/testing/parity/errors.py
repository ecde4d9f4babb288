"""How far the ops of a backend are from exact arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from xpnet.arrays import asarray, to_numpy
from xpnet.backend import Backend, resolve_backend
from xpnet.dtypes import dtype_name
from xpnet.ops.op import OPS
from xpnet.testing.catalog import CATALOG, Case, OpLayer
from xpnet.testing.parity.inputs import Host, draw_examples, flushed, has_subnormals, round_to
from xpnet.testing.parity.references import REFERENCES, Value
from xpnet.testing.tolerance import (
    EPSILON,
    LARGEST,
    SMALLEST,
    dtype_of_sums,
    tolerance,
    underflow,
)

__all__ = ["Error", "Trial", "measure", "op_cases", "trials_of", "worst"]

Errors: TypeAlias = dict[str, "Error"]
"""By the name of the op or of its derivative."""

_Alternatives: TypeAlias = tuple[tuple[Value, ...], ...]

_silent = np.errstate(all="ignore")  # overflow, underflow and NaN are what is looked for

# An op rounds its result to 16 bits; the derivative of the loss also its probabilities.
_STORED = 2


@dataclass(frozen=True)
class Error:
    """The largest errors that were seen.

    Attributes
    ----------
    ulps : float
        In units of the last place of the exact result.
    relative : float
        Relative to the condition of the op, in units of the dtype's epsilon.
    share : float
        Of the bound; more than 1 is a breach.
    length : int
        Of the longest sum.
    """

    ulps: float = 0.0
    relative: float = 0.0
    share: float = 0.0
    length: int = 1

    def __or__(self, other: Error) -> Error:
        return Error(
            max(self.ulps, other.ulps),
            max(self.relative, other.relative),
            max(self.share, other.share),
            max(self.length, other.length),
        )


@dataclass(frozen=True)
class Trial:
    """One forward and one backward, the same for every backend.

    Attributes
    ----------
    inputs : tuple of numpy.ndarray
        What forward takes.
    y, dout : numpy.ndarray
        The exact output, rounded to the dtype, and the gradient that are fed to backward. So a
        derivative is measured by itself, whatever forward did.
    forward, backward : tuple of tuple of Value
        What may come out: the exact results, and, if there are subnormal numbers among the
        inputs, those of a library that takes them for zeros.
    """

    inputs: tuple[Host, ...]
    y: Host
    dout: Host
    forward: _Alternatives
    backward: _Alternatives


def op_cases() -> list[Case]:
    """Return the cases of the catalog that are ops by a formula, not layers.

    The others, which check their arguments themselves, are not measured on extreme inputs.
    """
    cases = [case for case in CATALOG if hasattr(case.target, "declaration")]
    return [case for case in cases if isinstance(case.subject.factory(), OpLayer)]


@_silent
def measure(case: Case, backend: Backend, trials: Iterable[Trial]) -> Errors:
    """Return the errors of an op and of its derivative on a backend.

    Examples
    --------
    >>> import xpnet
    >>> from xpnet.testing.parity.errors import measure, op_cases, trials_of
    >>> (add,) = (case for case in op_cases() if case.target is xpnet.ops.add)
    >>> errors = measure(add, xpnet.get_backend(), trials_of(add, "float32", 10))
    >>> list(errors), errors["add"].ulps <= 0.5
    (['add', 'add_backward'], True)
    """
    layer: OpLayer = case.subject.factory()
    forward, backward = _names(case)
    errors: Errors = {}
    for trial in trials:
        inputs = [asarray(x, xp=backend) for x in trial.inputs]
        y, dout = asarray(trial.y, xp=backend), asarray(trial.dout, xp=backend)
        found = layer.op(*inputs)
        gradients = layer.derivative(dout, y, *inputs)
        seen = {backward: _compare(gradients, trial.backward, backend)}
        if forward is not None:
            seen = {forward: _compare(found, trial.forward, backend)} | seen
        errors = worst(errors, seen)
    return errors


def worst(*all_errors: Mapping[str, Error]) -> Errors:
    """Return the larger of all errors of the same name."""
    names = dict.fromkeys(name for errors in all_errors for name in errors)
    return {name: _largest(errors.get(name, Error()) for errors in all_errors) for name in names}


def _largest(errors: Iterable[Error]) -> Error:
    largest = Error()
    for error in errors:
        largest |= error
    return largest


def trials_of(case: Case, dtype: str, count: int, *, long: bool = True) -> list[Trial]:
    """Return inputs for an op and the exact results, always the same ones.

    Parameters
    ----------
    case : Case
        An op of the catalog.
    dtype : str
        The name of the floating dtype.
    count : int
        How many.
    long : bool
        Whether to try axes of length 1 and 1000 too.
    """
    op, derivative = _exact_functions(case)
    return [
        _trial(op, derivative, dtype, example.inputs, example.upstream.array)
        for example in draw_examples(case.subject.inputs, dtype, count, long=long)
    ]


def _names(case: Case) -> tuple[str | None, str]:
    """Return those of the op and its derivative, which some ops of the catalog are themselves."""
    name = case.target.__name__
    backward = f"{name}_backward"
    return (name, backward) if backward in OPS else (None, name)


_Exact: TypeAlias = Callable[..., tuple[Value, ...]]


def _exact_functions(case: Case) -> tuple[_Exact, _Exact]:
    forward, backward = _names(case)
    layer: OpLayer = case.subject.factory()
    if backward not in REFERENCES:
        return _by_itself(layer.op), _by_itself(layer.derivative)
    options = getattr(layer.op, "keywords", {})  # the axis, if it is a partial function
    op = REFERENCES[forward].values if forward else _by_itself(layer.op)  # for y alone
    derivative = REFERENCES[backward].values
    return (lambda *args: op(*args, **options)), (lambda *args: derivative(*args, **options))


def _by_itself(op: Callable[..., Any]) -> _Exact:
    """Hold an op for which there is no reference against itself, on NumPy in float64."""
    numpy64 = resolve_backend("numpy", dtype="float64")

    def values(*args: Host) -> tuple[Value, ...]:
        results = _tuple(op(*(asarray(x, xp=numpy64) for x in args)))
        exact = [np.asarray(result, dtype="longdouble") for result in results]
        length = max((max(x.shape, default=1) for x in args), default=1)
        return tuple(Value(result, abs(result), length) for result in exact)

    return values


@_silent
def _trial(
    op: _Exact,
    derivative: _Exact,
    dtype: str,
    inputs: tuple[Host, ...],
    upstream: Callable[[tuple[int, ...], str], Host],
) -> Trial:
    (value,) = op(*map(_wide, inputs))
    y = round_to(dtype, value.exact)
    dout = upstream(y.shape, dtype)
    arguments = (dout, y, *inputs)
    return Trial(
        inputs,
        y,
        dout,
        _alternatives(op, inputs, dtype),
        _alternatives(derivative, arguments, dtype),
    )


def _alternatives(function: _Exact, arguments: tuple[Host, ...], dtype: str) -> _Alternatives:
    exact = function(*map(_wide, arguments))
    if not any(has_subnormals(dtype, x) for x in arguments):
        return (exact,)
    return exact, function(*(_wide(flushed(dtype, x)) for x in arguments))


def _wide(x: Host) -> Host:
    return x if np.issubdtype(x.dtype, np.integer) else x.astype("longdouble")


@_silent
def _compare(results: Any, alternatives: _Alternatives, backend: Backend) -> Error:
    dtype = dtype_name(backend.dtype)
    found = [to_numpy(result).astype("longdouble") for result in _tuple(results)]
    largest = Error()
    for result, *values in zip(found, *alternatives, strict=True):
        largest |= _error(result, values, dtype)
    return largest


def _error(found: Host, alternatives: list[Value], dtype: str) -> Error:
    """Return the error from whichever exact value is nearer, entry by entry."""
    if found.shape != alternatives[0].exact.shape:
        return Error(np.inf, np.inf, np.inf)
    bounds = [_excess(found, value, dtype) for value in alternatives]
    ulps, relative = (np.min(figures, axis=0) for figures in zip(*bounds, strict=True))
    if found.size == 0:
        return Error()
    length = alternatives[0].length
    allowed = tolerance(dtype, length, stored=_STORED)
    return Error(
        float(ulps.max()),
        float(relative.max()) / EPSILON[dtype],
        float(relative.max()) / allowed,
        length,
    )


def _excess(found: Host, value: Value, dtype: str) -> tuple[Host, Host]:
    """Return the part of the error that is no underflow, in ulp and relative to the scale."""
    exact = value.exact
    scale = np.where(np.isfinite(value.scale), value.scale, abs(exact))
    gain = 1 if value.gain is None else np.where(np.isfinite(value.gain), value.gain, 0)
    underflown = underflow(dtype, value.length) * np.maximum(gain, 1)
    error = np.maximum(abs(found - exact) - underflown, 0)
    error = np.where(np.isnan(error), np.inf, error)  # one of the two is not finite
    error = np.where(_is_right(found, value, scale, dtype), 0, error)
    _fraction, exponent = np.frexp(np.clip(abs(exact), SMALLEST[dtype], LARGEST[dtype]))
    ulp = np.ldexp(np.longdouble(EPSILON[dtype]), exponent - 1)
    relative = np.array(error)
    np.divide(error, scale, out=relative, where=np.isfinite(error) & (error > 0))
    return np.asarray(error / ulp), relative


def _is_right(found: Host, value: Value, scale: Host, dtype: str) -> Host:
    """Return where nothing need be measured: results that are equal, or that overflow."""
    exact = value.exact
    same = (found == exact) | (np.isnan(found) & np.isnan(exact))
    allowed = tolerance(dtype, value.length, stored=_STORED) * scale
    rightly_inf = np.isinf(found) & (np.sign(found) == np.sign(exact))
    rightly_inf &= abs(exact) + allowed > LARGEST[dtype]
    peak = value.scale if value.peak is None else value.peak
    unpromised = np.isfinite(peak) & (peak > LARGEST[dtype_of_sums(dtype)])
    # What underflows to 0 turns inf into NaN.
    gain = 1 if value.gain is None else value.gain
    rightly_nan = np.isnan(found) & np.isinf(exact) & np.isinf(gain)
    return np.asarray(same | rightly_inf | rightly_nan | unpromised)


def _tuple(results: Any) -> tuple[Any, ...]:
    return results if isinstance(results, tuple) else (results,)
