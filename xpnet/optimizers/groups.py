"""Settings of an optimizer that count for some parameters alone."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, TypeAlias

from xpnet.errors import SettingError
from xpnet.optimizers.paths import Names, check_pattern, matched
from xpnet.optimizers.setting import Setting

__all__ = ["Groups", "checked_groups", "settings_by_name"]

Groups: TypeAlias = Mapping[str, Mapping[str, Any]]
"""Settings, by patterns of the names of parameters."""


def checked_groups(who: str, own: Mapping[str, Setting], groups: Any) -> dict[str, dict[str, Any]]:
    """Return groups with all numbers checked.

    Raises
    ------
    SettingError
        If something is no pattern, no setting, or a number that cannot be.
    """
    _check_mapping(who, "groups", groups, "{'*.b': {'lr': 0.1}}")
    found: dict[str, dict[str, Any]] = {}
    for pattern, settings in groups.items():
        check_pattern(f"{who}: groups", pattern)
        _check_mapping(who, f"groups[{pattern!r}]", settings, "{'lr': 0.1}")
        place = f"{who}: groups[{pattern!r}]"
        for name in settings:
            if name not in own:
                raise SettingError(_no_setting(place, name, own))
        found[pattern] = {name: own[name].checked(place, value) for name, value in settings.items()}
    return found


def settings_by_name(
    who: str,
    names: Names,
    base: Mapping[str, Any],
    groups: Mapping[str, Mapping[str, Any]],
) -> dict[str, Mapping[str, Any]]:
    """Return the settings of each parameter: those of all, and over them those of its groups.

    Where two groups have a parameter, both count; what both set is as the later one says.
    Parameters of the same groups have the same mapping.

    Raises
    ------
    SettingError
        If a group has no parameter.
    """
    members = {pattern: matched(f"{who}: groups", pattern, names) for pattern in groups}
    made: dict[tuple[str, ...], Mapping[str, Any]] = {(): base}
    found = {}
    for name in names:
        mine = tuple(pattern for pattern, having in members.items() if name in having)
        if mine not in made:
            merged = dict(base)
            for pattern in mine:
                merged |= groups[pattern]
            made[mine] = merged
        found[name] = made[mine]
    return found


def _check_mapping(who: str, name: str, value: Any, example: str) -> None:
    if not isinstance(value, Mapping):
        msg = f"{who}: {name} is {value!r}; it must be a mapping, such as {example}"
        raise SettingError(msg)


def _no_setting(place: str, name: Any, own: Mapping[str, Setting]) -> str:
    near = get_close_matches(str(name), own, n=1)
    hint = f"; do you mean {near[0]!r}?" if near else ""
    return f"{place}: there is no setting {name!r}, but {', '.join(own) or 'none'}{hint}"
