"""Noise on gradients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import prod, sqrt
from numbers import Integral
from typing import Any
from zlib import crc32

from xpnet._typing import Array, Namespace
from xpnet.arrays import device_of
from xpnet.checks import check_not_negative, check_same_home
from xpnet.errors import SettingError
from xpnet.numerics.philox import constant_word, philox4x32, stream_words, word_dtype
from xpnet.numerics.precision import rounded, widened
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
    BackendMismatchError
        In an update, if the gradients do not live together.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> noisy = xpnet.noise(0.1, seed=0)
    >>> noisy({"W": np.zeros(3)}, {"W": np.zeros(3)}, step=0)["W"].round(4)
    array([-0.0682, -0.1295,  0.0552])
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
        if not grads:
            return grads
        who, named = type(self).__name__, {f"grads[{name!r}]": g for name, g in grads.items()}
        xp = check_same_home(who, **named)
        found, start, sums = {}, 0, _sums(xp, grads, self.seed, step)
        for name, grad in grads.items():
            (wide,) = widened(xp, grad)
            stop = start + prod(grad.shape)
            normal = xp.astype(sums[start:stop], wide.dtype) - _MEAN  # exact, as all before it
            std = as_number(xp, settings["std"], wide) / _SPREAD
            noisy = wide + std * xp.reshape(normal, grad.shape)
            found[name], start = rounded(xp, noisy, like=grad), stop
        return found

    def _others(self) -> list[str]:
        return [f"seed={self.seed}", *super()._others()]


def _checked_seed(seed: Any) -> int:
    if not (isinstance(seed, Integral) and 0 <= int(seed) < 2**64):
        msg = f"noise: seed is {seed!r}; it must be an integer from 0 to 2**64 - 1"
        raise SettingError(msg)
    return int(seed)


def _sums(xp: Namespace, grads: Gradients, seed: int, step: Any) -> Array:
    """Return a sum of random numbers for each entry of each gradient, one after the other.

    All at once, for XLA takes a second to compile what makes them.
    """
    device, dtype = device_of(next(iter(grads.values()))), word_dtype(xp)
    sizes = {name: prod(grad.shape) for name, grad in grads.items()}
    indices = [xp.arange(size, dtype=dtype, device=device) for size in sizes.values()]
    keys = [
        xp.zeros(size, dtype=dtype, device=device) + constant_word(xp, crc32(name.encode()), device)
        for name, size in sizes.items()
    ]
    counter = xp.concat(indices), xp.concat(keys), *stream_words(xp, step, device)
    words = philox4x32(xp, counter, (seed & 0xFFFFFFFF, seed >> 32), device=device)
    a, b, c, d = ((word & 0xFFFF) + (word >> 16) for word in words)
    return a + b + c + d
