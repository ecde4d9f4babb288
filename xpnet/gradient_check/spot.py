"""A point at which backward and finite differences meet."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from xpnet.gradient_check.arguments import Slot
from xpnet.gradient_check.slopes import ROUNDINGS, Slope, judge_slope
from xpnet.gradient_check.subject import Point, Subject

__all__ = ["Spot"]

_Host: TypeAlias = np.ndarray[Any, Any]


class Spot:
    """A point, and what forward and backward say there.

    Parameters
    ----------
    subject : Subject
        What is checked.
    point : Point
        Where.
    douts : array, shape (K, ...)
        Upstream gradients; 0 for outputs that do not count.

    Attributes
    ----------
    point, douts
        As given.
    passes : list of Pass
        One for each of them.
    eps : float
        The relative spacing of the least exact dtype that occurs.
    """

    def __init__(self, subject: Subject, point: Point, douts: _Host) -> None:
        self._subject, self.point, self.douts = subject, point, douts
        self.passes = [subject.run(point, dout) for dout in douts]
        self._weights = douts.reshape(len(douts), -1)
        self._y = self._counting(self.passes[0].y)
        self.eps = max(one.eps for one in self.passes)
        self._noise = np.asarray([self._roundings(k) for k in range(len(douts))])

    def gradients(self, slot: Slot) -> list[_Host] | None:
        """Return the gradients for all upstream gradients, or None if there is none."""
        found = [one.gradients[slot] for one in self.passes if slot in one.gradients]
        return found if len(found) == len(self.passes) else None

    def slope(self, slot: Slot, direction: _Host) -> Slope:
        """Compare backward with differences along a direction."""
        gradients = self.gradients(slot)
        assert gradients is not None
        a = self.point[slot]
        terms = np.stack([np.where(direction == 0, 0.0, g * direction).ravel() for g in gradients])
        largest = np.asarray([np.max(_finite(abs(g)), initial=0.0) for g in gradients])
        # A backward has roundings of its own; where its terms cancel, relative to the largest.
        floor = np.sqrt(self.eps) * np.linalg.norm(terms, axis=1)
        floor += ROUNDINGS * self.eps * largest * np.sum(abs(direction))

        def line(h: float) -> _Host:
            return self._counting(self._subject.forward({**self.point, slot: a + h * direction}))

        return judge_slope(
            line,
            self._y,
            self._weights,
            terms.sum(axis=1),
            eps=self.eps,
            noise=self._noise,
            floor=floor,
        )

    def _counting(self, y: _Host) -> _Host:
        return np.where(self._weights.any(axis=0), y.ravel().astype("float64"), 0.0)

    def _roundings(self, k: int) -> float:
        """Return how far roundings of arguments and outputs can move ``sum(dout * y)``."""
        products = [self._weights[k] * self._y]
        for slot, g in self.passes[k].gradients.items():
            if g.shape == self.point[slot].shape:
                products.append(g * self.point[slot])
        return ROUNDINGS * self.eps * sum(float(np.sum(_finite(abs(p)))) for p in products)


def _finite(values: _Host) -> _Host:
    found: _Host = values[np.isfinite(values)]
    return found
