"""Whether training curves of two backends part by more than rounding explains."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping

import numpy as np

from xpnet._typing import Array
from xpnet.backend import Backend, resolve_backend, use_backend
from xpnet.datasets import load_digits
from xpnet.gradient_check.streams import stream
from xpnet.nets import TwoLayerNet
from xpnet.optimizers import SGD
from xpnet.testing.parity.inputs import Host
from xpnet.testing.tolerance import tolerance
from xpnet.training import train

__all__ = ["FACTOR", "RUNS", "NoisySGD", "Yardstick", "curve"]

PIXELS, HIDDEN, CLASSES, BATCH, LEARNING_RATE = 64, 50, 10, 100, 0.5

RUNS = 8
"""How many noisy runs show what rounding does, unless told."""

FACTOR = 4
"""How many times as far as the farthest noisy run a curve may go: few runs miss the extremes."""


class NoisySGD(SGD):
    """SGD that moves each weight to one of its two neighbouring numbers after each step.

    The update itself rounds each weight, so another library may well end at the neighbour.
    """

    def __init__(self, lr: float, seed: int) -> None:
        super().__init__(lr)
        self._rng = stream("noise", seed)

    def update(self, params: MutableMapping[str, Array], grads: Mapping[str, Array]) -> None:
        super().update(params, grads)
        for name, param in params.items():
            directions = self._rng.choice([-np.inf, np.inf], param.shape)
            params[name] = np.nextafter(param, directions.astype(param.dtype))


def curve(backend: Backend, steps: int, optimizer: SGD | None = None) -> Host:
    """Return the losses of a ``TwoLayerNet`` that learns digits, the same task everywhere.

    Examples
    --------
    >>> import xpnet
    >>> from xpnet.testing.parity.curves import curve
    >>> losses = curve(xpnet.get_backend(), steps=100)
    >>> bool(losses[-1] < losses[0])
    True
    """
    with use_backend(backend):
        net = TwoLayerNet(PIXELS, HIDDEN, CLASSES, seed=0)
        digits = load_digits()
    optimizer = optimizer or SGD(lr=LEARNING_RATE)
    history = train(net, optimizer, *digits, iterations=steps, batch_size=BATCH, seed=0)
    return np.asarray(history.losses)


class Yardstick:
    """NumPy's curve, and how far from it rounding may lead.

    Two things may: the rounding of the weights in each step, which training then amplifies or
    dampens, and the rounding of each loss as it is computed. For the first there are runs of
    :class:`NoisySGD`: up to any step the curve may be ``FACTOR`` times as far away as the
    farthest of these was by then. The second is the bound of the loss as an op.

    Parameters
    ----------
    dtype : str
        The name of the floating dtype.
    steps : int
        How long to train.
    runs : int
        How many noisy runs there are.

    Attributes
    ----------
    losses : numpy.ndarray
        NumPy's curve.
    allowed : numpy.ndarray
        The largest explained difference from it in each step.
    """

    def __init__(self, dtype: str, steps: int, runs: int = RUNS) -> None:
        numpy = resolve_backend("numpy", dtype=dtype)
        self.losses = curve(numpy, steps)
        noisy = [curve(numpy, steps, NoisySGD(LEARNING_RATE, seed)) for seed in range(runs)]
        spread = abs(np.asarray(noisy) - self.losses).max(axis=0)
        rounding = tolerance(dtype, BATCH + CLASSES) * (1 + self.losses)
        self.allowed = FACTOR * np.maximum.accumulate(spread) + rounding

    def parting(self, losses: Host) -> int | None:
        """Return the first step, from 1, at which rounding does not explain a curve."""
        steps = np.flatnonzero(~(abs(losses - self.losses) <= self.allowed))
        return int(steps[0]) + 1 if steps.size else None
