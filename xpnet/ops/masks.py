"""Dropout: set a random share of the entries to 0, and its derivative."""

from __future__ import annotations

from math import prod
from numbers import Integral

from xpnet._typing import Array, Namespace
from xpnet.arrays import device_of
from xpnet.checks import check_fraction, check_same_home
from xpnet.dtypes import is_integer
from xpnet.numerics.philox import constant_word, random_words
from xpnet.ops.op import op
from xpnet.together import floats_together

__all__ = [
    "check_seed",
    "check_step",
    "dropout",
    "dropout_backward",
    "dropout_mask",
    "least_kept",
    "scale_of_kept",
]


@op(
    {"x": (5, 4), "rate": 0.25, "seed": 3},
    {"x": (), "rate": 0.25, "seed": 3},
    out=True,
    results=("y", "mask"),
)
def dropout(
    xp: Namespace, x: Array, rate: float, seed: int, step: int | Array = 0
) -> tuple[Array, Array]:
    """Set entries to 0 at random, and scale the others by ``1 / (1 - rate)``.

    Scaled so, the expected output is ``x`` ("inverted dropout"), and a net is evaluated without
    any change. N. Srivastava and others, "Dropout: a simple way to prevent neural networks from
    overfitting", JMLR 15 (2014), https://jmlr.org/papers/v15/srivastava14a.html.

    Parameters
    ----------
    x : array
        Of floats, any shape. NaN stays NaN, dropped or not, and a dropped infinity becomes NaN,
        as in PyTorch: dropping is multiplying by 0. (What ``jax.jit`` compiles may choose 0
        instead of multiplying by it, and then both become 0.)
    rate : float
        The share that is dropped, from 0 on and less than 1.
    seed, step : int
        From 0 to ``2**64 - 1``; each pair has a mask of its own, see :func:`dropout_mask`.

    Returns
    -------
    y : array
        Of the shape, dtype, library and device of ``x``; ``out`` if given.
    mask : array
        As ``y``: 1 where an entry was kept, 0 where it was dropped.

    Raises
    ------
    ValueError
        If ``rate``, ``seed`` or ``step`` is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.ops import dropout
    >>> y, mask = dropout(np.ones(8), 0.5, seed=0)
    >>> y
    array([0., 2., 2., 2., 2., 0., 2., 0.])
    """
    mask = _mask(xp, x, rate, seed, step)
    return _kept(x, mask, rate), mask


@dropout.derivative
def dropout_backward(xp: Namespace, dout: Array, mask: Array, rate: float) -> Array:
    """Return the gradient of :func:`dropout`, ``dout * mask / (1 - rate)``.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.ops import dropout_backward
    >>> dropout_backward(np.asarray([5.0, 6.0]), np.asarray([0.0, 1.0]), 0.75)
    array([ 0., 24.])
    """
    return _kept(dout, mask, rate)


def _kept(x: Array, mask: Array, rate: float) -> Array:
    y = x * mask
    y *= scale_of_kept(rate)  # y is ours alone
    return y


def dropout_mask(x: Array, rate: float, seed: int, step: int | Array = 0) -> Array:
    """Return 1 where :func:`dropout` keeps an entry of ``x``, and 0 where it drops it.

    Entry ``i`` in row-major order is dropped if word ``i`` of the stream ``step`` of
    :func:`xpnet.numerics.philox.random_words` is less than ``rate * 2**32``, rounded down. The
    words and their comparison are of integers, so the mask is the same on every library and device,
    in every dtype, and for every shape with as many entries.

    Parameters and errors are those of :func:`dropout`. ``step`` may also be an array of integers
    of shape () where ``x`` lives, and is not negative then: a function compiled by ``jax.jit``
    can take it as an argument, whereas it is compiled for one Python integer.

    Returns
    -------
    array
        Of the shape, dtype, library and device of ``x``.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.ops.masks import dropout_mask
    >>> dropout_mask(np.ones((2, 4)), 0.5, seed=0)
    array([[0., 1., 1., 1.],
           [1., 0., 1., 0.]])
    """
    who = "dropout_mask"
    xp, x = floats_together(who, x=x)
    check_fraction(who, rate=rate)
    _seed_and_step_fit(who, x, seed, step)
    return _mask(xp, x, rate, seed, step)


def _mask(xp: Namespace, x: Array, rate: float, seed: int, step: int | Array) -> Array:
    device = device_of(x)
    words = random_words(xp, prod(x.shape), seed=int(seed), stream=step, device=device)
    kept = words >= constant_word(xp, least_kept(rate), device)
    return xp.reshape(xp.astype(kept, x.dtype), x.shape)


def least_kept(rate: float) -> int:
    """Return the least random word with which an entry is kept."""
    # Exact but for the last rounding down, and so less than 2**32 for every rate below 1.
    return int(float(rate) * 2**32)


def scale_of_kept(rate: float) -> float:
    """Return what entries that are kept are multiplied by."""
    return 1 / (1 - float(rate))


@dropout.check
@dropout_backward.check
def _rate_fits(who: str, rate: float) -> None:
    check_fraction(who, rate=rate)


@dropout.check
def _seed_and_step_fit(who: str, x: Array, seed: int, step: int | Array) -> None:
    check_seed(who, seed=seed)
    check_step(who, x, step)


def check_seed(who: str, **seeds: object) -> None:
    """Make sure that seeds are integers of 64 bits.

    Raises
    ------
    ValueError
        If one is not.
    """
    for name, seed in seeds.items():
        if not (isinstance(seed, Integral) and 0 <= int(seed) < 2**64):
            msg = f"{who}: {name} is {seed!r}; it must be an integer from 0 to 2**64 - 1"
            raise ValueError(msg)


def check_step(who: str, x: Array, step: Array) -> None:
    """Make sure that a step is an integer, or an array of one where ``x`` lives.

    Raises
    ------
    ValueError, BackendMismatchError
        If it is not.
    """
    if not hasattr(step, "shape") or isinstance(step, Integral):
        check_seed(who, step=step)
        return
    check_same_home(who, x=x, step=step)
    if step.shape != () or not is_integer(step.dtype):
        msg = (
            f"{who}: step is an array of shape {tuple(step.shape)} and dtype {step.dtype}; "
            "it must be an integer, or an array of integers of shape ()"
        )
        raise ValueError(msg)
