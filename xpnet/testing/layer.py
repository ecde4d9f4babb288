"""``check_layer``: the whole suite on one layer, on every backend that is installed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

import numpy as np

from xpnet.backend import Backend, resolve_backend
from xpnet.backends import adapter_by_name, backend_names
from xpnet.dtypes import FLOATS, dtype_name
from xpnet.errors import BackendUnavailableError, DTypeError
from xpnet.testing.checks import CHECKS, Check, NotRun
from xpnet.testing.report import Finding, Report
from xpnet.testing.subject import Subject

__all__ = ["backends_to_test", "check_layer", "run_check"]

_PRETENDED_DEVICES = ("CPU_DEVICE", "device1", "no_float64")


def backends_to_test(
    names: Iterable[str] | None = None, dtypes: Collection[str] = FLOATS
) -> list[Backend]:
    """Return a record for every backend, device and dtype that can be used here.

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
        if (device, dtype) == ("no_float64", "float64"):
            continue
        try:
            yield resolve_backend(name, device, dtype)
        except DTypeError:
            continue


def check_layer(
    factory: Callable[[], Any],
    *inputs: np.ndarray[Any, Any],
    backends: Iterable[str] | None = None,
    skip: Collection[str] = (),
    seed: int = 0,
) -> Report:
    """Hold a layer against every contract of xpnet, on every backend that can be used here.

    Parameters
    ----------
    factory : callable
        Makes a fresh layer, always with the same parameters: any object with ``forward``,
        ``backward``, ``params`` and ``grads``.
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
        If ``skip`` names no check.
    BackendUnavailableError
        If a backend that was named cannot be used.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> from xpnet.testing import check_layer
    >>> report = check_layer(xpnet.ReLU, np.asarray([[-1.0, 2.0]]), backends=["numpy"])
    >>> bool(report)
    True
    """
    unknown = set(skip) - set(CHECKS)
    if unknown:
        msg = f"no check is called {', '.join(sorted(unknown))}; there are {', '.join(CHECKS)}"
        raise ValueError(msg)
    subject = Subject(factory, inputs, seed)
    targets = backends_to_test(backends)
    findings = [
        finding
        for name, check in CHECKS.items()
        if name not in skip
        for backend in targets
        for finding in run_check(name, check, subject, backend)
    ]
    return Report(type(factory()).__name__, tuple(findings))


def run_check(name: str, check: Check, subject: Subject, backend: Backend) -> list[Finding]:
    """Return one finding for each breach, or a single one if there is none."""
    where = f"{backend.name} on {backend.device}, {dtype_name(backend.dtype)}"
    try:
        breaches = list(check(subject, backend))
    except NotRun as reason:
        return [Finding(name, where, "not run", str(reason))]
    except Exception as error:  # whatever a layer raises is a finding
        breaches = [f"{type(error).__name__}: {error}"]
    if not breaches:
        return [Finding(name, where, "passed")]
    return [Finding(name, where, "failed", breach) for breach in breaches]
