"""Schedules: settings that change from step to step."""

from __future__ import annotations

import math
from dataclasses import dataclass

from xpnet.checks import check_not_negative, check_sizes
from xpnet.errors import SettingError

__all__ = ["Constant", "CosineDecay", "ExponentialDecay", "OneCycle", "Schedule", "StepDecay"]


class Schedule:
    """A number for each step, in place of a setting such as a learning rate.

    Called with the number of a step, counted from 0, it returns the number that counts in that
    step. Any function does so, too; a class of one's own can be copied, compared and shown. A
    schedule must return the same for the same step, and is called on the host before the step, also
    where steps are compiled.

    Examples
    --------
    >>> import xpnet
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class InverseTime(xpnet.Schedule):
    ...     start: float
    ...     def __call__(self, step):
    ...         return self.start / (1 + step)
    >>> optimizer = xpnet.SGD(lr=InverseTime(0.5))
    >>> params = {"W": 1.0}
    >>> for _ in range(2):
    ...     optimizer.update(params, {"W": 1.0})
    >>> params, optimizer.lr
    ({'W': 0.25}, InverseTime(start=0.5))
    >>> optimizer.steps, round(optimizer.settings["lr"], 4)  # the rate of the next step
    (2, 0.1667)
    """

    def __call__(self, step: int) -> float:
        """Return the number of a step."""
        raise NotImplementedError


@dataclass(frozen=True)
class Constant(Schedule):
    """The same number in each step.

    Parameters
    ----------
    value : float
        Finite and not negative.

    Raises
    ------
    SettingError
        If a parameter is out of its range; so do all schedules.

    Examples
    --------
    >>> Constant(0.1)(1000)
    0.1
    """

    value: float

    def __post_init__(self) -> None:
        _check(self, value=self.value)

    def __call__(self, step: int) -> float:
        return self.value


@dataclass(frozen=True)
class StepDecay(Schedule):
    """Multiplied by a factor every so many steps: ``start * factor ** (step // every)``.

    It is PyTorch's StepLR. A. Krizhevsky, I. Sutskever and G. Hinton, "ImageNet classification
    with deep convolutional neural networks", NIPS 2012, section 5, divide by 10 so.

    Parameters
    ----------
    start : float
        The number of the first step.
    every : int
        The steps that have one number.
    factor : float
        Finite and not negative.

    Examples
    --------
    >>> rate = StepDecay(8.0, every=2, factor=0.5)
    >>> [rate(step) for step in range(5)]
    [8.0, 8.0, 4.0, 4.0, 2.0]
    """

    start: float
    every: int
    factor: float = 0.1

    def __post_init__(self) -> None:
        _check(self, start=self.start, factor=self.factor)
        _check_counts(self, every=self.every)

    def __call__(self, step: int) -> float:
        return _decayed(self.start, self.factor, step // self.every)


@dataclass(frozen=True)
class ExponentialDecay(Schedule):
    """Multiplied by a factor in the course of so many steps: ``start * factor ** (step / every)``.

    It is PyTorch's ExponentialLR where ``every`` is 1.

    Parameters
    ----------
    start : float
        The number of the first step.
    factor : float
        Finite and not negative.
    every : int
        The steps in which the number becomes ``factor`` times as large.

    Examples
    --------
    >>> rate = ExponentialDecay(8.0, factor=0.25, every=2)
    >>> [rate(step) for step in range(5)]
    [8.0, 4.0, 2.0, 1.0, 0.5]
    """

    start: float
    factor: float
    every: int = 1

    def __post_init__(self) -> None:
        _check(self, start=self.start, factor=self.factor)
        _check_counts(self, every=self.every)

    def __call__(self, step: int) -> float:
        return _decayed(self.start, self.factor, step / self.every)


@dataclass(frozen=True)
class CosineDecay(Schedule):
    """Up along a line, and down along half a cosine.

    In the first ``warmup`` steps the number goes from ``start`` to ``peak``:
    P. Goyal and others, "Accurate, large minibatch SGD", https://arxiv.org/abs/1706.02677,
    section 2.2. In the others it is ``end + (peak - end) * (1 + cos(pi * passed)) / 2``, where
    ``passed`` goes from 0 to 1: I. Loshchilov and F. Hutter, "SGDR: stochastic gradient descent
    with warm restarts", https://arxiv.org/abs/1608.03983, equation 5, without the restarts. After
    ``steps`` it stays ``end``. PyTorch has both as LinearLR and CosineAnnealingLR.

    Parameters
    ----------
    peak : float
        The largest number.
    steps : int
        The steps up and down together.
    warmup : int
        The steps up, fewer than ``steps``.
    start, end : float
        The numbers of the first step, if there is a warm-up, and of those after the last one.

    Examples
    --------
    >>> rate = CosineDecay(8.0, steps=6, warmup=2)
    >>> [round(rate(step), 9) for step in range(8)]
    [0.0, 4.0, 8.0, 6.828427125, 4.0, 1.171572875, 0.0, 0.0]
    """

    peak: float
    steps: int
    warmup: int = 0
    start: float = 0.0
    end: float = 0.0

    def __post_init__(self) -> None:
        _check(self, peak=self.peak, start=self.start, end=self.end)
        _check_counts(self, steps=self.steps)
        if self.warmup != 0:
            _check_counts(self, warmup=self.warmup)
        if self.warmup >= self.steps:
            msg = (
                f"CosineDecay: warmup is {self.warmup} and steps is {self.steps}, which counts the "
                "warm-up, too; it must be more"
            )
            raise SettingError(msg)

    def __call__(self, step: int) -> float:
        if step < self.warmup:
            return self.start + (self.peak - self.start) * step / self.warmup
        passed = (step - self.warmup) / (self.steps - self.warmup)
        return _along_cosine(self.peak, self.end, min(passed, 1.0))


@dataclass(frozen=True)
class OneCycle(Schedule):
    """Up and down once, both along half a cosine, and far below where it began.

    L. Smith and N. Topin, "Super-convergence: very fast training of neural networks using large
    learning rates", https://arxiv.org/abs/1708.07120. It is PyTorch's OneCycleLR: the peak comes at
    step ``rise * steps - 1``, the end at step ``steps - 1``. After that it stays ``end``. (There
    the momentum goes the other way, too: give it a schedule of its own.)

    Parameters
    ----------
    peak : float
        The largest number.
    steps : int
        The steps of the cycle.
    rise : float
        The share of the steps that go up, more than 0 and less than 1.
    start : float, optional
        The number of the first step; ``peak / 25`` unless given.
    end : float, optional
        The number of the last one; ``start / 10_000`` unless given.

    Examples
    --------
    >>> rate = OneCycle(8.0, steps=5, rise=0.6, start=4.0, end=0.0)
    >>> [round(rate(step), 9) for step in range(7)]
    [4.0, 6.0, 8.0, 4.0, 0.0, 0.0, 0.0]
    """

    peak: float
    steps: int
    rise: float = 0.3
    start: float | None = None
    end: float | None = None

    def __post_init__(self) -> None:
        _check(self, peak=self.peak)
        for name, number in {"start": self.start, "end": self.end}.items():
            if number is not None:
                _check(self, **{name: number})
        _check_counts(self, steps=self.steps)
        _check(self, rise=self.rise)
        if not 0 < self.rise < 1:
            msg = f"OneCycle: rise is {self.rise!r}; it must be more than 0 and less than 1"
            raise SettingError(msg)

    def __call__(self, step: int) -> float:
        start = self.peak / 25 if self.start is None else self.start
        end = start / 10_000 if self.end is None else self.end
        last = self.steps - 1
        top = min(max(self.rise * self.steps - 1, 0.0), last)
        if step < top:
            return _along_cosine(start, self.peak, step / top)
        return _along_cosine(self.peak, end, (step - top) / (last - top) if step < last else 1.0)


def _along_cosine(start: float, end: float, passed: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * passed)) / 2


def _decayed(start: float, factor: float, times: float) -> float:
    try:
        return float(start * factor**times)
    except OverflowError:  # a factor above 1
        return math.inf


def _check(schedule: Schedule, **numbers: object) -> None:
    _checked(check_not_negative, schedule, numbers)


def _check_counts(schedule: Schedule, **counts: int) -> None:
    _checked(check_sizes, schedule, counts)


def _checked(check, schedule, values) -> None:  # type: ignore[no-untyped-def]
    try:
        check(type(schedule).__name__, **values)
    except ValueError as error:
        raise SettingError(str(error)) from None
