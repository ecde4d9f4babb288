"""Numbers that can be set: of an optimizer, of a transform."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from numbers import Integral
from types import MappingProxyType
from typing import Any, ClassVar

from xpnet.errors import SettingError

__all__ = ["Settable", "Setting"]


_NONE: Mapping[str, Any] = MappingProxyType({})


class Setting:
    """A number that is checked whenever it is set, or a schedule, each of whose numbers is.

    Parameters
    ----------
    check : callable
        Takes the name of the class, and the number by its name; raises ValueError if it is wrong.

    Examples
    --------
    >>> import xpnet
    >>> optimizer = xpnet.SGD(lr=0.1)
    >>> optimizer.lr = xpnet.StepDecay(0.01, every=1000)
    >>> optimizer.lr = -1
    Traceback (most recent call last):
    ...
    xpnet.errors.SettingError: SGD: lr is -1; it must be a finite number and not negative
    """

    def __init__(self, check: Callable[..., None]) -> None:
        self._check = check

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, owner: object | None, kind: type | None = None) -> Any:
        return self if owner is None else owner.__dict__[self._name]

    def __set__(self, owner: object, value: Any) -> None:
        owner.__dict__[self._name] = self.checked(type(owner).__name__, value)

    def checked(self, who: str, value: Any) -> Any:
        """Return a number as a float, and a schedule as it is.

        Raises
        ------
        SettingError
            If it is neither, or a number that cannot be.
        """
        if isinstance(value, type):
            msg = (
                f"{who}: {self._name} is the class {value.__name__}; it must be a number, or a "
                f"schedule that is made: {value.__name__}(...)"
            )
            raise SettingError(msg)
        return value if callable(value) else self._number(who, value)

    def at(self, who: str, value: Any, step: Any) -> float:
        """Return the number at a step.

        Raises
        ------
        SettingError
            If a schedule returns what cannot be, or the step has no value yet.
        """
        if not callable(value):
            return self._number(who, value)
        if not isinstance(step, Integral):
            msg = (
                f"{who}: {self._name} is the schedule {_shown(value)}, and the step is traced, so "
                "that its number is not known; give the function the numbers as an argument, "
                "settings=optimizer.settings"
            )
            raise SettingError(msg)
        return self._number(who, value(int(step)), f"; {_shown(value)} returned it for step {step}")

    def _number(self, who: str, number: Any, says_who: str = "") -> float:
        try:
            self._check(who, **{self._name: number})
        except ValueError as error:
            msg = f"{error}{says_who}"
            raise SettingError(msg) from None
        # A np.float64 would widen arrays of float32.
        return float(number)


def _shown(schedule: Any) -> str:
    """Return the name of a function, whose text has an address, and the text of all others."""
    return str(getattr(schedule, "__name__", schedule))


class Settable:
    """Has settings."""

    _settings: ClassVar[dict[str, Setting]] = {}

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        found = {name: getattr(cls, name, None) for name in dir(cls)}
        cls._settings = {name: each for name, each in found.items() if isinstance(each, Setting)}

    def __repr__(self) -> str:
        given = [f"{name}={value}" for name, value in vars(self).items() if name in self._settings]
        return f"{type(self).__name__}({', '.join([*given, *self._others()])})"

    def _others(self) -> list[str]:
        """Return what else was given, for the text in which an object shows itself."""
        return []

    def settings_at(self, step: Any, given: Mapping[str, Any] = _NONE) -> dict[str, Any]:
        """Return all numbers at a step, by name.

        Parameters
        ----------
        step : int
            Counted from 0.
        given : mapping of str to number
            In place of some settings, and perhaps others.

        Raises
        ------
        SettingError
            If a schedule returns what cannot be.
        """
        own = self._settings
        found = {name: value for name, value in vars(self).items() if name in own}
        for name, value in found.items():
            if type(value) is not float and name not in given:  # few are none
                found[name] = own[name].at(type(self).__name__, value, step)
        return {**found, **given} if given else found
