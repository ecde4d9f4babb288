"""Derivatives along a line by central differences, each with what is known of its error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import log2
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np

__all__ = ["ROUNDINGS", "Slope", "judge_slope"]

_Host: TypeAlias = np.ndarray[Any, Any]

ROUNDINGS = 32
"""How many roundings of every output and argument are granted to a layer."""
_CONVERGED = 1e-3
"""If differences change by more than this share of themselves, they are no slope."""
_STRIKES = 3
"""At how many steps in a row a gradient must be off, so that noise accuses nobody."""


@dataclass(frozen=True)
class Slope:
    """What differences say of an analytic derivative along a line.

    Attributes
    ----------
    judgement : str
        ``"unclear"`` if the differences do not converge.
    analytic, numeric, tolerance : float
        Of that weighting of the outputs for which they are furthest apart.
    weighting : int
        Its number.
    """

    judgement: Literal["right", "wrong", "unclear"]
    analytic: float
    numeric: float
    tolerance: float
    weighting: int = 0

    @property
    def excess(self) -> float:
        """By how much the derivatives are further apart than they may be."""
        return abs(self.analytic - self.numeric) - self.tolerance


class _Reading(NamedTuple):
    """The slopes at one step: of each output, and what they add up to in each weighting."""

    slopes: _Host
    numeric: _Host
    error: _Host
    rounding: _Host


def judge_slope(
    line: Callable[[float], _Host],
    y: _Host,
    weights: _Host,
    analytic: _Host,
    *,
    eps: float,
    noise: _Host,
    floor: _Host,
) -> Slope:
    """Compare derivatives with the slope of a function of one variable at 0.

    Steps become smaller until both agree as well as rounding allows; or until they have been
    further apart, three times, than rounding and the last change of the differences, which do not
    drift, and which a step too small for good digits confirms. If they never agree so well, the
    best agreement counts. If differences do not converge, there is no slope to compare with.

    Parameters
    ----------
    line : callable
        Takes a step and returns the M outputs there.
    y : array, shape (M,)
        The outputs at 0.
    weights : array, shape (K, M)
        Upstream gradients.
    analytic : array, shape (K,)
        What the slopes of ``weights @ line(h)`` should be.
    eps : float
        The relative spacing of numbers.
    noise : array, shape (K,)
        How far roundings can move these sums.
    floor : array, shape (K,)
        How exact the analytic derivatives can be at best.

    Returns
    -------
    Slope
        For all weightings together; wrong if one is.
    """
    best = Slope("unclear", float(analytic[0]), float("nan"), float("nan"))
    against: list[_Host] = []
    for slopes, numeric, error, rounding in _readings(line, y, weights, _steps(eps), noise):
        gap, least = abs(analytic - numeric), floor + rounding
        tolerance = least + error
        if (gap <= least).all():
            return _furthest("right", analytic, numeric, least)
        if (gap <= tolerance).all():
            against.clear()
            if not best.tolerance <= tolerance.max():
                best = _furthest("right", analytic, numeric, tolerance)
            continue
        against.append(numeric)
        drift = np.ptp(against[-_STRIKES:], axis=0)
        is_off = (gap > tolerance) & (drift <= gap / 4)
        if len(against) >= _STRIKES and is_off.any():
            if _is_confirmed(line, slopes, weights, eps, noise):
                return _furthest("wrong", analytic, numeric, tolerance)
            against.clear()
    return best


def _steps(eps: float) -> list[float]:
    """Return steps of which each is a quarter of the one before: 2**-6 to 2**-26 in float64.

    Truncation and rounding balance at the cube root of ``eps``, and the first steps are larger.
    The last ones pass close by kinks, of which a large net has many; they are so small that
    rounding leaves six digits in float64, and three in float32.
    """
    first, last = eps ** (1 / 9), ROUNDINGS * eps**0.6
    return [2.0**-k for k in range(-round(log2(first)), -round(log2(last)) + 1, 2)]


def _readings(
    line: Callable[[float], _Host], y: _Host, weights: _Host, steps: list[float], noise: _Host
) -> Iterator[_Reading]:
    """Yield slopes, with two steps each, as far as they can be called one.

    The central differences ``D`` of a smooth function have an error that falls by 16 with a
    quarter of the step, so that ``D + (D - D_before) / 15`` is better by two orders (Richardson;
    Press et al., Numerical Recipes, section 5.7). The last change, ``D - D_before``, is far more
    than its error.

    At a kink ``D`` converges too, to the mean of both slopes. But there ``(y(h) - 2 y(0) + y(-h))
    / h``, the difference of both, stays as it is, where that of a smooth function falls by 4.
    What has not fallen by half counts as error. Errors are summed without signs over the outputs,
    so that they cannot cancel.
    """
    before: tuple[_Host, _Host] | None = None
    for h in steps:
        up, down = line(h), line(-h)
        if not (np.isfinite(up).all() and np.isfinite(down).all()):
            before = None
            continue
        central, bend = (up - down) / (2 * h), abs(up - 2 * y + down) / h
        if before is not None:
            last_central, last_bend = before
            change = central - last_central
            slopes = central + change / 15
            numeric = weights * slopes
            error = abs(weights) @ (abs(change) + np.maximum(bend - last_bend / 2, 0))
            rounding = noise / h
            if (error <= _CONVERGED * np.linalg.norm(numeric, axis=1) + rounding).all():
                yield _Reading(slopes, numeric.sum(axis=1), error, rounding)
        before = central, bend


def _is_confirmed(
    line: Callable[[float], _Host], slopes: _Host, weights: _Host, eps: float, noise: _Host
) -> bool:
    """Whether slopes are still there from so near that only one digit is right.

    It is not so where a layer rounds inside, and from afar stairs look like a slope.
    """
    h = eps**0.5
    change = (line(h) - line(-h)) / (2 * h) - slopes
    size = np.linalg.norm(weights * slopes, axis=1)
    return bool((abs(weights) @ abs(change) <= 0.1 * size + noise / h).all())


def _furthest(
    judgement: Literal["right", "wrong"], analytic: _Host, numeric: _Host, tolerance: _Host
) -> Slope:
    k = int(np.argmax(abs(analytic - numeric) - tolerance))
    return Slope(judgement, float(analytic[k]), float(numeric[k]), float(tolerance[k]), k)
