"""Noise on gradients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import prod, sqrt
from numbers import Integral
from typing import Any
from zlib import crc32

from xpnet._typing import Array, Namespace
from xpnet.arrays import array_namespace, device_of
from xpnet.checks import check_not_negative
from xpnet.errors import SettingError
from xpnet.ops.philox import random_words
from xpnet.ops.precision import rounded, widened
from xpnet.optimizers.setting import Setting
from xpnet.optimizers.transforms.transform import Gradients, Transform, as_number

__all__ = ["noise"]

# A sum of eight uniform integers of 16 bits: its mean, and its standard deviation.
_MEAN = 8 * (2**16 - 1) / 2
_SPREAD = sqrt(8 * (2**32 - 1) / 12)


class noise(Transform):  # noqa: N801 - it is written as the function that it is
    """Add random numbers of mean 0 to each entry of the gradients.

    A. Neelakantan and others, "Adding gradient noise improves learning for very deep networks",
    https://arxiv.org/abs/1511.06807, let ``std`` fall from step to step: give it a schedule.

    The numbers follow from the seed, the number of the step, the name of the parameter and the
    position of the entry alone, and have the same bits on every library and device. Each is a sum
    of eight uniform ones, which is close to a normal distribution and has no entry beyond
    4.9 ``std``; so it takes no functions on whose last digits libraries disagree.

    Parameters
    ----------
    std : float or Schedule
        The standard deviation, finite and not negative.
    seed : int
        From 0 to ``2**64 - 1``.
    only : str or sequence of str, optional
        As in :class:`xpnet.optimizers.Transform`.

    Raises
    ------
    SettingError
        If ``std``, ``seed`` or a pattern cannot be.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> noisy = xpnet.noise(0.1, seed=0)
    >>> noisy({"W": np.zeros(3)}, {"W": np.zeros(3)}, step=0)["W"].round(4)
    array([-0.0412, -0.2013, -0.1137])
    """

    std = Setting(check_not_negative)

    def __init__(self, std: Any, *, seed: int, only: str | Iterable[str] | None = None) -> None:
        super().__init__(only=only)
        self.std = std
        self.seed = _checked_seed(seed)

    def transformed(
        self,
        grads: Gradients,
        params: Mapping[str, Array],
        step: Any,
        settings: Mapping[str, Any],
    ) -> Gradients:
        return {name: self._noisy(name, grad, step, settings) for name, grad in grads.items()}

    def _noisy(self, name: str, grad: Array, step: Any, settings: Mapping[str, Any]) -> Array:
        xp = array_namespace(grad)
        (wide,) = widened(xp, grad)
        # A key of its own for each name: the numbers do not depend on what else is updated.
        seed = self.seed ^ crc32(name.encode()) << 32
        std = as_number(xp, settings["std"], wide)
        return rounded(xp, wide + std * _normal(xp, wide, seed, step), like=grad)

    def _others(self) -> list[str]:
        return [f"seed={self.seed}", *super()._others()]


def _checked_seed(seed: Any) -> int:
    if not (isinstance(seed, Integral) and 0 <= int(seed) < 2**64):
        msg = f"noise: seed is {seed!r}; it must be an integer from 0 to 2**64 - 1"
        raise SettingError(msg)
    return int(seed)


def _normal(xp: Namespace, like: Array, seed: int, step: Any) -> Array:
    """Return random numbers of mean 0 and variance 1, one for each entry of an array."""
    size = prod(like.shape)
    words = random_words(xp, 4 * size, seed=seed, stream=step, device=device_of(like))
    halves = xp.reshape((words & 0xFFFF) + (words >> 16), (size, 4))
    sums = halves[:, 0] + halves[:, 1] + halves[:, 2] + halves[:, 3]
    centred = xp.astype(sums, like.dtype) - _MEAN  # exact, as all before it
    return xp.reshape(centred * (1 / _SPREAD), like.shape)
