"""Numbers that an optimizer can be set to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["Setting"]


class Setting:
    """A number of an optimizer, which is checked whenever it is set.

    Parameters
    ----------
    check : callable
        Takes the name of the class, and the number by its name; raises an error if it is wrong.

    Examples
    --------
    >>> import xpnet
    >>> optimizer = xpnet.SGD(lr=0.1)
    >>> optimizer.lr = 0.01
    >>> optimizer.lr = -1
    Traceback (most recent call last):
    ...
    ValueError: SGD: lr is -1; it must be a finite number and not negative
    """

    def __init__(self, check: Callable[..., None]) -> None:
        self._check = check

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, optimizer: object | None, owner: type | None = None) -> Any:
        return self if optimizer is None else optimizer.__dict__[self._name]

    def __set__(self, optimizer: object, number: Any) -> None:
        self._check(type(optimizer).__name__, **{self._name: number})
        # A np.float64 would widen arrays of float32.
        optimizer.__dict__[self._name] = float(number)
