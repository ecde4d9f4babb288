"""What all layers have in common."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

from xpnet._typing import Array, Device, DType
from xpnet.arrays import asarray, device_of
from xpnet.backend import Backend, BackendSpec, resolve_backend
from xpnet.backends import adapter_of
from xpnet.checks import describe_home
from xpnet.errors import BackendMismatchError, BackwardError

__all__ = ["Layer", "move_layers"]


class Layer:
    """An op that remembers what its backward needs, and owns its parameters.

    Subclass it and write ``forward`` and ``backward``. A class of one's own needs no base class
    to stand in a ``Sequential``: ``forward``, ``backward``, ``params`` and ``grads`` are enough.

    Parameters
    ----------
    xp : str, module or Backend, optional
        Where the layer lives. A layer with parameters lives where they do. A layer without any
        follows its inputs, unless ``xp`` says that they must come from there.

    Attributes
    ----------
    params : dict of str to array
        The parameters by name; binding a new array to a name changes what the layer uses.
    grads : dict of str to array
        The gradients of the loss by the same names; empty before ``backward``.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> class Square(xpnet.Layer):
    ...     def forward(self, x):
    ...         self._save(x)
    ...         return x * x
    ...     def backward(self, dout):
    ...         (x,) = self._saved()
    ...         return 2 * x * dout
    >>> square = Square()
    >>> square.forward(np.asarray([3.0]))
    array([9.])
    >>> square.backward(np.asarray([1.0]))
    array([6.])
    """

    def __init__(self, *, xp: BackendSpec | None = None) -> None:
        self.params: dict[str, Array] = {}
        self.grads: dict[str, Array] = {}
        self._backend: Backend | None = None if xp is None else resolve_backend(xp)
        self._memory: tuple[Any, ...] | None = None

    def __repr__(self) -> str:
        shapes = ", ".join(f"{name}{tuple(a.shape)}" for name, a in self.params.items())
        return f"{type(self).__name__}({shapes})"

    def forward(self, x: Array) -> Array:
        """Return the layer's output for an input of its shape."""
        raise NotImplementedError

    def backward(self, dout: Array) -> Array:
        """Turn the gradient with respect to the output into that with respect to the input."""
        raise NotImplementedError

    def backward_params(self, dout: Array) -> None:
        """Do what ``backward`` does but for the gradient with respect to the input.

        A net calls it on its first layer; override it where that saves work.
        """
        self.backward(dout)

    def to(
        self,
        xp: BackendSpec | None = None,
        *,
        device: Device | None = None,
        dtype: DType | None = None,
    ) -> Self:
        """Move the parameters and gradients, and forget the last forward.

        Parameters
        ----------
        xp : str, module or Backend, optional
            The library to go to; the present one unless given.
        device : device or str, optional
            Unless given, the library's own device, or the present one within a library.
        dtype : dtype or str, optional
            Unless given, each array keeps its dtype.

        Returns
        -------
        Layer
            This layer. If an error is raised, nothing has moved.

        Raises
        ------
        BackendUnavailableError, ValueError
            If the library or device cannot be used.
        DTypeError
            If the library does not have the dtype.

        Examples
        --------
        >>> import xpnet
        >>> layer = xpnet.Affine.random(2, 3, seed=0)
        >>> layer.to(dtype="float64").W.dtype
        dtype('float64')
        """
        move_layers([self], xp, device=device, dtype=dtype)
        return self

    def _check_home(self, *arrays: Array) -> None:
        """Make sure that inputs come from the library and device that the layer was given."""
        home = self._backend
        if home is None:
            return
        for array in arrays:
            device = device_of(array)
            if adapter_of(array) is not home.adapter or device not in (None, home.device):
                msg = (
                    f"{type(self).__name__}: the layer lives on {home.name} on {home.device}, "
                    f"but an input is {describe_home(array)}; use layer.to(...) or xpnet.asarray"
                )
                raise BackendMismatchError(msg)

    def _save(self, *values: Any) -> None:
        """Remember what ``backward`` will need."""
        self._memory = values

    def _saved(self) -> tuple[Any, ...]:
        """Return what the last ``forward`` saved; BackwardError if there was none."""
        if self._memory is None:
            msg = f"{type(self).__name__}: backward was called before forward; call forward first"
            raise BackwardError(msg)
        return self._memory


def move_layers(
    layers: Iterable[Any],
    xp: BackendSpec | None,
    *,
    device: Device | None,
    dtype: DType | None,
) -> None:
    """Move the parameters and gradients of all layers, or of none if one cannot be moved."""
    layers = list(layers)
    target = None if xp is None else resolve_backend(xp, device)
    dicts = [arrays for layer in layers for arrays in (layer.params, layer.grads)]
    moved = [
        {name: _moved(array, target, device, dtype) for name, array in arrays.items()}
        for arrays in dicts
    ]
    for arrays, replacements in zip(dicts, moved, strict=True):
        arrays.update(replacements)
    for layer in layers:
        if isinstance(layer, Layer):
            layer._memory = None
            if layer._backend is not None:
                layer._backend = target or resolve_backend(layer._backend, device)


def _moved(
    array: Array, target: Backend | None, device: Device | None, dtype: DType | None
) -> Array:
    if dtype is None:
        dtype = array.dtype
    if target is not None:
        return asarray(array, xp=target, dtype=dtype)
    adapter = adapter_of(array)
    there = array.device if device is None else adapter.find_device(device)
    return adapter.move(array, there, dtype)
