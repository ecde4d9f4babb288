"""``check_layer``: the whole suite on one layer, on every backend that is installed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from typing import Any

import numpy as np

from xpnet.backend import Backend, resolve_backend
from xpnet.backends import adapter_by_name, backend_names
from xpnet.dtypes import FLOATS, is_real
from xpnet.errors import BackendMismatchError, BackendUnavailableError, DTypeError, ShapeError
from xpnet.gradient_check.streams import check_seed
from xpnet.layers.tree import is_layer
from xpnet.testing.checks import CHECKS, Check, NotRun
from xpnet.testing.limits import reason_not_to_run
from xpnet.testing.places import Place
from xpnet.testing.protocol import Breach
from xpnet.testing.report import Finding, Report
from xpnet.testing.subject import Subject

__all__ = ["backends_to_test", "check_layer", "run_check"]

_ALL_OTHERS = "all others"
_PRETENDED_DEVICES = ("CPU_DEVICE", "device1", "no_float64")
# One does not exist; the other finds what "no_float64" finds, which is no CPU either.
_LEFT_OUT = {("no_float64", "float64"), ("device1", "float32")}


def backends_to_test(
    names: str | Iterable[str] | None = None, dtypes: Collection[str] = FLOATS
) -> list[Backend]:
    """Return a record for every backend, device and dtype that can be used here.

    Of the devices that array-api-strict pretends to have, the second is left out in float32, where
    the third finds all that it would find.

    Parameters
    ----------
    names : iterable of str, optional
        Backends that must be there; all that can be used unless given.
    dtypes : collection of str
        Those that a library or device does not have are left out.

    Raises
    ------
    BackendUnavailableError
        If a backend that was named cannot be used.

    Examples
    --------
    >>> from xpnet.testing import backends_to_test
    >>> backends_to_test(["numpy"], dtypes=["float32"])
    [Backend('numpy', device='cpu', dtype='float32')]
    """
    required = names is not None
    if names is None:
        names = filter(_is_in_suites, backend_names())
    elif isinstance(names, str):
        names = [names]
    found: list[Backend] = []
    for name in names:
        for device in _PRETENDED_DEVICES if name == "array_api_strict" else (None,):
            try:
                found += _with_dtypes(name, device, dtypes)
            except BackendUnavailableError:
                if required:
                    raise
    return found


def _is_in_suites(name: str) -> bool:
    try:
        return adapter_by_name(name).in_suites
    except BackendUnavailableError:
        return False


def _with_dtypes(name: str, device: str | None, dtypes: Collection[str]) -> Iterator[Backend]:
    for dtype in dtypes:
        if (device, dtype) in _LEFT_OUT:
            continue
        try:
            yield resolve_backend(name, device, dtype)
        except DTypeError:
            continue


def check_layer(
    factory: Callable[[], Any],
    *inputs: np.ndarray[Any, Any],
    backends: str | Iterable[str] | None = None,
    skip: str | Collection[str] = (),
    seed: int = 0,
) -> Report:
    """Hold a layer against every contract of xpnet, on every backend that can be used here.

    Parameters
    ----------
    factory : callable
        Makes a fresh layer, always with the same parameters: any object with ``forward``,
        ``backward``, ``params`` and ``grads``. ``backward`` returns a gradient, or a tuple of
        them for the inputs in order; None stands for none, as for labels.
    *inputs : numpy.ndarray
        What ``forward`` takes. Arrays of floats are differentiated and tried in every dtype;
        arrays of integers, such as class indices, are passed as they are.
    backends : iterable of str, optional
        Names; all that can be used unless given.
    skip : collection of str
        Names of checks to leave out; ``xpnet.testing.CHECKS`` has them all.
    seed : int
        For the gradient that is fed to ``backward``.

    Returns
    -------
    Report
        True if the layer keeps all contracts; printed, it says which it breaks and how.

    Raises
    ------
    ValueError
        If ``skip`` names no check, there is no input, or the seed is none.
    TypeError
        If the factory is none.
    BackendMismatchError, DTypeError, ShapeError
        If an input is no NumPy array, not of real numbers, or empty.
    BackendUnavailableError
        If a backend that was named cannot be used.

    Notes
    -----
    Whatever the layer itself does wrong is a finding, errors included. A layer may refuse a
    further leading axis by ``ShapeError``, but no layer a batch without samples. Where forward
    and backward do not run at all, the other checks are left out.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> from xpnet.testing import check_layer
    >>> report = check_layer(xpnet.ReLU, np.asarray([[-1.0, 2.0]]), backends=["numpy"])
    >>> bool(report)
    True
    """
    skipped = {skip} if isinstance(skip, str) else set(skip)
    unknown = skipped - set(CHECKS)
    if unknown:
        msg = f"no check is called {', '.join(sorted(unknown))}; there are {', '.join(CHECKS)}"
        raise ValueError(msg)
    _check_arguments(factory, inputs)
    check_seed(seed)
    subject = Subject(factory, inputs, seed)
    names = [name for name in CHECKS if name not in skipped]
    findings = [
        finding
        for backend in backends_to_test(backends)
        for finding in _findings(names, subject, backend)
    ]
    findings.sort(key=lambda finding: [*CHECKS, _ALL_OTHERS].index(finding.check))
    skippable = tuple(name for name in CHECKS if name != "runs")
    return Report(_title(factory), tuple(findings), skippable)


def run_check(name: str, check: Check, subject: Subject, backend: Backend) -> list[Finding]:
    """Return one finding for each breach, or a single one if there is none."""
    place = Place.of(backend)
    if reason := reason_not_to_run(name, backend):
        return [Finding(name, place, "not run", reason)]
    try:
        breaches = list(check(subject, backend))
    except NotRun as reason_found:
        return [Finding(name, place, "not run", str(reason_found))]
    except Breach as breach:
        breaches = [str(breach)]
    except Exception as error:  # whatever a layer raises is a finding
        breaches = [f"{type(error).__name__}: {error}"]
    if not breaches:
        return [Finding(name, place, "passed")]
    return [Finding(name, place, "failed", breach) for breach in breaches]


def _findings(names: list[str], subject: Subject, backend: Backend) -> Iterator[Finding]:
    """Yield what all checks find; where the first fails, the others would only repeat it."""
    for name in names:
        found = run_check(name, CHECKS[name], subject, backend)
        yield from found
        if name == "runs" and found[0].verdict == "failed":
            yield Finding(_ALL_OTHERS, found[0].place, "not run", "the layer does not run there")
            return


def _title(factory: Callable[[], Any]) -> str:
    with suppress(Exception):  # which is a finding
        return type(factory()).__name__
    return str(getattr(factory, "__name__", factory))


def _check_arguments(factory: Any, inputs: tuple[Any, ...]) -> None:
    """Explain what no layer could be checked with."""
    if not callable(factory) or is_layer(factory):  # a layer is callable, too
        kind = type(factory).__name__
        msg = (
            "check_layer needs a factory, which makes a fresh layer at each call, such as a class "
            f"or a lambda, not a {kind}; write lambda: {kind}(...)"
        )
        raise TypeError(msg)
    if not inputs:
        msg = "check_layer needs at least one input, to which the layer is applied"
        raise ValueError(msg)
    for i, x in enumerate(inputs):
        if type(x) is not np.ndarray:
            kind = type(x).__name__
            msg = (
                f"check_layer: input {i} is of type {kind}, not a NumPy array, which is brought to "
                f"every backend; use numpy.asarray(...) or xpnet.to_numpy(...)"
            )
            raise BackendMismatchError(msg)
        if not is_real(x.dtype):
            msg = f"check_layer: input {i} is of dtype {x.dtype}, not of real numbers"
            raise DTypeError(msg)
        if not x.size:
            msg = (
                f"check_layer: input {i} has shape {x.shape}, which leaves nothing to check; "
                "give it some samples, and a batch without any is tried too"
            )
            raise ShapeError(msg)
