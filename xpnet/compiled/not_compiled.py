"""Why a step is not compiled: told to the user, once."""

from __future__ import annotations

import warnings

__all__ = ["NotCompiledError", "warn"]


class NotCompiledError(Exception):
    """A step cannot be compiled and mean the same; the text says why."""


def warn(reason: str) -> None:
    """Tell the user that steps are eager from now on."""
    warnings.warn(
        f"compile: steps are eager and not compiled, for {reason}", RuntimeWarning, stacklevel=4
    )
