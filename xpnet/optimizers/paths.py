"""Which parameters a pattern of paths names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, TypeAlias

from xpnet._typing import Array
from xpnet.errors import SettingError

__all__ = ["Names", "check_pattern", "matched", "names_in"]

Names: TypeAlias = Mapping[str, tuple[str, ...]]
"""All names of each parameter, by the one that it has among the others."""


def names_in(params: Mapping[str, Array], names: Iterable[str], remembered: Iterable[str]) -> Names:
    """Return all names of parameters, of those too that are not updated now.

    Parameters
    ----------
    params : mapping of str to array
        A net's know other names: their paths, where they are called as in the book, and the paths
        of all layers that share one.
    names : iterable of str
        Of those that are updated.
    remembered : iterable of str
        Of those that were updated before.
    """
    known = {name: (name,) for name in (*remembered, *names)}
    all_names = getattr(params, "all_names", None)
    return known if all_names is None else known | all_names()


def matched(who: str, pattern: str, names: Names) -> set[str]:
    """Return the parameters that have a name which a pattern matches.

    Raises
    ------
    SettingError
        If there is none.
    """
    found = {name for name, all_names in names.items() if _matches(pattern, all_names)}
    if not found:
        every = [*dict.fromkeys(n for all_names in names.values() for n in all_names)]
        near = get_close_matches(pattern, every, n=1)
        msg = (
            f"{who}: no parameter has a name like {pattern!r}; there are "
            f"{', '.join(every) or 'none'}{f'; do you mean {near[0]!r}?' if near else ''}"
        )
        raise SettingError(msg)
    return found


@lru_cache(maxsize=4096)  # each step asks again
def _matches(pattern: str, names: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for name in names)


def check_pattern(who: str, pattern: Any) -> str:
    """Return a pattern.

    Raises
    ------
    SettingError
        If it is no text.
    """
    if not isinstance(pattern, str):
        msg = f"{who}: the pattern {pattern!r} is no text; it must be such as '*.b'"
        raise SettingError(msg)
    return pattern
