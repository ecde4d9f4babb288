"""What all optimizers have in common."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any, ClassVar, TypeAlias

from xpnet._typing import Array, Number
from xpnet.arrays import array_namespace, asarray, device_of, to_numpy
from xpnet.backend import Backend
from xpnet.backends import adapter_of
from xpnet.checks import check_floats, check_same_shape
from xpnet.dtypes import is_half
from xpnet.optimizers.setting import Setting
from xpnet.quiet import quiet

__all__ = ["Memory", "Optimizer", "State", "write_back"]

Memory: TypeAlias = dict[str, Any]
"""What is remembered of one parameter: arrays of its shape, and perhaps a number of steps."""

State: TypeAlias = dict[str, Memory]
"""The memories of all parameters by their names."""

_STEP = "step"


class Optimizer:
    """Changes parameters by their gradients, and remembers what its rule needs.

    A subclass lists its settings and what it remembers, and says how one parameter takes a step;
    see :class:`xpnet.Momentum`. An optimizer belongs to one net, because it knows parameters by
    their names.

    Attributes
    ----------
    state : dict of str to dict
        What was remembered of each parameter. A step binds new arrays and leaves the old ones as
        they are, so a state that was taken out can be put back, or saved as NumPy arrays and put
        back: it goes to where the parameters live, and to their dtype, at the next step. 16 bits
        are remembered in float32.
    """

    memory: ClassVar[tuple[str, ...]] = ()
    """The names of what is remembered: arrays, but for a ``"step"``, which counts."""

    def __init__(self) -> None:
        self.state: State = {}

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={number}" for name, number in self.settings.items())
        return f"{type(self).__name__}({settings})"

    @property
    def settings(self) -> dict[str, float]:
        """All numbers that the optimizer is set to, by name."""
        kind = type(self)
        return {
            name: number
            for name, number in vars(self).items()
            if isinstance(getattr(kind, name, None), Setting)
        }

    def update(self, params: MutableMapping[str, Array], grads: Mapping[str, Array]) -> None:
        """Take one step, in place where the library can write to arrays.

        Elsewhere, as in JAX, a new array is bound to each name.

        Parameters
        ----------
        params : mapping of str to array
            Parameters by name; changed.
        grads : mapping of str to array
            The gradient of each parameter, of its shape, by the same name.

        Raises
        ------
        KeyError
            If a parameter has no gradient, or the state is that of another optimizer.
        ShapeError, DTypeError, BackendMismatchError
            If a gradient does not fit its parameter, or the state was of another shape. Neither
            a parameter nor the state has changed then.
        """
        new_params, new_state = self.apply(params, grads, self.state)
        # Nothing can fail from here on.
        for name, array in new_params.items():
            params[name] = write_back(params[name], array)
        self.state = {**self.state, **new_state}

    @quiet
    def apply(
        self,
        params: Mapping[str, Array],
        grads: Mapping[str, Array],
        state: Mapping[str, Memory],
        settings: Mapping[str, Number | Array] | None = None,
    ) -> tuple[dict[str, Array], State]:
        """Return what a step makes of parameters and state, and change nothing.

        It is a pure function, which ``jax.jit`` can compile.

        Parameters
        ----------
        params, grads : mapping of str to array
            As in :meth:`update`.
        state : mapping of str to dict
            As an earlier step returned it, or :meth:`initial_state`; names that are missing are
            added.
        settings : mapping of str to number, optional
            Replaces some of the optimizer's own, such as ``{"lr": lr}``. They may be traced,
            whereas a compiled function has the others built in.

        Returns
        -------
        params : dict of str to array
        state : dict of str to dict
            Both of the names in ``params``.

        Raises
        ------
        KeyError, ShapeError, DTypeError, BackendMismatchError
            As :meth:`update`.

        Examples
        --------
        >>> import numpy as np, xpnet
        >>> optimizer = xpnet.SGD(lr=0.5)
        >>> params, grads = {"W": np.ones(2)}, {"W": np.ones(2)}
        >>> params, state = optimizer.apply(params, grads, {}, {"lr": 0.25})
        >>> params["W"]
        array([0.75, 0.75])
        """
        self._check_gradients(params, grads)
        memories = {name: self._memory_of(name, param, state) for name, param in params.items()}
        numbers = {**self.settings, **(settings or {})}
        new_params, new_state = {}, {}
        for name, param in params.items():
            new_params[name], new_state[name] = self.step(
                param, grads[name], memories[name], numbers
            )
        return new_params, new_state

    def step(
        self, param: Array, grad: Array, memory: Memory, settings: Mapping[str, Any]
    ) -> tuple[Array, Memory]:
        """Return one parameter and its memory after a step, and change neither."""
        raise NotImplementedError

    def initial_state(self, params: Mapping[str, Array]) -> State:
        """Return the state before the first step: zeros where the parameters live."""
        return {name: self._initial_memory(param) for name, param in params.items()}

    def _initial_memory(self, param: Array) -> Memory:
        xp = array_namespace(param)
        zeros = {name: xp.zeros_like(param, dtype=_dtype_of_sums(param)) for name in self._arrays}
        return {**zeros, _STEP: 0} if _STEP in self.memory else zeros

    @property
    def _arrays(self) -> list[str]:
        return [name for name in self.memory if name != _STEP]

    def _check_gradients(self, params: Mapping[str, Array], grads: Mapping[str, Array]) -> None:
        who = type(self).__name__
        for name, param in params.items():
            if name not in grads:
                msg = f"{who}: there is no gradient for {name!r}; call backward or gradient first"
                raise KeyError(msg)
            named = {f"params[{name!r}]": param, f"grads[{name!r}]": grads[name]}
            check_floats(who, **named)
            check_same_shape(who, **named)

    def _memory_of(self, name: str, param: Array, state: Mapping[str, Memory]) -> Memory:
        """Return what is remembered of a parameter, where it lives now."""
        if name not in state:
            return self._initial_memory(param)
        who, memory = type(self).__name__, state[name]
        if memory.keys() != set(self.memory):
            msg = (
                f"{who}: state[{name!r}] has {', '.join(memory) or 'nothing'}; "
                f"it must have {', '.join(self.memory) or 'nothing'}"
            )
            raise KeyError(msg)
        here = {key: _brought_to(param, memory[key]) for key in self._arrays}
        try:
            check_same_shape(
                who,
                **{f"params[{name!r}]": param},
                **{f"state[{name!r}][{key!r}]": array for key, array in here.items()},
            )
        except ValueError as error:
            error.add_note(f"Delete state[{name!r}] to begin anew with this parameter.")
            raise
        if _STEP in self.memory:
            here[_STEP] = _count_beside(param, memory[_STEP])
        return here


def write_back(param: Array, array: Array) -> Array:
    """Return a parameter with new values: the same array where it can be written to."""
    if adapter_of(param).is_writable(param):
        param[...] = array
        return param
    return array


def _dtype_of_sums(param: Array) -> Any:
    return array_namespace(param).float32 if is_half(param.dtype) else param.dtype


def _brought_to(param: Array, array: Array) -> Array:
    """Return an array of the state in the library, on the device and of the dtype of sums."""
    adapter, device, dtype = adapter_of(param), device_of(param), _dtype_of_sums(param)
    if type(array) is type(param) and device_of(array) == device and array.dtype == dtype:
        return array
    return asarray(array, xp=Backend(adapter.name, device, dtype, adapter), dtype=dtype)


def _count_beside(param: Array, step: Any) -> Any:
    """Return a number of steps as an int, unless a device or a trace would be waited for."""
    if isinstance(step, int):
        return step
    adapter = adapter_of(step)
    is_foreign = adapter is not adapter_of(param)
    return int(to_numpy(step)) if is_foreign or adapter.is_readable(step) else step
