"""Calls on a tape that are to be made with other numbers: found again, not noted again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from xpnet.kernels.tape import Call

__all__ = ["Renewal", "numbers_in"]


class Renewal:
    """The calls that one rule has noted, and where its numbers are among their arguments.

    Parameters
    ----------
    numbers_of : callable
        Takes a dtype and settings; returns the rule's numbers.
    dtype : dtype
        In which the rule computes.
    calls : list of Call
        Which the rule has noted.
    numbers : list
        Those that it was given; each is an object of its own.

    Attributes
    ----------
    kind : tuple
        Renewals of one kind have the same numbers for the same settings.
    """

    def __init__(
        self,
        numbers_of: Callable[..., tuple[float, ...]],
        dtype: np.dtype[Any],
        calls: list[Call],
        numbers: list[Any],
    ) -> None:
        self.kind = dtype, numbers_of
        index = {id(number): i for i, number in enumerate(numbers)}
        self._slots = [
            (call, position, index[id(argument)])
            for call in calls
            for position, argument in enumerate(call)
            if id(argument) in index
        ]

    def numbers(self, settings: Mapping[str, Any]) -> list[Any]:
        """Return the numbers that follow from settings."""
        return numbers_in(*self.kind, settings)

    def write(self, numbers: list[Any]) -> None:
        """Let the calls be made with other numbers."""
        for call, position, i in self._slots:
            call[position] = numbers[i]


def numbers_in(
    dtype: np.dtype[Any],
    numbers_of: Callable[..., tuple[float, ...]],
    settings: Mapping[str, Any],
) -> list[Any]:
    """Return a rule's numbers in the dtype in which it computes."""
    return [dtype.type(number) for number in numbers_of(dtype, **settings)]
