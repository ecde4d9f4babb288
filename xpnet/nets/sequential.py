"""A net of layers one after the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from math import prod
from typing import Any, Self

from xpnet._typing import Array, Device, DType
from xpnet.arrays import array_namespace
from xpnet.backend import BackendSpec
from xpnet.dtypes import is_half
from xpnet.errors import XpnetError
from xpnet.gradients import numerical_gradient
from xpnet.layers import SoftmaxWithLoss
from xpnet.layers.evaluating import evaluating
from xpnet.layers.layer import move_layers
from xpnet.nets.parameters import Parameters
from xpnet.ops.labels import are_indices, as_indices, check_target

__all__ = ["Sequential"]


class Sequential:
    """Layers one after the other, with a loss at the end.

    It is a layer itself: another ``Sequential`` takes over its layers.

    Parameters
    ----------
    *layers : layer
        Any objects with ``forward``, ``backward``, ``params`` and ``grads``; each once, because
        a layer remembers one forward.
    last_layer : layer, optional
        Takes the output and the labels and returns the loss; ``SoftmaxWithLoss`` unless given.

    Attributes
    ----------
    layers : dict of str to layer
        By name and in order, such as ``Affine1``, ``ReLU1``, ``Affine2``.
    last_layer : layer
        The loss.

    Raises
    ------
    ValueError
        If a layer stands there twice.
    TypeError
        If something is no layer, such as a class or a list of layers.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> net = xpnet.Sequential(
    ...     xpnet.Affine.random(4, 8, seed=0), xpnet.Sigmoid(), xpnet.Affine.random(8, 3, seed=1)
    ... )
    >>> net
    Sequential(Affine1, Sigmoid1, Affine2; SoftmaxWithLoss)
    >>> net.params
    Parameters(W1: (4, 8), b1: (8,), W2: (8, 3), b2: (3,))
    >>> net.predict(xpnet.asarray(np.ones((2, 4)))).shape
    (2, 3)
    """

    def __init__(self, *layers: Any, last_layer: Any | None = None) -> None:
        self.layers = dict(_named(_flat(layers)))
        self.last_layer = SoftmaxWithLoss() if last_layer is None else last_layer
        _check_members(type(self).__name__, {**self.layers, "last_layer": self.last_layer})
        self._params = Parameters(self.layers.values())

    def __repr__(self) -> str:
        names = ", ".join(self.layers)
        return f"{type(self).__name__}({names}; {type(self.last_layer).__name__})"

    @property
    def params(self) -> Parameters:
        """The parameters by name, ``W1``, ``b1``, ``W2``, ...: a view of those of the layers."""
        return self._params

    @property
    def grads(self) -> dict[str, Array]:
        """The gradients of the last backward by the same names."""
        return self._params.grads()

    def predict(self, x: Array) -> Array:
        """Return the output of the last layer before the loss: scores, not probabilities.

        The layers do what they do after training: nothing is dropped, see ``xpnet.evaluating``.

        Parameters
        ----------
        x : array
            What the first layer takes; for an Affine, of shape (..., D).

        Returns
        -------
        array
            Such as (..., C) for C classes.

        Raises
        ------
        XpnetError
            As the layers; a note tells which one.
        """
        with evaluating():
            return self.forward(x)

    def forward(self, x: Array) -> Array:
        """Return what :meth:`predict` does, but as in training, with its dropout.

        A net can stand wherever a layer can.
        """
        for name, layer in self.layers.items():
            try:
                x = layer.forward(x)
            except XpnetError as error:
                error.add_note(f"This is layer {name} of {self}.")
                raise
        return x

    def backward(self, dout: Array) -> Array:
        """Go back through all layers, which keep their gradients, and return ``dx``.

        Parameters
        ----------
        dout : array
            The gradient of the loss with respect to the output of ``forward``.

        Returns
        -------
        array
            The gradient with respect to its input.
        """
        for layer in reversed(self.layers.values()):
            dout = layer.backward(dout)
        return dout

    def loss(self, x: Array, t: Array) -> Array:
        """Return the loss of a batch in training; inside ``xpnet.evaluating()``, after it.

        Parameters
        ----------
        x : array
            As in :meth:`predict`.
        t : array, shape (...) or (..., C)
            Class indices of integers, or one-hot or soft rows.

        Returns
        -------
        array, shape ()
            It stays on the device; ``float`` of it waits for the result.

        Raises
        ------
        XpnetError
            As the layers.
        """
        return self.last_layer.forward(self.forward(x), t)

    def accuracy(self, x: Array, t: Array) -> Array:
        """Return the share of samples whose largest score is at the right class.

        Parameters and errors are those of :meth:`loss`.

        Returns
        -------
        array, shape ()
            From 0 to 1, in the dtype of the scores; 0 for an empty batch. It stays on the device.
        """
        y = self.predict(x)
        check_target("accuracy", t, y=y)
        xp = array_namespace(y)
        truth = t if are_indices(t, y) else xp.argmax(t, axis=-1)
        hits = xp.argmax(y, axis=-1) == as_indices(truth)
        hits &= ~xp.isnan(xp.max(y, axis=-1))  # argmax takes NaN for the largest score
        count_dtype = xp.float32 if is_half(y.dtype) else y.dtype
        share = xp.sum(xp.astype(hits, count_dtype)) / max(prod(hits.shape), 1)
        return xp.astype(share, y.dtype, copy=False)

    def gradient(self, x: Array, t: Array) -> dict[str, Array]:
        """Return the gradients of the loss by backpropagation.

        The gradient with respect to ``x`` is not computed: nobody would read it.

        Parameters and errors are those of :meth:`loss`.

        Returns
        -------
        dict of str to array
            By the names of ``params``, each of its parameter's shape.
        """
        return self.loss_and_gradient(x, t)[1]

    def loss_and_gradient(self, x: Array, t: Array) -> tuple[Array, dict[str, Array]]:
        """Return what :meth:`loss` and :meth:`gradient` return, having computed both once."""
        loss = self.loss(x, t)
        dout = self.last_layer.backward()
        first, *others = self.trained_layers() or [None]
        for layer in reversed(others):
            dout = layer.backward(dout)
        if first is not None:
            getattr(first, "backward_params", first.backward)(dout)
        return loss, self.grads

    def trained_layers(self) -> list[Any]:
        """Return the layers through which backpropagation goes: from the first with parameters.

        Of that one, nobody reads the gradient with respect to its input.
        """
        layers = list(self.layers.values())
        with_params = [bool(layer.params) for layer in layers]
        return layers[with_params.index(True) :] if True in with_params else []

    def numerical_gradient(self, x: Array, t: Array) -> dict[str, Array]:
        """Return the gradients of the loss by central differences, to check :meth:`gradient`.

        It computes the loss twice for every single parameter.

        Parameters, result and errors are those of :meth:`gradient`.
        """
        return {name: self._numerical_gradient(name, x, t) for name in self.params}

    def _numerical_gradient(self, name: str, x: Array, t: Array) -> Array:
        param = self.params[name]

        def loss_of(changed: Array) -> Array:
            self.params[name] = changed
            return self.loss(x, t)

        try:
            return numerical_gradient(loss_of, param)
        finally:
            self.params[name] = param

    def to(
        self,
        xp: BackendSpec | None = None,
        *,
        device: Device | None = None,
        dtype: DType | None = None,
    ) -> Self:
        """Move all layers; parameters, result and errors are those of :meth:`xpnet.Layer.to`."""
        members = [*self.layers.values(), self.last_layer]
        move_layers(members, xp, device=device, dtype=dtype)
        return self


def _flat(layers: Iterable[Any]) -> Iterator[Any]:
    for layer in layers:
        if isinstance(layer, Sequential):
            yield from layer.layers.values()
        else:
            yield layer


def _check_members(net: str, members: dict[str, Any]) -> None:
    names: dict[int, str] = {}
    for name, layer in members.items():
        if not all(hasattr(layer, part) for part in ("forward", "backward", "params", "grads")):
            found = layer if isinstance(layer, type) else f"a {type(layer).__name__}"
            msg = f"{net}: {found} is no layer: it must have forward, backward, params and grads"
            raise TypeError(msg)
        first = names.setdefault(id(layer), name)
        if first != name:
            msg = (
                f"{net}: {first} and {name} are the same layer, which remembers one forward only; "
                "make two"
            )
            raise ValueError(msg)


def _named(layers: Iterable[Any]) -> Iterator[tuple[str, Any]]:
    """Number the layers of each class, as in the book: Affine1, ReLU1, Affine2."""
    seen: Counter[str] = Counter()
    for layer in layers:
        kind = type(layer).__name__
        seen[kind] += 1
        yield f"{kind}{seen[kind]}", layer
