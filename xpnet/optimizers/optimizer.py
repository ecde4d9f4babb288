"""What all optimizers have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from operator import setitem
from typing import Any, ClassVar

from xpnet._typing import Array, Number
from xpnet.arrays import detached
from xpnet.backends import adapter_of
from xpnet.checks import check_floats, check_same_shape, namespace_of_alike
from xpnet.kernels.tape import Tape, call
from xpnet.layers.holders import holders_of
from xpnet.layers.state import key_of
from xpnet.optimizers.setting import Setting
from xpnet.optimizers.state import Memory, State, copied, initial_memory, memory_beside

__all__ = ["Optimizer", "add_new_arrays", "has_plain_update", "mode_of_optimizer", "trained"]


class Optimizer:
    """Changes parameters by their gradients, and remembers what its rule needs.

    A subclass lists its settings and what it remembers, and says how one parameter takes a step.
    An optimizer belongs to one net, because it knows parameters by their names.

    Attributes
    ----------
    state : dict of str to dict
        What was remembered of each parameter, empty before its first step; for 16-bit parameters
        in float32. A step replaces the arrays and changes none, so a state that was taken out can
        be put back. At the next step it goes to where the parameters live, and to their dtype: it
        may also have been saved as NumPy arrays, or the net have moved.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> from xpnet.checks import check_not_negative
    >>> from xpnet.optimizers import Setting
    >>> class SignSGD(xpnet.Optimizer):
    ...     lr = Setting(check_not_negative)
    ...     def __init__(self, lr=0.01):
    ...         super().__init__()
    ...         self.lr = lr
    ...     def step(self, param, grad, memory, settings):
    ...         return param - settings["lr"] * np.sign(grad), memory
    >>> params = {"W": np.asarray([1.0, 2.0])}
    >>> SignSGD(lr=0.5).update(params, {"W": np.asarray([8.0, -9.0])})
    >>> params["W"]
    array([0.5, 2.5])
    """

    memory: ClassVar[tuple[str, ...]] = ()
    """The names of what is remembered: arrays, but for a ``"step"``, which counts."""

    kernel: ClassVar[Callable[..., Any] | None] = None
    """The fast copies of :meth:`step`, which work in place; none for a ``step`` of one's own."""

    _setting_names: ClassVar[frozenset[str]] = frozenset()

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        nearest = next(base for base in cls.__mro__ if {"step", "kernel"} & vars(base).keys())
        if "kernel" not in vars(nearest):
            cls.kernel = None
        cls._setting_names = frozenset(
            name for name in dir(cls) if isinstance(getattr(cls, name, None), Setting)
        )

    def __init__(self) -> None:
        self.state: State = {}

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={number}" for name, number in self.settings.items())
        return f"{type(self).__name__}({settings})"

    @property
    def settings(self) -> dict[str, float]:
        """All numbers that the optimizer is set to, by name."""
        names = self._setting_names
        return {name: number for name, number in vars(self).items() if name in names}

    def update(self, params: MutableMapping[str, Array], grads: Mapping[str, Array]) -> None:
        """Take one step, in place where the library can write to arrays.

        Elsewhere, as in JAX, a new array is bound to each name, and in all layers that had the old
        one. Parameters that a net has frozen stay as they are. PyTorch's parameters, which require
        gradients, are written to as under ``torch.no_grad()``.

        Parameters
        ----------
        params : mapping of str to array
            Parameters by name, each an array of its own; changed.
        grads : mapping of str to array
            The gradient of each parameter, of its shape, by the same name.

        Raises
        ------
        KeyError
            If a parameter has no gradient, or the state is that of another optimizer.
        ShapeError, DTypeError, BackendMismatchError
            If a gradient does not fit its parameter, or the state was of another shape. Neither
            a parameter nor the state has changed then. After an interrupt all of them have, or
            none.
        """
        self.plan(params, grads).carry_out()

    def plan(self, params: MutableMapping[str, Array], grads: Mapping[str, Array]) -> Tape:
        """Return what :meth:`update` does, with all computed that may fail, and nothing changed.

        Parameters and errors are those of :meth:`update`.
        """
        plan = Tape(is_plan=True, is_kept=False)
        before = trained(params)
        memories = self.memories(before, grads, self.state)
        if self.works_in_place(before, grads):
            memories = {name: copied(memory) for name, memory in memories.items()}
            plan.record(self.note_steps, before, grads, memories)
        else:
            after, memories = self._steps(before, grads, memories, self.settings)
            add_new_arrays(plan, params, before, after)
        plan.add(setattr, self, "state", {**self.state, **memories})
        return plan

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
        memories = self.memories(params, grads, state)
        return self._steps(params, grads, memories, {**self.settings, **(settings or {})})

    def step(
        self, param: Array, grad: Array, memory: Memory, settings: Mapping[str, Any]
    ) -> tuple[Array, Memory]:
        """Return one parameter and its memory after a step, and change neither.

        Parameters
        ----------
        param, grad : array
            They fit together.
        memory : dict
            What is remembered of this parameter, by the names in ``memory`` of the class.
        settings : mapping of str to number
            By the names of the settings.

        Returns
        -------
        param : array
        memory : dict
            New, of the same names.
        """
        raise NotImplementedError

    def works_in_place(self, params: Mapping[str, Array], grads: Mapping[str, Array]) -> bool:
        """Whether steps may write to the parameters, one after the other."""
        in_place = self.kernel is not None and all(map(_is_writable, params.values()))
        return in_place and not _would_change_gradients(params, grads)

    def note_steps(
        self,
        params: Mapping[str, Array],
        grads: Mapping[str, Array],
        memories: Mapping[str, Memory],
    ) -> bool:
        """Let a tape note what does :meth:`step` in the arrays themselves, for each parameter.

        Returns
        -------
        bool
            Whether the next step is the same calls again: kernels do all, and nothing counts.
        """
        settings, is_fixed = self.settings, True
        for name, param in params.items():
            memory, grad = memories[name], grads[name]
            counted = {"step": memory["step"] + 1} if "step" in memory else {}
            arrays = {**memory, **counted}
            if self.kernel is None or self.kernel(param, grad, **arrays, **settings) is None:
                new, counted = self.step(param, grad, memory, settings)
                call(setitem, detached(param), ..., new)
                is_fixed = False
            if counted:
                call(memory.update, counted)
                is_fixed = False
        return is_fixed

    def initial_state(self, params: Mapping[str, Array]) -> State:
        """Return the state before the first step: zeros where the parameters live.

        :meth:`apply` makes it by itself, but a function is compiled once more when it does.
        """
        return {name: initial_memory(self.memory, param) for name, param in params.items()}

    def _steps(
        self,
        params: Mapping[str, Array],
        grads: Mapping[str, Array],
        memories: Mapping[str, Memory],
        settings: Mapping[str, Any],
    ) -> tuple[dict[str, Array], State]:
        new_params, new_state = {}, {}
        for name, param in params.items():
            new_params[name], new_state[name] = self.step(
                param, grads[name], memories[name], settings
            )
        return new_params, new_state

    def memories(
        self,
        params: Mapping[str, Array],
        grads: Mapping[str, Array],
        state: Mapping[str, Memory],
    ) -> State:
        """Return what is remembered of each parameter, having made sure that all fits."""
        who = type(self).__name__
        self._check_gradients(who, params, grads)
        return {
            name: memory_beside(who, name, param, state[name], self.memory)
            if name in state
            else initial_memory(self.memory, param)
            for name, param in params.items()
        }

    @staticmethod
    def _check_gradients(who: str, params: Mapping[str, Array], grads: Mapping[str, Array]) -> None:
        for name, param in params.items():
            if name not in grads:
                msg = f"{who}: there is no gradient for {name!r}; call backward or gradient first"
                raise KeyError(msg)
            grad = grads[name]
            # At first sight, for looking what is wrong takes longer than a small update.
            if namespace_of_alike(param, grad) is not None and grad.shape == param.shape:
                continue
            named = {f"params[{name!r}]": param, f"grads[{name!r}]": grad}
            check_floats(who, **named)
            if grad.shape != param.shape:
                check_same_shape(who, **named)


# What an update consists of, but for the rule of a subclass, which all ways of updating ask.
_UPDATE = ("apply", "memories", "note_steps", "plan", "update")


def has_plain_update(optimizer: Any) -> bool:
    """Whether an update is the rule and nothing more: somebody may clip gradients there."""
    if not isinstance(optimizer, Optimizer) or vars(optimizer).keys() & {*_UPDATE, "step"}:
        return False
    return all(getattr(type(optimizer), name) is getattr(Optimizer, name) for name in _UPDATE)


def mode_of_optimizer(optimizer: Optimizer) -> tuple[Any, ...]:
    """Return a key to the values on which a step may depend, and that are no settings."""
    apart = {*optimizer.settings, "state"}
    return tuple((n, key_of(value)) for n, value in vars(optimizer).items() if n not in apart)


def trained(params: Mapping[str, Array]) -> dict[str, Array]:
    """Return the parameters that are not frozen; all of a mapping that knows none."""
    places = getattr(params, "graded_places", None)
    return dict(params) if places is None else {name: params[name] for name in places()}


def add_new_arrays(
    plan: Tape,
    params: MutableMapping[str, Array],
    before: Mapping[str, Array],
    after: Mapping[str, Array],
) -> None:
    """Add to a plan what gives parameters new values: in their arrays, or in other ones.

    Where arrays cannot be written to, all that hold one get another, as if it had been changed.
    """
    for name, param in before.items():
        if _is_writable(param):
            plan.add(setitem, detached(param), ..., after[name])
            continue
        if not hasattr(params, "places"):
            plan.add(setitem, params, name, after[name])
        for layer, own_name in holders_of(params, name, param):
            plan.add(setitem, layer.params, own_name, after[name])


def _is_writable(param: Array) -> bool:
    return adapter_of(param).is_writable(detached(param))


def _would_change_gradients(params: Mapping[str, Array], grads: Mapping[str, Array]) -> bool:
    """Whether a gradient lies in a parameter that is changed before it: that of ``V`` is ``W``."""
    changed = set()
    for name, param in params.items():
        if _owner(grads[name]) in changed:
            return True
        changed.add(_owner(param))
    return False


def _owner(array: Array) -> int:
    """Return who owns an array's memory: itself, or the array that it is a view of."""
    base = getattr(array, "_base", None)  # of PyTorch
    if base is None:
        base = getattr(array, "base", None)
    return id(array if base is None else base)
