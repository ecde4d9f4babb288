"""A verdict on the gradient of one array."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from xpnet.gradient_check.arguments import Slot
from xpnet.gradient_check.draws import Side, nearby, random_direction, typical_sizes
from xpnet.gradient_check.report import Judgement, Verdict, WrongEntry
from xpnet.gradient_check.slopes import Slope
from xpnet.gradient_check.spot import Spot
from xpnet.gradient_check.subject import Subject

__all__ = ["Judge"]

_Host: TypeAlias = np.ndarray[Any, Any]

_OPPOSITE_SIDES: tuple[Side, ...] = ("one", "other")
_INSIDE_A_DOMAIN: tuple[Side, ...] = ("up", "down")


@dataclass(frozen=True)
class _Direction:
    values: _Host
    index: tuple[int, ...] | None = None

    @property
    def unit(self) -> float:
        """What the derivative along it is divided by, to be that by the entry."""
        return 1.0 if self.index is None else float(self.values[self.index])


class Judge:
    """Judges array after array.

    Parameters
    ----------
    subject : Subject
        What is checked.
    here : Spot
        The given point.
    mode : str
        ``"directional"`` or ``"full"``.
    seed : int
        For directions.
    """

    def __init__(self, subject: Subject, here: Spot, mode: str, seed: int) -> None:
        self._subject, self._here, self._mode, self._seed = subject, here, mode, seed
        self._beside: dict[Side, Spot | None] = {}

    def verdict(self, slot: Slot) -> Verdict:
        """Return the verdict on the gradient with respect to one array."""
        gradients = self._here.gradients(slot)
        if gradients is None:
            # Losses return nothing for labels, but what returns nothing at all forgot it.
            is_needed = not slot.is_input or slot is next(iter(self._here.point))
            return Verdict(slot.name, "missing" if is_needed else "not returned")
        a = self._here.point[slot]
        for g in gradients:
            if g.shape != a.shape:
                note = f"the gradient has shape {g.shape}, but the array {a.shape}"
                return Verdict(slot.name, "shape", note=note)
            bad = np.argwhere(np.isfinite(a) & ~np.isfinite(g))
            if len(bad):
                first = tuple(map(int, bad[0]))
                note = f"{len(bad)} of {g.size} entries, such as {g[first]} at {first}"
                return Verdict(slot.name, "not finite", note=note)
        return self._judged(slot)

    def _judged(self, slot: Slot) -> Verdict:
        directions = self._directions(slot)
        slopes = [self._here.slope(slot, direction.values) for direction in directions]
        kinks = _where(slopes, "unclear")
        for i in kinks:
            slopes[i] = self._slope_beside(slot, directions[i]) or slopes[i]
        unclear = _where(slopes, "unclear")
        if not slopes:
            return Verdict(slot.name, "right", note="there is no entry to move")

        wrong = _where(slopes, "wrong")
        judgement: Judgement = (
            "wrong" if wrong else "unclear" if unclear else "kink" if kinks else "right"
        )
        worst = max(wrong or unclear or range(len(slopes)), key=lambda i: slopes[i].excess)
        slope, direction = slopes[worst], directions[worst]
        return Verdict(
            slot.name,
            judgement,
            analytic=slope.analytic / direction.unit,
            numeric=slope.numeric / direction.unit,
            tolerance=slope.tolerance / abs(direction.unit),
            seed=self._seed_of(slot),
            direction=direction.values,
            dout=self._here.douts[slope.weighting],
            wrong_entries=tuple(_entries(directions, slopes)),
            note=_note(judgement, len(kinks), len(slopes)),
        )

    def _directions(self, slot: Slot) -> list[_Direction]:
        a = self._here.point[slot]
        if self._mode == "directional":
            return [_Direction(random_direction(self._seed_of(slot), a))]
        sizes = typical_sizes(a)
        indices = np.ndindex(a.shape)
        return [_Direction(_only(sizes, index), index) for index in indices if sizes[index] > 0]

    def _slope_beside(self, slot: Slot, direction: _Direction) -> Slope | None:
        """Return the worse of the slopes on two sides, as far as there are any."""
        spots = [spot for side in _OPPOSITE_SIDES if (spot := self._spot_beside(side))]
        spots = spots or [spot for side in _INSIDE_A_DOMAIN if (spot := self._spot_beside(side))]
        slopes = [spot.slope(slot, direction.values) for spot in spots if spot.gradients(slot)]
        clear = [slope for slope in slopes if slope.judgement != "unclear"]
        return max(
            clear, key=lambda slope: (slope.judgement == "wrong", slope.excess), default=None
        )

    def _spot_beside(self, side: Side) -> Spot | None:
        """Return a point where all arrays have left their kinks, or None if it is no good."""
        if side not in self._beside:
            here = self._here
            moved = {
                slot: nearby(self._seed_of(slot), a, side)
                for slot, a in here.point.items()
                if here.gradients(slot)
            }
            spot = Spot(self._subject, {**here.point, **moved}, here.douts)
            lost = np.isfinite(here.passes[0].y) & ~np.isfinite(spot.passes[0].y)
            self._beside[side] = None if lost.any() else spot
        return self._beside[side]

    def _seed_of(self, slot: Slot) -> tuple[int, ...]:
        return self._seed, list(self._here.point).index(slot) + 1


def _where(slopes: list[Slope], judgement: str) -> list[int]:
    return [i for i, slope in enumerate(slopes) if slope.judgement == judgement]


def _only(sizes: _Host, index: tuple[int, ...]) -> _Host:
    direction = np.zeros_like(sizes)
    direction[index] = sizes[index]
    return direction


def _entries(directions: list[_Direction], slopes: list[Slope]) -> Iterator[WrongEntry]:
    for direction, slope in zip(directions, slopes, strict=True):
        if direction.index is not None and slope.judgement == "wrong":
            unit = direction.unit
            yield WrongEntry(direction.index, slope.analytic / unit, slope.numeric / unit)


def _note(judgement: Judgement, kinks: int, directions: int) -> str:
    if judgement == "unclear":
        return "the differences do not converge, neither here nor nearby"
    if not kinks:
        return ""
    if directions == 1:
        return "there is no derivative at this point; judged a little beside it"
    return f"{kinks} of {directions} entries have no derivative here; judged a little beside it"
