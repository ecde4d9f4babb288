"""Counters of layers in a step that is recorded: they lie in arrays, which it reads.

Such is the number of Dropout's next mask. Python counts it, and a recorded call reads it from an
array of shape (), to which it is written before each step.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from xpnet._typing import Array
from xpnet.layers.state import counters_of

__all__ = ["Numbers"]


class Numbers:
    """The counters of one layer, with an array for each.

    Parameters
    ----------
    layer : layer
        With ``counters``.
    arrays : dict of str to array
        Of integers and shape (), by the names of the counters.

    Attributes
    ----------
    rises : dict of str to int
        How much forward has added to each when it was recorded.
    """

    def __init__(self, layer: Any, arrays: dict[str, Array]) -> None:
        self._layer, self._arrays = layer, arrays
        self.rises: dict[str, int] = {}

    def write(self) -> None:
        """Write the numbers of the next forward to the arrays.

        Raises
        ------
        ValueError
            If one is no integer from 0 to ``2**64 - 1``.
        """
        number: Any
        for name, number in counters_of(self._layer).items():
            is_integer = isinstance(number, int) or np.asarray(number).dtype.kind in "iu"
            if not is_integer or not 0 <= int(number) < 2**64:
                kind = type(self._layer).__name__
                msg = f"{kind}: {name} is {number!r}; it must be an integer from 0 to 2**64 - 1"
                raise ValueError(msg)
            self._arrays[name][...] = int(number)

    def count(self) -> None:
        """Count as a forward does."""
        for name, rise in self.rises.items():
            if rise:
                setattr(self._layer, name, int(getattr(self._layer, name)) + rise)

    def write_and_count(self) -> None:
        """Do both: what a recorded forward begins with."""
        self.write()
        self.count()

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Let the layer take its numbers from the arrays in this block, and see what it adds."""
        before = counters_of(self._layer)
        self.write()
        try:
            for name, array in self._arrays.items():
                setattr(self._layer, name, array)
            yield
            after = counters_of(self._layer)
            self.rises = {name: int(after[name]) - int(before[name]) for name in before}
        finally:
            for name, number in before.items():
                setattr(self._layer, name, number)
