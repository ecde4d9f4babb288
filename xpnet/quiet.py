"""Silence where NumPy alone would warn that inf or NaN came out as documented."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar, copy_context
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np

__all__ = ["quiet"]

P = ParamSpec("P")
R = TypeVar("R")


def _silence() -> list[tuple[ContextVar[Any], Any]]:
    """Return the context variables that ``np.errstate`` sets, and what it sets them to."""
    before = copy_context()
    with np.errstate(all="ignore"):
        after = copy_context()
    return [
        (variable, value) for variable, value in after.items() if value is not before.get(variable)
    ]


_SILENCE = _silence()


def quiet(function: Callable[P, R]) -> Callable[P, R]:
    """Let a function run without NumPy's warnings: the other libraries never warn.

    It sets what ``np.errstate`` would set, but that is made once, with the size of NumPy's buffers
    as it was then: small ops notice.

    Examples
    --------
    >>> import numpy as np
    >>> quiet(np.log)(0.0)
    np.float64(-inf)
    """
    if len(_SILENCE) != 1:  # NumPy keeps it elsewhere
        return np.errstate(all="ignore")(function)
    ((variable, silence),) = _SILENCE
    begin, end = variable.set, variable.reset

    @wraps(function)
    def quietly(*args: P.args, **kwargs: P.kwargs) -> R:
        token = begin(silence)
        try:
            return function(*args, **kwargs)
        finally:
            end(token)

    return quietly
