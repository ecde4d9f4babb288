"""A net of layers one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from xpnet._typing import Array
from xpnet.errors import XpnetError
from xpnet.layers.calls import backward_of, of_layers, recorder
from xpnet.layers.freezing import is_trained
from xpnet.layers.tree import child_at
from xpnet.nets.container import Container, check_is_layer
from xpnet.nets.members import Members

__all__ = ["Sequential"]


class Sequential(Container):
    """Layers one after the other, with a loss at the end.

    It is a layer itself, and can stand in another.

    Parameters
    ----------
    *layers : layer
        Any objects with ``forward``, ``backward``, ``params`` and ``grads``; each once, because
        a layer remembers one forward.
    last_layer : layer, optional
        The loss: takes the output and the labels; ``SoftmaxWithLoss`` unless given.

    Attributes
    ----------
    layers : mapping of str to layer
        By name and in order, such as ``Affine1``, ``ReLU1``, ``Affine2``; another may be bound to
        a name. ``net[0]`` and ``net["Affine1"]`` are the first one.
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
    Parameters(Affine1.W: (4, 8), Affine1.b: (8,), Affine2.W: (8, 3), Affine2.b: (3,))
    >>> net.predict(xpnet.asarray(np.ones((2, 4)))).shape
    (2, 3)
    """

    def __init__(self, *layers: Any, last_layer: Any = None) -> None:
        self.layers = Members(type(self).__name__, layers)
        super().__init__(last_layer=last_layer)

    def __repr__(self) -> str:
        names = ", ".join(self.layers)
        return f"{type(self).__name__}({names}; {type(self.last_layer).__name__})"

    @property
    def children(self) -> Mapping[str, Any]:
        """All layers in order and by name, the loss at the end."""
        return {**self.layers, "last_layer": self.last_layer}

    def _check_loss(self, layer: Any) -> None:
        super()._check_loss(layer)
        self.layers.check_apart(last_layer=layer)

    def __len__(self) -> int:
        return len(self.layers)

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator[Any]:
        return iter(self.layers.values())

    def __getitem__(self, which: int | slice | str) -> Any:
        """Return a layer by its place, name or path; a list of layers for a slice."""
        if isinstance(which, str):
            return self.layers[which] if which in self.layers else child_at(self, which)
        return list(self.layers.values())[which]

    def replace(self, path: str, layer: Any) -> None:
        """Put another layer in the place of one.

        Parameters
        ----------
        path : str
            Such as ``"Affine2"``, ``"last_layer"``, or ``"Sequential1.ReLU2"``.
        layer : layer

        Raises
        ------
        KeyError
            If there is no layer at the path.
        TypeError
            If the other is no layer.
        ValueError
            If it stands in the net already. After an error nothing has changed.

        Examples
        --------
        >>> import xpnet
        >>> net = xpnet.TwoLayerNet(4, 3, 2)
        >>> net.replace("ReLU1", xpnet.Sigmoid())
        >>> net["ReLU1"]
        Sigmoid()
        """
        above, _, name = path.rpartition(".")
        child_at(self, path)
        parent = child_at(self, above)
        if name in getattr(parent, "layers", ()):
            parent.layers[name] = layer
        else:
            check_is_layer(type(self).__name__, layer)
            setattr(parent, name, layer)

    @of_layers
    def forward(self, x: Array) -> Array:
        """Return what :meth:`predict` does, but as in training, with its dropout."""
        who = recorder()
        for name, layer in self.layers.items():
            try:
                x = layer.forward(x) if who is None else who.forward(layer, x)
            except XpnetError as error:
                error.add_note(f"This is layer {name} of {self}.")
                raise
        return x

    @of_layers
    def backward(self, dout: Array, *, need_dx: bool = True) -> Array | None:
        """Go back through all layers, which keep their gradients, and return ``dx``.

        Parameters
        ----------
        dout : array
            The gradient of the loss with respect to the output of ``forward``.
        need_dx : bool
            Whether the gradient with respect to the input is needed. If not, backpropagation ends
            at the first layer with parameters that are trained.

        Returns
        -------
        array or None
            The gradient with respect to its input; None if it is not needed.
        """
        layers = list(self.layers.values())
        if not need_dx:
            while layers and not is_trained(layers[0]):
                del layers[0]
        for layer in reversed(layers):
            dout = backward_of(layer, dout, need_dx=need_dx or layer is not layers[0])
        return dout if need_dx else None
