"""What a mistake is: an input, and what people must be told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Mistake:
    """One bad input.

    Attributes
    ----------
    name : str
        The test's id.
    commit : callable
        Makes the mistake on the current backend.
    error : type
        What must be raised, exactly.
    says : tuple of str
        What the text, or a note on it, must contain.
    """

    name: str
    commit: Callable[[], object]
    error: type[Exception]
    says: tuple[str, ...]
