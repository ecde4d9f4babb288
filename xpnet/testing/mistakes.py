"""The check that mistakes are told alike on every backend."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from xpnet.arrays import asarray
from xpnet.backend import Backend, resolve_backend
from xpnet.dtypes import is_float
from xpnet.testing.subject import Subject

__all__ = ["same_errors"]


def same_errors(subject: Subject, backend: Backend) -> Iterator[str]:
    """The same mistake raises the same exception as on NumPy."""
    reference = resolve_backend("numpy", dtype="float64")
    for mistake, commit in _MISTAKES.items():
        expected, found = _raised(commit, subject, reference), _raised(commit, subject, backend)
        if found != expected:
            yield f"{mistake} raises {found}, but {expected} on NumPy"


def _wrong_dout(subject: Subject, backend: Backend) -> None:
    layer = subject.layer(backend)
    y = layer.forward(*subject.arrays(backend))
    wider = (*y.shape[:-1], y.shape[-1] + 1) if y.ndim else (2,)
    layer.backward(asarray(np.ones(wider), xp=backend))


def _other_kind(subject: Subject, backend: Backend) -> None:
    first, *others = subject.arrays(backend)
    other = np.ones(first.shape, dtype="int32" if is_float(first.dtype) else "float64")
    subject.layer(backend).forward(asarray(other, xp=backend), *others)


def _list(subject: Subject, backend: Backend) -> None:
    _, *others = subject.arrays(backend)
    subject.layer(backend).forward(subject.inputs[0].tolist(), *others)


def _no_forward(subject: Subject, backend: Backend) -> None:
    subject.layer(backend).backward(asarray(np.ones(1), xp=backend))


_MISTAKES: dict[str, Callable[[Subject, Backend], None]] = {
    "dout of another shape": _wrong_dout,
    "integers for floats, or the reverse,": _other_kind,
    "a list for an array": _list,
    "backward before forward": _no_forward,
}


def _raised(commit: Callable[[Subject, Backend], None], subject: Subject, backend: Backend) -> str:
    try:
        commit(subject, backend)
    except Exception as error:  # which one it is, is the question
        return type(error).__name__
    return "nothing"
