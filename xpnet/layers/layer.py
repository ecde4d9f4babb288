"""What all layers have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from xpnet._typing import Array, Device, DType
from xpnet.arrays import device_of
from xpnet.backend import Backend, BackendSpec, resolve_backend
from xpnet.backends import adapter_of
from xpnet.checks import describe_home
from xpnet.errors import BackendMismatchError, BackwardError, GraphError
from xpnet.layers.calls import RECORDED, call
from xpnet.layers.changes import Watched
from xpnet.layers.freezing import set_frozen
from xpnet.layers.memories import memories_apart
from xpnet.layers.moving import move
from xpnet.layers.state import buffers_of
from xpnet.layers.tree import children_in

__all__ = ["Layer"]


class Layer(Watched):
    """An op that remembers what its backward needs, and owns its parameters.

    Subclass it and write ``forward`` and ``backward``. A class of one's own needs no base class
    to stand in a net: ``forward``, ``backward``, ``params`` and ``grads`` are enough. All else
    follows from its attributes, with a base class or without:

    - layers among them, also in lists and dicts, are its ``children``;
    - arrays are its ``buffers``, such as running means: they move with ``to``, go into copies, and
      into and out of compiled steps;
    - all other values are its *mode*, such as a rate: a compiled step notices a new one.

    What forward remembers for backward belongs into :meth:`_save`: it is no part of a copy.

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
    frozen : frozenset of str
        The names of parameters that are not trained.

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

    counters: ClassVar[tuple[str, ...]] = ()
    """Names of attributes that are integers, which forward raises by as much each time."""

    frozen: frozenset[str] = frozenset()

    def __init__(self, *, xp: BackendSpec | None = None) -> None:
        self.params: dict[str, Array] = {}
        self.grads: dict[str, Array] = {}
        self._backend: Backend | None = None if xp is None else resolve_backend(xp)
        self._memory: tuple[Any, ...] | None = None

    def __repr__(self) -> str:
        shapes = ", ".join(f"{name}{tuple(a.shape)}" for name, a in self.params.items())
        return f"{type(self).__name__}({shapes})"

    def __call__(self, *inputs: Any) -> Any:
        """Return what ``forward`` does; where an :class:`xpnet.Variable` is given, record it.

        So a layer is called in the forward of an :class:`xpnet.Net`. Its ``forward`` and
        ``backward`` see plain arrays alone.

        Examples
        --------
        >>> import numpy as np, xpnet
        >>> xpnet.ReLU()(np.asarray([-1.0, 2.0]))
        array([0., 2.])
        """
        return call(self, *inputs)

    def forward(self, x: Array) -> Array:
        """Return the layer's output for an input of its shape."""
        raise NotImplementedError

    def backward(self, dout: Array) -> Array:
        """Turn the gradient with respect to the output into that with respect to the input."""
        raise NotImplementedError

    @property
    def children(self) -> Mapping[str, Any]:
        """The layers inside this one, in order and by name."""
        return children_in(self)

    @property
    def buffers(self) -> Mapping[str, Any]:
        """What forward may change that is no parameter, by name: arrays and counters."""
        return buffers_of(self)

    def freeze(self, *paths: str) -> Self:
        """Train some parameters no longer.

        They stay in ``params``, but have no gradient, and optimizers leave them as they are.

        Parameters
        ----------
        *paths : str
            Of parameters, such as ``"W"`` or ``"blocks.0.norm.gamma"``, or of layers, for all that
            is in them; everything unless given.

        Returns
        -------
        Layer
            This layer.

        Raises
        ------
        KeyError
            If there is nothing at a path; nothing is frozen then.

        Examples
        --------
        >>> import numpy as np, xpnet
        >>> net = xpnet.TwoLayerNet(4, 3, 2, seed=0).freeze("Affine1")
        >>> list(net.gradient(xpnet.asarray(np.ones((1, 4))), np.asarray([1])))
        ['W2', 'b2']
        """
        set_frozen(self, paths, to=True)
        return self

    def unfreeze(self, *paths: str) -> Self:
        """Train parameters again; the opposite of :meth:`freeze`."""
        set_frozen(self, paths, to=False)
        return self

    def to(
        self,
        xp: BackendSpec | None = None,
        *,
        device: Device | None = None,
        dtype: DType | None = None,
    ) -> Self:
        """Move all arrays of the layer and of those inside it, and forget the last forward.

        Parameters
        ----------
        xp : str, module or Backend, optional
            The library to go to; the present one unless given.
        device : device or str, optional
            Unless given, the library's own device, or the present one within a library.
        dtype : dtype or str, optional
            Of floats; integers keep theirs. Unless given, each array keeps its dtype.

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
        move(self, xp, device=device, dtype=dtype)
        return self

    def __getstate__(self) -> dict[str, Any]:
        """Return what goes into a copy, or a file: all but what the last forward remembers."""
        return {**vars(self), "_memory": None, "_noted": None}

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
        if values and type(values[0]) in RECORDED:
            name = type(self).__name__
            msg = f"{name}: forward sees plain arrays alone; call the layer itself, layer(x)"
            raise GraphError(msg)
        memories = memories_apart()
        if memories is None:
            vars(self)["_memory"] = values  # past the watch: the layer has not changed
        else:
            memories[id(self)] = values

    def _remembered(self) -> tuple[Any, ...] | None:
        """Return what the last ``forward`` saved; None if there was none."""
        memories = memories_apart()
        return self._memory if memories is None else memories.get(id(self), self._memory)

    def _saved(self) -> tuple[Any, ...]:
        """Return what the last ``forward`` saved; BackwardError if there was none."""
        memory = self._remembered()
        if memory is None:
            msg = f"{type(self).__name__}: backward was called before forward; call forward first"
            raise BackwardError(msg)
        return memory
