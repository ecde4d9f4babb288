"""What layers remember of a forward, while others go through them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from xpnet.layers.tree import walk

__all__ = ["memories_kept"]


@contextmanager
def memories_kept(root: Any) -> Iterator[None]:
    """Let all layers of a tree remember after the block what they remembered before it.

    So a prediction does not hold on to its data, and may come between forward and backward.
    """
    memories = [
        vars(layer) for _, layer in walk(root) if "_memory" in getattr(layer, "__dict__", {})
    ]
    before = [memory["_memory"] for memory in memories]
    try:
        yield
    finally:
        for memory, remembered in zip(memories, before, strict=True):
            memory["_memory"] = remembered
