"""The random numbers of a gradient check. The same seed draws the same ones on every backend."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np

from xpnet.gradient_check.streams import stream

__all__ = [
    "Side",
    "elsewhere",
    "nearby",
    "random_direction",
    "typical_sizes",
    "upstream_gradients",
]

_Host: TypeAlias = np.ndarray[Any, Any]

Side: TypeAlias = Literal["one", "other", "up", "down"]

_NEARBY = 0.5
"""How far a kink is left behind, in typical sizes: well beyond the largest step."""

_SMALLEST_SHARE = 1 / 64
"""An entry near 0 moves by this share of the array's typical size at least."""


def _magnitudes(rng: np.random.Generator, shape: tuple[int, ...]) -> _Host:
    """Draw what is never near 0, so that no entry escapes judgement."""
    return np.asarray(rng.uniform(0.5, 1.5, shape))


def _signs(rng: np.random.Generator, shape: tuple[int, ...]) -> _Host:
    return np.asarray(rng.choice([-1.0, 1.0], shape))


def upstream_gradients(seed: tuple[int, ...], shape: tuple[int, ...]) -> _Host:
    """Return two values of ``dout``.

    Ones would hide every fault in the direction along which the output cannot change: the rows
    of a softmax sum to 1 and leave 0, whatever its backward says. Two are drawn, and with
    opposite signs, because a fault may show itself with one sign only, and a ``dout`` that is 1
    by chance would not show that it is ignored.
    """
    rng = stream("dout", *seed)
    signs = _signs(rng, shape)
    return np.stack([signs * _magnitudes(rng, shape), -signs * _magnitudes(rng, shape)])


def typical_sizes(a: _Host) -> _Host:
    """Return how far an entry must go to change by much; 0 for NaN and infinite ones."""
    sizes = np.where(np.isfinite(a), abs(a), 0.0)
    typical = float(np.mean(sizes[sizes > 0])) if sizes.any() else 1.0
    return np.where(np.isfinite(a), np.maximum(sizes, _SMALLEST_SHARE * typical), 0.0)


def random_direction(seed: tuple[int, ...], a: _Host) -> _Host:
    """Return a direction in which every finite entry goes, by about its typical size."""
    rng = stream("direction", *seed)
    return _signs(rng, a.shape) * _magnitudes(rng, a.shape) * typical_sizes(a)


def nearby(seed: tuple[int, ...], a: _Host, side: Side) -> _Host:
    """Return a point beside ``a``: one of two opposite ones, or one where all entries are larger.

    The former see both sides of every kink. The latter stay inside functions that end at one,
    such as a square root.
    """
    rng = stream("nearby", *seed)
    signs, offsets = _signs(rng, a.shape), _magnitudes(rng, a.shape) * _NEARBY * typical_sizes(a)
    steps = {"one": signs * offsets, "other": -signs * offsets, "up": offsets, "down": -offsets}
    return np.asarray(a + steps[side])


def elsewhere(seed: tuple[int, ...], a: _Host) -> _Host:
    """Return a point where all signs are others, and with them masks and maxima."""
    rng = stream("elsewhere", *seed)
    sizes = _magnitudes(rng, a.shape) * typical_sizes(a)
    return np.where(a > 0, -sizes, sizes)
