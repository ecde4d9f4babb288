"""The nodes of a computational graph: calls, each with what its way back needs."""

from __future__ import annotations

from itertools import count
from typing import Any, NamedTuple

__all__ = ["Node", "Several", "next_number"]

next_number = count().__next__
"""Numbers for values: what is made later has a greater one, so numbers are a topological order."""


class Node:
    """A call that gave one value or several.

    It knows the values that went in, and those that came out by their numbers alone: so a value
    that nobody has any longer is freed at once.

    Attributes
    ----------
    inputs : tuple
        What it was called with, recorded values among it.
    number : int
        That of its output, or the first of them.
    several : Several or None
        What is known of all outputs, if there are several.
    """

    __slots__ = ("inputs", "number", "several")

    inputs: tuple[Any, ...]
    number: int
    several: Several | None


class Several(NamedTuple):
    """Several outputs of one call.

    Attributes
    ----------
    numbers : tuple of int
    arrays : tuple of arrays
    """

    numbers: tuple[int, ...]
    arrays: tuple[Any, ...]

    @classmethod
    def of(cls, first: int, y: Any) -> Several:
        """Return them, with numbers after the first one."""
        return cls((first, *[next_number() for _ in y[1:]]), tuple(y))
