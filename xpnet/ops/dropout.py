"""Dropout: set a random share of the entries to 0, and its derivative."""

from __future__ import annotations

from math import prod
from numbers import Integral

from xpnet._typing import Array, Namespace
from xpnet.arrays import device_of
from xpnet.backends import adapter_of
from xpnet.checks import check_fraction, check_same_home
from xpnet.dispatch import Dispatcher
from xpnet.dtypes import is_integer
from xpnet.ops.output import check_out, delivered
from xpnet.ops.philox import constant_word, random_words
from xpnet.ops.precision import rounded, widened
from xpnet.quiet import quiet
from xpnet.together import floats_together, upstream_together

__all__ = [
    "check_seed",
    "check_step",
    "dropout",
    "dropout_backward",
    "dropout_mask",
    "least_kept",
    "scale_of_kept",
]

_NAME = "Dropout"

_kernel = Dispatcher("dropout")
_backward_kernel = Dispatcher("dropout_backward")


def dropout(
    x: Array, rate: float, seed: int, step: int | Array = 0, *, out: Array | None = None
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
    out : array, optional
        Where to write ``y``, of its shape, dtype and home; it may be ``x`` itself.

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
    DTypeError
        If ``x`` is not of floats.
    BackendMismatchError
        If ``x`` is no array.
    ShapeError, NotWritableError
        If the result does not go into ``out``.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.ops import dropout
    >>> y, mask = dropout(np.ones(8), 0.5, seed=0)
    >>> y
    array([0., 2., 2., 2., 2., 0., 2., 0.])
    """
    xp, plain = _checked(x, rate, seed, step)
    check_out(_NAME, out, x=x)
    y_and_mask: tuple[Array, Array] | None = _kernel.unchecked(x, rate, seed, step, out)
    if y_and_mask is None:
        y_and_mask = _kernel(plain, rate, seed, step, out)
    if y_and_mask is not None:
        return y_and_mask
    mask = _mask(plain, rate, seed, step)
    return delivered(rounded(xp, _kept(xp, plain, mask, rate), like=x), out), mask


def dropout_backward(dout: Array, mask: Array, rate: float, *, out: Array | None = None) -> Array:
    """Return the gradient of :func:`dropout`, ``dout * mask / (1 - rate)``.

    Parameters
    ----------
    dout : array
        The gradient of the loss with respect to ``y``.
    mask : array
        As :func:`dropout` returned it.
    rate : float
        As in forward.
    out : array, optional
        Where to write the result, of its shape, dtype and home; it may be ``dout`` itself.

    Returns
    -------
    array
        The gradient with respect to ``x``, of the same shape and of the dtype of ``mask``;
        ``out`` if given.

    Raises
    ------
    ShapeError
        If the shapes differ.
    ValueError, DTypeError, BackendMismatchError, NotWritableError
        As :func:`dropout`, or if the two arrays do not belong together.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.ops import dropout_backward
    >>> dropout_backward(np.asarray([5.0, 6.0]), np.asarray([0.0, 1.0]), 0.75)
    array([ 0., 24.])
    """
    dx = _backward_kernel.unchecked(dout, mask, rate, out)
    if dx is not None:
        return dx
    xp, wide_dout, wide_mask = upstream_together(_NAME, dout, mask=mask)
    check_fraction(_NAME, rate=rate)
    check_out(_NAME, out, mask=mask)
    dx = _backward_kernel(wide_dout, wide_mask, rate, out)
    if dx is None:
        dx = _kept(xp, wide_dout, wide_mask, rate)
    return delivered(rounded(xp, dx, like=mask), out)


def dropout_mask(x: Array, rate: float, seed: int, step: int | Array = 0) -> Array:
    """Return 1 where :func:`dropout` keeps an entry of ``x``, and 0 where it drops it.

    Entry ``i`` in row-major order is dropped if word ``i`` of the stream ``step`` of
    :func:`xpnet.ops.philox.random_words` is less than ``rate * 2**32``, rounded down. The words
    and their comparison are of integers, so the mask is the same on every library and device, in
    every dtype, and for every shape with as many entries.

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
    >>> from xpnet.ops.dropout import dropout_mask
    >>> dropout_mask(np.ones((2, 4)), 0.5, seed=0)
    array([[0., 1., 1., 1.],
           [1., 0., 1., 0.]])
    """
    _, x = _checked(x, rate, seed, step)
    return _mask(x, rate, seed, step)


def _mask(x: Array, rate: float, seed: int, step: int | Array) -> Array:
    xp, device = adapter_of(x).xp, device_of(x)
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


@quiet
def _kept(xp: Namespace, x: Array, mask: Array, rate: float) -> Array:
    wide_x, wide_mask = widened(xp, x, mask)
    y = wide_x * wide_mask
    y *= scale_of_kept(rate)  # y is ours alone
    return rounded(xp, y, like=x)


def _checked(x: Array, rate: float, seed: int, step: int | Array) -> tuple[Namespace, Array]:
    """Return the namespace and the input, as the op computes with it."""
    xp, plain = floats_together(_NAME, x=x)
    check_fraction(_NAME, rate=rate)
    check_seed(_NAME, seed=seed)
    check_step(x, step)
    return xp, plain


def check_seed(layer: str, **seeds: object) -> None:
    """Make sure that seeds are integers of 64 bits.

    Raises
    ------
    ValueError
        If one is not.
    """
    for name, seed in seeds.items():
        if not (isinstance(seed, Integral) and 0 <= int(seed) < 2**64):
            msg = f"{layer}: {name} is {seed!r}; it must be an integer from 0 to 2**64 - 1"
            raise ValueError(msg)


def check_step(x: Array, step: Array) -> None:
    """Make sure that a step is an integer, or an array of one where ``x`` lives.

    Raises
    ------
    ValueError, BackendMismatchError
        If it is not.
    """
    if not hasattr(step, "shape") or isinstance(step, Integral):
        check_seed(_NAME, step=step)
        return
    check_same_home(_NAME, x=x, step=step)
    if step.shape != () or not is_integer(step.dtype):
        msg = (
            f"{_NAME}: step is an array of shape {tuple(step.shape)} and dtype {step.dtype}; "
            "it must be an integer, or an array of integers of shape ()"
        )
        raise ValueError(msg)
