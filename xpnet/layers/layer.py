"""What all layers have in common."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

from xpnet._typing import Array, Device, DType
from xpnet.arrays import asarray, device_of
from xpnet.backend import Backend, BackendSpec, resolve_backend
from xpnet.backends import adapter_of
from xpnet.checks import check_same_home, describe_home
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
            If layers cannot compute in the dtype, or the library does not have it.

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
                    f"{type(self).__name__}: the layer lives on {home.name} on "
                    f"{home.device_name}, but an input is {describe_home(array)}; move the one "
                    f"with layer.to(...), or the other with xpnet.asarray(..., xp={home.name!r}, "
                    f"device={home.device_name!r})"
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
    target = None if xp is None else resolve_backend(xp, device, dtype)

    def home_of(xp: BackendSpec, present: Device) -> Backend:
        return target or resolve_backend(xp, present if device is None else device, dtype)

    def moved(layer: Any, name: str, array: Array) -> Array:
        own_xp = check_same_home(type(layer).__name__, **{name: array})
        home = home_of(own_xp, device_of(array))
        return asarray(array, xp=home, dtype=array.dtype if dtype is None else dtype)

    replacements = [
        (owned, {name: moved(layer, name, array) for name, array in owned.items()})
        for layer in layers
        for owned in (layer.params, layer.grads)
    ]
    own = [layer for layer in layers if isinstance(layer, Layer)]
    homes = [old and home_of(old, old.device) for old in (layer._backend for layer in own)]
    # Nothing can fail from here on.
    for owned, arrays in replacements:
        owned.update(arrays)
    for layer, home in zip(own, homes, strict=True):
        layer._backend, layer._memory = home, None
