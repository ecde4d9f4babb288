"""The book's two-layer network."""

from __future__ import annotations

from functools import partial

import numpy as np

from xpnet.backend import BackendSpec
from xpnet.checks import check_sizes, generator_from
from xpnet.layers import Affine, ReLU
from xpnet.nets.book_names import in_the_book
from xpnet.nets.sequential import Sequential

__all__ = ["TwoLayerNet"]


class TwoLayerNet(Sequential):
    """Affine, ReLU, Affine, and softmax with cross entropy.

    Parameters
    ----------
    input_size, hidden_size, output_size : int
        The numbers of features, hidden units and classes.
    weight_init_std : float
        The standard deviation of the initial weights; the biases are 0.
    seed : int, numpy.random.Generator or None
        The same seed gives the same bits on every backend.
    xp : str, module or Backend, optional
        Where the parameters are created; the current backend unless given.

    Raises
    ------
    ValueError
        If a size is no positive integer, the standard deviation is negative or not finite,
        or the seed is none.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> net = xpnet.TwoLayerNet(784, 50, 10, seed=0)
    >>> net.params
    Parameters(W1: (784, 50), b1: (50,), W2: (50, 10), b2: (10,))
    >>> list(net.layers)
    ['Affine1', 'ReLU1', 'Affine2']
    >>> x, t = xpnet.asarray(np.ones((3, 784))), np.asarray([1, 2, 3])
    >>> print(f"{net.loss(x, t):.3f}")
    2.295
    >>> optimizer = xpnet.SGD(lr=0.1)
    >>> for _ in range(10):
    ...     optimizer.update(net.params, net.gradient(x, t))
    >>> print(f"{net.loss(x, t):.3f}")
    2.220
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        output_size: int,
        weight_init_std: float = 0.01,
        *,
        seed: int | np.random.Generator | None = None,
        xp: BackendSpec | None = None,
    ) -> None:
        check_sizes(
            type(self).__name__,
            input_size=input_size,
            hidden_size=hidden_size,
            output_size=output_size,
        )
        rng = generator_from(type(self).__name__, seed)
        random_affine = partial(Affine.random, weight_init_std=weight_init_std, seed=rng, xp=xp)
        super().__init__(
            random_affine(input_size, hidden_size),
            ReLU(),
            random_affine(hidden_size, output_size),
        )
        self._names = in_the_book
