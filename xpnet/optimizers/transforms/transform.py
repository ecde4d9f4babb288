"""What all transforms of gradients have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from xpnet._typing import Array, Namespace, Number
from xpnet.errors import SettingError
from xpnet.numerics.precision import widened
from xpnet.optimizers.paths import check_pattern, matched
from xpnet.optimizers.setting import Settable
from xpnet.quiet import quiet

__all__ = ["AnyTransform", "Gradients", "Transform", "Transforms", "as_number"]

Gradients: TypeAlias = dict[str, Array]
"""Gradients by the names of their parameters."""

AnyTransform: TypeAlias = Callable[[Gradients, Mapping[str, Array], Any], Mapping[str, Array]]
"""Takes gradients, parameters and the number of the step; returns the gradients to go on with."""

Transforms: TypeAlias = Iterable[AnyTransform]
"""In the order in which gradients go through them."""


class Transform(Settable):
    """Changes gradients on their way to the rule of an optimizer.

    A function of one's own does, too: it takes the gradients, the parameters and the number of the
    step, and returns new gradients, of the same names, shapes and dtypes. It must be pure: change
    none of its arguments, and remember nothing. A subclass of this class has settings besides,
    which may be schedules and changed between steps, also where steps are compiled.

    Parameters
    ----------
    only : str or sequence of str, optional
        Patterns of the names of parameters, as in ``groups`` of an :class:`xpnet.Optimizer`: the
        others' gradients stay as they are. One that matches nothing is an error.

    Examples
    --------
    >>> import xpnet
    >>> def halved(grads, params, step):
    ...     return {name: grad / 2 for name, grad in grads.items()}
    >>> params = {"W": 1.0}
    >>> xpnet.SGD(lr=0.5, transforms=[halved]).update(params, {"W": 1.0})
    >>> params
    {'W': 0.75}
    """

    def __init__(self, *, only: str | Iterable[str] | None = None) -> None:
        self.only = None if only is None else _patterns(type(self).__name__, only)

    @quiet
    def __call__(self, grads: Gradients, params: Mapping[str, Array], step: Any) -> Gradients:
        names = {name: (name,) for name in params}
        return self.applied(grads, params, step, self.settings_at(step), names)

    def applied(
        self,
        grads: Gradients,
        params: Mapping[str, Array],
        step: Any,
        settings: Mapping[str, Any],
        names: Mapping[str, tuple[str, ...]],
    ) -> Gradients:
        """Return the gradients, those changed that are meant."""
        if self.only is None:
            return self.transformed(grads, params, step, settings)
        meant: set[str] = set()
        for pattern in self.only:
            meant |= matched(f"{type(self).__name__}: only", pattern, names)
        mine = {name: grad for name, grad in grads.items() if name in meant}
        return grads | self.transformed(mine, params, step, settings)

    def transformed(
        self,
        grads: Gradients,
        params: Mapping[str, Array],
        step: Any,
        settings: Mapping[str, Any],
    ) -> Gradients:
        """Return new gradients, and change none; what a subclass says.

        Parameters
        ----------
        grads : dict of str to array
            Those that are meant; perhaps none.
        params : mapping of str to array
            All that are updated.
        step : int or array of shape ()
            The number of the step, counted from 0; in a compiled step it may be traced.
        settings : mapping of str to number
            By the names of the settings; in a compiled step they may be traced.
        """
        raise NotImplementedError

    def _others(self) -> list[str]:
        if self.only is None:
            return []
        return [f"only={self.only[0]!r}" if len(self.only) == 1 else f"only={self.only!r}"]


def _patterns(who: str, only: Any) -> tuple[str, ...]:
    patterns = (only,) if isinstance(only, str) else only
    if not isinstance(patterns, Iterable) or not (patterns := tuple(patterns)):
        msg = f"{who}: only is {only!r}; it must be a pattern such as '*.W', or several"
        raise SettingError(msg)
    return tuple(check_pattern(f"{who}: only", pattern) for pattern in patterns)


def as_number(xp: Namespace, number: Number | Array, like: Array) -> Any:
    """Return a number that leaves arrays beside it their dtype; an array gets that of ``like``."""
    if not hasattr(number, "dtype"):
        return number
    (like,) = widened(xp, like)
    return xp.astype(number, like.dtype)
