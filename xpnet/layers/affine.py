"""The Affine layer."""

from __future__ import annotations

from typing import Self

import numpy as np

from xpnet._typing import Array
from xpnet.arrays import asarray, detached
from xpnet.backend import BackendSpec
from xpnet.checks import check_floats, check_not_negative, check_sizes, generator_from
from xpnet.errors import BackendMismatchError
from xpnet.layers.calls import of_one_op
from xpnet.layers.layer import Layer
from xpnet.ops.affine_map import affine, affine_backward, affine_param_gradients, check_parameters

__all__ = ["Affine"]


class Affine(Layer):
    """``y = x @ W + b``, with the gradients ``dW`` and ``db`` after backward.

    Parameters
    ----------
    W : array, shape (D, M)
        Weights.
    b : array, shape (M,)
        Bias.
    xp : str, module or Backend, optional
        Where to move ``W`` and ``b``, in its dtype. Unless given, the layer lives where they do,
        and works on these very arrays.

    Raises
    ------
    ShapeError, DTypeError, BackendMismatchError
        If ``W`` and ``b`` do not fit together. One may be float32 and the other float64: each
        keeps its dtype, and its gradient has it.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> layer = xpnet.Affine(np.asarray([[1.0], [10.0]]), np.asarray([0.5]))
    >>> layer.forward(np.asarray([[2.0, 3.0]]))
    array([[32.5]])
    >>> layer.backward(np.asarray([[1.0]]))
    array([[ 1., 10.]])
    >>> layer.dW
    array([[2.],
           [3.]])
    """

    def __init__(self, W: Array, b: Array, *, xp: BackendSpec | None = None) -> None:
        super().__init__()
        if xp is not None:
            W, b = asarray(W, xp=xp), asarray(b, xp=xp)
        _check_no_sizes(type(self).__name__, W, b)
        check_floats(type(self).__name__, W=W, b=b)
        check_parameters(type(self).__name__, W, b)
        self.params = {"W": W, "b": b}

    @classmethod
    def random(
        cls,
        input_size: int,
        output_size: int,
        *,
        weight_init_std: float = 0.01,
        seed: int | np.random.Generator | None = None,
        xp: BackendSpec | None = None,
    ) -> Self:
        """Return a layer with normally distributed weights and a bias of zeros.

        The weights are drawn on the host in float64 and then rounded, so that the same seed
        gives the same bits on every backend.

        Parameters
        ----------
        input_size, output_size : int
            D and M.
        weight_init_std : float
            The standard deviation of the weights.
        seed : int, numpy.random.Generator or None
            What to draw from.
        xp : str, module or Backend, optional
            Where the parameters are created; the current backend unless given.

        Raises
        ------
        ValueError
            If a size is no positive integer, the standard deviation is negative or not finite,
            or the seed is none.

        Examples
        --------
        >>> import xpnet
        >>> xpnet.Affine.random(784, 50, seed=0)
        Affine(W(784, 50), b(50,))
        """
        check_sizes(cls.__name__, input_size=input_size, output_size=output_size)
        check_not_negative(cls.__name__, weight_init_std=weight_init_std)
        rng = generator_from(cls.__name__, seed)
        W = weight_init_std * rng.standard_normal((input_size, output_size))
        return cls(asarray(W, xp=xp), asarray(np.zeros(output_size), xp=xp))

    @property
    def W(self) -> Array:
        return self.params["W"]

    @W.setter
    def W(self, W: Array) -> None:
        self.params["W"] = W

    @property
    def b(self) -> Array:
        return self.params["b"]

    @b.setter
    def b(self, b: Array) -> None:
        self.params["b"] = b

    @property
    def dW(self) -> Array | None:
        """The gradient with respect to ``W``; None before backward."""
        return self.grads.get("W")

    @property
    def db(self) -> Array | None:
        """The gradient with respect to ``b``; None before backward."""
        return self.grads.get("b")

    @of_one_op(affine)
    def forward(self, x: Array) -> Array:
        """Return ``x @ W + b``; see :func:`xpnet.ops.affine`."""
        W, b = self.params["W"], self.params["b"]
        y = affine(x, W, b)
        self._save(detached(x), W, b)
        return y

    @of_one_op(affine_backward)
    def backward(self, dout: Array, *, need_dx: bool = True) -> Array | None:
        """Return ``dx``, and keep ``dW`` and ``db``; see :func:`xpnet.ops.affine_backward`.

        If ``dx`` is not needed, the matrix product for it is spared, and None returned.
        """
        x, W, b = self._saved()
        if need_dx:
            dx, dW, db = affine_backward(dout, x, W, b)
        else:
            dx, (dW, db) = None, affine_param_gradients(dout, x, W, b)
        self.grads.update(W=dW, b=db)
        return dx


def _check_no_sizes(name: str, W: object, b: object) -> None:
    if isinstance(W, int) and isinstance(b, int):
        msg = f"{name}: W and b are arrays; for a new layer of these sizes, {name}.random({W}, {b})"
        raise BackendMismatchError(msg)
