"""Random numbers for proofs, which coincide with nothing that a user draws."""

from __future__ import annotations

from typing import Any, SupportsIndex

import numpy as np

__all__ = ["check_seed", "stream"]

_OURS = 92_608_771_514_003_965_317


def stream(what: str, *seed: int) -> np.random.Generator:
    """Return the generator of one thing that a proof draws.

    Inputs are often drawn by ``default_rng(0)``. A ``dout`` from the same stream would equal them,
    and what holds for equal arrays alone would pass, or what is right be accused. So every thing
    that is drawn has a stream of its own, spawned from a number that nobody else uses.

    Parameters
    ----------
    what : str
        The name of what is drawn.
    *seed : int
        What tells the draws of one name apart.

    Examples
    --------
    >>> bool(stream("dout", 0).random() == stream("dout", 0).random())
    True
    >>> draws = [stream("dout", 0), stream("x", 0), stream("x", 1), np.random.default_rng(0)]
    >>> len({float(rng.random()) for rng in draws})
    4
    """
    return np.random.default_rng(np.random.SeedSequence(_OURS, spawn_key=(*what.encode(), *seed)))


def check_seed(seed: Any) -> None:
    """Raise a ValueError if a proof's seed is no integer, or negative."""
    if not (isinstance(seed, SupportsIndex) and seed.__index__() >= 0):
        msg = f"seed is {seed!r}; it must be an integer that is not negative"
        raise ValueError(msg)
