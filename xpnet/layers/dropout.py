"""The Dropout layer."""

from __future__ import annotations

from numbers import Integral

import numpy as np

from xpnet._typing import Array
from xpnet.backend import BackendSpec
from xpnet.checks import check_fraction, generator_from
from xpnet.layers.calls import of_one_op
from xpnet.layers.evaluating import is_evaluating
from xpnet.layers.layer import Layer
from xpnet.numerics.precision import rounded
from xpnet.ops.masks import check_seed, dropout, dropout_backward
from xpnet.together import floats_together, upstream_together

__all__ = ["Dropout"]


class Dropout(Layer):
    """Set a random share of the entries to 0 in training, and pass everything on afterwards.

    Each forward in training has a new mask, which follows from ``seed``, ``step`` and the
    positions of the entries alone; see :func:`xpnet.ops.dropout`. ``net.predict``,
    ``net.accuracy`` and everything inside ``xpnet.evaluating()`` drop nothing. Check gradients
    there too: with a new mask for every loss, differences of losses mean nothing.

    Parameters
    ----------
    rate : float
        The share that is dropped, from 0 on and less than 1.
    seed : int, numpy.random.Generator or None
        From 0 to ``2**64 - 1``; or what to draw it from, None being the operating system. Layers
        with the same seed drop the same positions, so give every layer of a net its own, or all
        of them one generator.
    xp : str, module or Backend, optional
        Where inputs must come from; anywhere unless given.

    Attributes
    ----------
    rate : float
        As given.
    seed : int
        As given or drawn; it makes the masks again.
    step : int
        The number of the next mask, counted from 0. Inside ``jax.jit`` it is fixed when the
        function is traced: let the function take the number as an argument and set ``step``.
    training : bool
        Set it to False to switch off this layer alone.

    Raises
    ------
    ValueError
        If the rate or the seed is out of range.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> layer = xpnet.Dropout(0.5, seed=0)
    >>> layer.forward(np.asarray([1.0, 2.0, 3.0, 4.0]))
    array([0., 4., 6., 8.])
    >>> layer.backward(np.ones(4))
    array([0., 2., 2., 2.])
    """

    counters = ("step",)
    rate: float
    seed: int
    step: int | Array
    training: bool

    def __init__(
        self,
        rate: float = 0.5,
        *,
        seed: int | np.random.Generator | None = None,
        xp: BackendSpec | None = None,
    ) -> None:
        super().__init__(xp=xp)
        name = type(self).__name__
        check_fraction(name, rate=rate)
        if not isinstance(seed, Integral):
            seed = int(generator_from(name, seed).integers(2**64, dtype=np.uint64))
        check_seed(name, seed=seed)
        self.rate = rate
        self.seed = seed
        self.step = 0
        self.training = True

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.rate})"

    @property
    def is_dropping(self) -> bool:
        """Whether forward drops entries now: in training, and not inside ``evaluating()``."""
        return self.training and not is_evaluating()

    @of_one_op(dropout)
    def forward(self, x: Array) -> Array:
        """Return ``x`` with entries dropped, or as it is; see :func:`xpnet.ops.dropout`."""
        if not self.is_dropping:
            _, y = floats_together(type(self).__name__, x=x)
            self._check_home(x)
            self._save(y, None)
            return y
        y, mask = dropout(x, self.rate, self.seed, self.step)
        self._check_home(x)
        self._save(mask, self.rate)
        self.step = self.step + 1
        return y

    @of_one_op(dropout_backward)
    def backward(self, dout: Array) -> Array:
        """Return ``dx``; see :func:`xpnet.ops.dropout_backward`."""
        like_output, rate = self._saved()
        if rate is None:
            xp, dx, _ = upstream_together(type(self).__name__, dout, y=like_output)
            return rounded(xp, dx, like=like_output)
        return dropout_backward(dout, like_output, rate)
