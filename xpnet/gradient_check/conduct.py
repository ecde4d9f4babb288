"""How a layer behaves towards its arguments, and from one call to the next."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from xpnet.gradient_check.report import Verdict
from xpnet.gradient_check.spot import Spot
from xpnet.gradient_check.subject import Point, Subject

__all__ = ["is_random", "offences"]

_Host: TypeAlias = np.ndarray[Any, Any]


def is_random(subject: Subject, here: Spot) -> bool:
    """Whether two calls of the same arguments give different outputs."""
    y = subject.forward(here.point)
    return any(not _are_close(one.y, y, here.eps) for one in here.passes)


def offences(subject: Subject, here: Spot, far: Point) -> list[Verdict]:
    """Return what is wrong beyond the numbers, by the names of those that it happens to.

    Parameters
    ----------
    subject : Subject
        What is checked.
    here : Spot
        The given point.
    far : Point
        Another one, to be passed before.
    """
    return [*_outputs(here), *_changes(here), *_extra(subject, here), *_stale(subject, here, far)]


def _outputs(here: Spot) -> list[Verdict]:
    y = here.passes[0].y
    is_finite = all(np.isfinite(a).all() for a in here.point.values())
    nans = int(np.isnan(y).sum())
    if nans and is_finite:
        return [Verdict("output", "not finite", note=f"{nans} of {y.size} entries are NaN")]
    if y.size and not np.isfinite(y).any():
        return [Verdict("output", "not finite", note="no entry is finite")]
    return []


def _changes(here: Spot) -> list[Verdict]:
    changed = {name: method for one in here.passes for name, method in one.changed.items()}
    return [
        Verdict(name, "changed", note=f"{method} writes to it") for name, method in changed.items()
    ]


def _extra(subject: Subject, here: Spot) -> list[Verdict]:
    returned = here.passes[0].returned
    if returned <= subject.input_count:
        return []
    note = f"backward returns {returned} gradients, but there are {subject.input_count} inputs"
    return [Verdict("backward", "shape", note=note)]


def _stale(subject: Subject, here: Spot, far: Point) -> list[Verdict]:
    """Tell whose gradients depend on what was passed before.

    A layer that changes from call to call by itself, such as a dropout with its own generator,
    is no offender: its copies draw alike.
    """
    moved = {slot: a for slot, a in far.items() if here.gradients(slot) is not None}
    fresh = here.passes[0]
    used = subject.run(here.point, here.douts[0], after={**here.point, **moved})
    if not _are_close(used.y, fresh.y, here.eps):
        if not _are_close(*subject.forward_twice(here.point), here.eps):
            return []
        return [Verdict("output", "stale", note="it depends on an earlier call")]
    return [
        Verdict(slot.name, "stale", note="the gradient depends on an earlier call")
        for slot, g in fresh.gradients.items()
        if slot not in used.gradients or not _are_close(used.gradients[slot], g, here.eps)
    ]


def _are_close(a: _Host, b: _Host, eps: float) -> bool:
    """Whether two calls gave the same, up to the order in which a GPU adds."""
    if a.shape != b.shape:
        return False
    largest = float(np.max(abs(b[np.isfinite(b)]), initial=0.0))
    return np.allclose(a, b, rtol=0, atol=eps**0.5 * largest, equal_nan=True)
