"""What all optimizers have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from operator import setitem
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple, TypeAlias

from xpnet._typing import Array, Number
from xpnet.arrays import detached
from xpnet.kernels.tape import Call, Tape, call, current_tape
from xpnet.layers.state import key_of
from xpnet.optimizers.gradients import check_apart, check_gradients
from xpnet.optimizers.groups import Groups, checked_groups, settings_by_name
from xpnet.optimizers.numbers import Numbers
from xpnet.optimizers.paths import names_in
from xpnet.optimizers.pipeline import check_transforms, key_of_transform, transformed
from xpnet.optimizers.setting import Settable
from xpnet.optimizers.state import Memory, State, copied, initial_memory, memory_beside
from xpnet.optimizers.transforms.transform import AnyTransform, Transform, Transforms
from xpnet.optimizers.writing import (
    add_new_values,
    is_writable,
    numbers_lifted,
    trained,
    would_change_gradients,
)

__all__ = ["Noted", "Optimizer", "Rate", "has_plain_update", "mode_of_optimizer"]

_NONE: Mapping[str, Any] = MappingProxyType({})

Rate: TypeAlias = float | Callable[[int], float]
"""A number, or a schedule: a function of the number of the step."""


class Noted(NamedTuple):
    """What a tape has noted of an update.

    Attributes
    ----------
    by_kernels : bool
        Whether kernels do all: the next step is the same calls again, but for the numbers in them.
    counts : list of Call
        Those that count the steps of a parameter.
    """

    by_kernels: bool
    counts: list[Call]


class Optimizer(Settable):
    """Changes parameters by their gradients, and remembers what its rule needs.

    An update is a pipeline of pure functions: gradients go through the transforms, in order, and
    then each with its parameter into the rule. A subclass lists its settings and what it
    remembers, and says how one parameter takes a step. An optimizer belongs to one net, because it
    knows parameters by their names.

    Each setting is a number or a schedule, a function of the number of the step: see
    :class:`xpnet.Schedule`. All may be changed between steps; compiled steps go on with the new
    ones.

    Parameters
    ----------
    transforms : sequence of callable
        What gradients go through before the rule: ``clip_norm``, ``clip_value``, ``weight_decay``,
        ``noise``, or a function of one's own; see :class:`xpnet.optimizers.Transform`.
    groups : mapping of str to mapping
        Settings for some parameters alone, by patterns of their names, such as
        ``{"*.b": {"lr": 0.2}}``. A pattern is one of ``fnmatch``: ``*`` stands for any text. A
        parameter of a net has its path for a name, and in the book's nets the book's besides. Where
        several patterns match a name, all count; what several set is as the last of them says. One
        that matches no name is an error: neither among the parameters of the update, nor of their
        net, nor of earlier updates.

    Attributes
    ----------
    state : dict of str to dict
        What was remembered of each parameter, empty before its first step; for 16-bit parameters
        in float32. A step replaces the arrays and changes none, so a state that was taken out can
        be put back. At the next step it goes to where the parameters live, and to their dtype: it
        may also have been saved as NumPy arrays, or the net have moved.
    steps : int
        How many updates there were: the number of the next one, for schedules and transforms. It
        is saved and put back along with ``state``.

    Raises
    ------
    SettingError
        If a setting, a transform or a group cannot be. An update raises it, and has changed
        nothing, if a schedule returns what cannot be, or a pattern matches nothing.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> from xpnet.checks import check_not_negative
    >>> from xpnet.optimizers import Setting
    >>> class SignSGD(xpnet.Optimizer):
    ...     lr = Setting(check_not_negative)
    ...     def __init__(self, lr=0.01, **pipeline):
    ...         super().__init__(**pipeline)
    ...         self.lr = lr
    ...     def step(self, param, grad, memory, settings):
    ...         return param - settings["lr"] * np.sign(grad), memory
    >>> params = {"W": np.asarray([1.0, 2.0]), "b": np.asarray([1.0])}
    >>> optimizer = SignSGD(lr=0.5, groups={"b": {"lr": 0.25}})
    >>> optimizer.update(params, {"W": np.asarray([8.0, -9.0]), "b": np.asarray([3.0])})
    >>> params
    {'W': array([0.5, 2.5]), 'b': array([0.75])}
    """

    memory: ClassVar[tuple[str, ...]] = ()
    """The names of what is remembered: arrays, but for a ``"step"``, which counts."""

    kernel: ClassVar[Callable[..., Any] | None] = None
    """The fast copies of :meth:`step`, which work in place; none for a ``step`` of one's own."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        nearest = next(base for base in cls.__mro__ if {"step", "kernel"} & vars(base).keys())
        if "kernel" not in vars(nearest):
            cls.kernel = None

    def __init__(self, *, transforms: Transforms = (), groups: Groups | None = None) -> None:
        self.state: State = {}
        self.steps = 0
        self.transforms = transforms
        self.groups = {} if groups is None else groups

    def _others(self) -> list[str]:
        transforms = [f"transforms={[*self.transforms]}"] if self.transforms else []
        return [*transforms, *([f"groups={self._groups}"] if self._groups else [])]

    @property
    def settings(self) -> dict[str, float]:
        """All numbers that count in the next step, by name; those of groups apart."""
        return self.settings_at(self.steps)

    @property
    def transforms(self) -> tuple[AnyTransform, ...]:
        """What gradients go through before the rule, in order; may be replaced as a whole."""
        return self._transforms

    @transforms.setter
    def transforms(self, transforms: Transforms) -> None:
        self._transforms = check_transforms(type(self).__name__, transforms)

    @property
    def groups(self) -> Groups:
        """The settings for some parameters alone; may be replaced as a whole."""
        return MappingProxyType({p: MappingProxyType(s) for p, s in self._groups.items()})

    @groups.setter
    def groups(self, groups: Groups) -> None:
        self._groups = checked_groups(type(self).__name__, self._settings, groups)

    @property
    def own_groups(self) -> Groups:
        """The groups as they are kept: the same object until they are replaced."""
        return self._groups

    def numbers(self, step: Any = None, given: Mapping[str, Any] = _NONE) -> Numbers:
        """Return all numbers that count in a step.

        Parameters
        ----------
        step : int, optional
            The next one unless given.
        given : mapping of str to number
            In place of settings, whose schedules are not asked then.

        Raises
        ------
        SettingError
            If a schedule returns what cannot be.
        """
        step = self.steps if step is None else step
        settings = self.settings_at(step, given)
        if not (self._groups or self._transforms):
            return Numbers(settings, {}, [])
        who, own = type(self).__name__, self._settings
        groups = {
            pattern: {
                name: own[name].at(f"{who}: groups[{pattern!r}]", value, step)
                for name, value in group.items()
            }
            for pattern, group in self._groups.items()
        }
        transforms = [
            each.settings_at(step) if isinstance(each, Transform) else {}
            for each in self._transforms
        ]
        return Numbers(settings, groups, transforms)

    def update(self, params: MutableMapping[str, Array], grads: Mapping[str, Array]) -> None:
        """Take one step, in place where the library can write to arrays.

        Elsewhere, as in JAX, a new array is bound to each name, and in all layers that had the old
        one. So a part of a net's parameters in a dict of one's own is trained on every library, and
        the others stay as they are. Parameters that a net has frozen stay as they are, if the net's
        ``params`` themselves are given; a dict of one's own knows nothing of that. PyTorch's
        parameters, which require gradients, are written to as under ``torch.no_grad()``.

        A parameter may be a Python number, such as those of the book's pictures of optimizers: it
        becomes another one, computed in float64, whatever the backend.

        Parameters
        ----------
        params : mapping of str to array or number
            Parameters by name, each an array of its own; changed.
        grads : mapping of str to array or number
            The gradient of each parameter, of its shape, by the same name. Others are ignored.

        Raises
        ------
        KeyError
            If a parameter has no gradient, or the state is that of another optimizer.
        ShapeError, DTypeError, BackendMismatchError
            If a gradient does not fit its parameter, or the state was of another shape.
        SettingError
            If a schedule returns what cannot be, a pattern matches nothing, or two parameters are
            one array. Neither a parameter nor the state has changed then, as after any error. After
            an interrupt all of them have, or none.

        Examples
        --------
        >>> import xpnet
        >>> params = {"x": -7.0, "y": 2.0}
        >>> xpnet.SGD(lr=0.5).update(params, {"x": -1.0, "y": 4.0})
        >>> params
        {'x': -6.5, 'y': 0.0}
        """
        self.plan(params, grads).carry_out()

    def plan(self, params: MutableMapping[str, Array], grads: Mapping[str, Array]) -> Tape:
        """Return what :meth:`update` does, with all computed that may fail, and nothing changed.

        Parameters and errors are those of :meth:`update`.
        """
        plan = Tape(is_plan=True, is_kept=False)
        before = trained(params)
        arrays, grads = numbers_lifted(before, grads)
        memories = self.memories(arrays, grads, self.state)
        settings, grads = self.prepared(params, arrays, grads, self.numbers(), self.steps)
        if arrays is before and self.works_in_place(arrays, grads):
            memories = {name: copied(memory) for name, memory in memories.items()}
            plan.record(self.note_steps, arrays, grads, memories, settings)
        else:
            after, memories = self._steps(arrays, grads, memories, settings)
            add_new_values(plan, params, before, after)
        plan.add(setattr, self, "state", {**self.state, **memories})
        plan.add(setattr, self, "steps", self.steps + 1)
        return plan

    def apply(
        self,
        params: Mapping[str, Array],
        grads: Mapping[str, Array],
        state: Mapping[str, Memory],
        settings: Mapping[str, Number | Array] | None = None,
        step: int | Array | None = None,
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
        step : int or array of shape (), optional
            The number of the step, for schedules and transforms; the optimizer's ``steps`` unless
            given. It may be traced if no schedule asks for it.

        Returns
        -------
        params : dict of str to array
        state : dict of str to dict
            Both of the names in ``params``.

        Raises
        ------
        KeyError, ShapeError, DTypeError, BackendMismatchError, SettingError
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
        step = self.steps if step is None else step
        numbers = self.numbers(step, settings or {})
        return self.applied(params, grads, state, numbers, step)

    def applied(
        self,
        params: Mapping[str, Array],
        grads: Mapping[str, Array],
        state: Mapping[str, Memory],
        numbers: Numbers,
        step: Any,
    ) -> tuple[dict[str, Array], State]:
        """Do what :meth:`apply` does, with all numbers given."""
        before = trained(params)
        arrays, grads = numbers_lifted(before, grads)
        memories = self.memories(arrays, grads, state)
        settings, grads = self.prepared(params, arrays, grads, numbers, step)
        after, memories = self._steps(arrays, grads, memories, settings)
        lifted = (name for name, param in before.items() if arrays[name] is not param)
        return after | {name: float(after[name]) for name in lifted}, memories

    def prepared(
        self,
        params: Mapping[str, Array],
        arrays: Mapping[str, Array],
        grads: Mapping[str, Array],
        numbers: Numbers,
        step: Any,
    ) -> tuple[Mapping[str, Mapping[str, Any]], Mapping[str, Array]]:
        """Return the settings of each parameter, and its gradient as the rule gets it.

        Parameters
        ----------
        params : mapping of str to array
            As in :meth:`update`.
        arrays, grads : mapping of str to array
            Those that are updated, and their gradients.
        numbers : Numbers
            Of this step.
        step : int or array of shape ()
            Its number.
        """
        if not (self._groups or self._transforms):
            return dict.fromkeys(arrays, numbers.settings), grads
        who, names = type(self).__name__, names_in(params, arrays, self.state)
        groups = {pattern: numbers.groups[pattern] for pattern in self._groups}
        settings = settings_by_name(who, names, numbers.settings, groups)
        if self._transforms:
            each = self._transforms, arrays, grads, step, numbers.transforms
            grads = transformed(who, *each, names)
        return settings, grads

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
        in_place = self.kernel is not None and all(map(is_writable, params.values()))
        return in_place and not would_change_gradients(params, grads)

    def note_steps(
        self,
        params: Mapping[str, Array],
        grads: Mapping[str, Array],
        memories: Mapping[str, Memory],
        settings: Mapping[str, Mapping[str, Any]],
    ) -> Noted:
        """Let a tape note what does :meth:`step` in the arrays themselves, for each parameter."""
        by_kernels, counts, tape = True, [], current_tape()
        for name, param in params.items():
            memory, grad, own = memories[name], grads[name], settings[name]
            counted = {"step": memory["step"] + 1} if "step" in memory else {}
            arrays = {**memory, **counted}
            if self.kernel is None or self.kernel(param, grad, **arrays, **own) is None:
                new, counted = self.step(param, grad, memory, own)
                call(setitem, detached(param), ..., new)
                by_kernels = False
            if counted:
                call(memory.update, counted)
                if tape is not None:
                    counts.append(tape.calls[-1])
        return Noted(by_kernels, counts)

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
        settings: Mapping[str, Mapping[str, Any]],
    ) -> tuple[dict[str, Array], State]:
        new_params, new_state = {}, {}
        for name, param in params.items():
            new_params[name], new_state[name] = self.step(
                param, grads[name], memories[name], settings[name]
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
        check_apart(who, params)
        check_gradients(who, params, grads)
        return {
            name: memory_beside(who, name, param, state[name], self.memory)
            if name in state
            else initial_memory(self.memory, param)
            for name, param in params.items()
        }


# What an update consists of, but for the rule of a subclass, which all ways of updating ask.
_UPDATE = ("applied", "apply", "memories", "note_steps", "numbers", "plan", "prepared", "update")

# Attributes that are no mode: numbers, and what changes in each step.
_APART = ("state", "steps", "_groups", "_transforms")


def has_plain_update(optimizer: Any) -> bool:
    """Whether an update is the pipeline and nothing more: somebody may do something else there."""
    if not isinstance(optimizer, Optimizer) or vars(optimizer).keys() & {*_UPDATE, "step"}:
        return False
    return all(getattr(type(optimizer), name) is getattr(Optimizer, name) for name in _UPDATE)


def mode_of_optimizer(optimizer: Optimizer) -> tuple[Any, ...]:
    """Return a key to the values on which a step may depend, and that are no numbers of it."""
    apart = {*optimizer._settings, *_APART}
    groups = tuple((pattern, *group) for pattern, group in optimizer._groups.items())
    transforms = tuple(map(key_of_transform, optimizer.transforms))
    own = tuple((n, key_of(value)) for n, value in vars(optimizer).items() if n not in apart)
    return groups, transforms, own
