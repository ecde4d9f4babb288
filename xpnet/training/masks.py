"""The masks of Dropout in a step that is recorded: their numbers lie in arrays, which it reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from xpnet._typing import Array
from xpnet.layers import Dropout
from xpnet.ops.dropout import check_seed, check_step

__all__ = ["modes_of", "next_mask", "numbered", "write_number"]


def modes_of(dropouts: Sequence[Dropout]) -> list[tuple[Any, ...]]:
    """Return what Python decides while a step is recorded, and may decide otherwise next time."""
    return [(layer.is_dropping, layer.rate, layer.seed) for layer in dropouts]


@contextmanager
def numbered(dropouts: Sequence[Dropout], numbers: Sequence[Array]) -> Iterator[None]:
    """Let layers take the numbers of their masks from arrays in this block, and count none."""
    before = [layer.step for layer in dropouts]
    try:
        for layer, number in zip(dropouts, numbers, strict=True):
            layer.step = number
        yield
    finally:
        for layer, step in zip(dropouts, before, strict=True):
            layer.step = step


def write_number(layer: Dropout, number: Array, x: Array) -> None:
    """Write the number of a layer's next mask to an array.

    Raises
    ------
    ValueError, BackendMismatchError
        If it is none for an input like ``x``.
    """
    check_step(x, layer.step)
    step = int(layer.step)
    check_seed(type(layer).__name__, step=step)
    number[...] = step


def next_mask(layer: Dropout, number: Array, x: Array) -> None:
    """Do what :func:`write_number` does, and count it."""
    write_number(layer, number, x)
    layer.step = layer.step + 1
