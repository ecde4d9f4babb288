"""What an update asks of gradients."""

from __future__ import annotations

from collections.abc import Mapping

from xpnet._typing import Array
from xpnet.checks import check_floats, check_same_shape, namespace_of_alike
from xpnet.errors import SettingError

__all__ = ["check_apart", "check_gradients"]


def check_gradients(who: str, params: Mapping[str, Array], grads: Mapping[str, Array]) -> None:
    """Make sure that each parameter has a gradient that fits.

    Raises
    ------
    KeyError
        If there is none.
    ShapeError, DTypeError, BackendMismatchError
        If it does not fit.
    """
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


def check_apart(who: str, params: Mapping[str, Array]) -> None:
    """Make sure that no array is two parameters: some libraries would add up both their steps.

    Raises
    ------
    SettingError
        If one is.
    """
    if len({*map(id, params.values())}) == len(params):
        return
    names: dict[int, str] = {}
    for name, param in params.items():
        other = names.setdefault(id(param), name)
        if other != name:
            msg = (
                f"{who}: params[{other!r}] and params[{name!r}] are one array; give it once, with "
                "the sum of its gradients"
            )
            raise SettingError(msg)
