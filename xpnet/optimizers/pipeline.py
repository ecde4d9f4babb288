"""Gradients on their way through transforms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from xpnet._typing import Array
from xpnet.backends import adapter_of
from xpnet.errors import SettingError
from xpnet.layers.state import key_of
from xpnet.optimizers.gradients import check_gradients
from xpnet.optimizers.paths import Names
from xpnet.optimizers.transforms.transform import AnyTransform, Transform
from xpnet.quiet import quiet

__all__ = ["check_transforms", "key_of_transform", "transformed"]


def check_transforms(who: str, transforms: Any) -> tuple[AnyTransform, ...]:
    """Return transforms in their order.

    Raises
    ------
    SettingError
        If it is no sequence of them.
    """
    if isinstance(transforms, str) or callable(transforms) or not isinstance(transforms, Iterable):
        msg = f"{who}: transforms is {transforms!r}; it must be a list, such as [clip_norm(1.0)]"
        raise SettingError(msg)
    found = tuple(transforms)
    for number, each in enumerate(found):
        if isinstance(each, type) or not callable(each):
            what = f"the class {each.__name__}" if isinstance(each, type) else repr(each)
            msg = (
                f"{who}: transforms[{number}] is {what}; it must be made, such as clip_norm(1.0), "
                "or a function of gradients, parameters and the number of the step"
            )
            raise SettingError(msg)
    return found


@quiet
def transformed(
    who: str,
    transforms: Sequence[AnyTransform],
    params: Mapping[str, Array],
    grads: Mapping[str, Array],
    step: Any,
    numbers: Sequence[Mapping[str, Any]],
    names: Names,
) -> dict[str, Array]:
    """Return what transforms make of the gradients of parameters, one after the other.

    Raises
    ------
    SettingError
        If a transform returns something else than gradients, or a pattern matches nothing.
    KeyError, ShapeError, DTypeError, BackendMismatchError
        If a transform of one's own returns gradients that do not fit.
    """
    values = {name: adapter_of(param).plain(param) for name, param in params.items()}
    found = {name: adapter_of(grads[name]).plain(grads[name]) for name in params}
    for number, (each, settings) in enumerate(zip(transforms, numbers, strict=True)):
        if isinstance(each, Transform):
            found = each.applied(found, values, step, settings, names)
        else:
            place = f"{who}: transforms[{number}] ({getattr(each, '__name__', each)})"
            found = _checked(place, each(dict(found), dict(values), step), values)
    return found


def _checked(who: str, grads: Any, params: Mapping[str, Array]) -> dict[str, Array]:
    if not isinstance(grads, Mapping):
        msg = f"{who} returned {type(grads).__name__}; it must return the gradients by their names"
        raise SettingError(msg)
    check_gradients(who, params, grads)
    return {name: grads[name] for name in params}


def key_of_transform(transform: AnyTransform) -> Any:
    """Return a key to all of a transform but its settings, which a compiled step takes as numbers.

    What a function of one's own has in its closure is seen by nobody.
    """
    attributes = getattr(transform, "__dict__", {})
    if not isinstance(transform, Transform):
        return key_of(transform), key_of(attributes)
    own = transform._settings
    return type(transform), tuple((n, key_of(v)) for n, v in attributes.items() if n not in own)
