"""All numbers of an update: what a compiled step takes as arguments."""

from __future__ import annotations

from typing import Any, NamedTuple

__all__ = ["Numbers"]


class Numbers(NamedTuple):
    """The numbers that count in one step; equal where they are.

    Attributes
    ----------
    settings : dict of str to number
        For all parameters.
    groups : dict of str to dict
        Of each group, by its pattern.
    transforms : list of dict
        Of each transform; empty for a function of one's own.
    """

    settings: dict[str, Any]
    groups: dict[str, dict[str, Any]]
    transforms: list[dict[str, Any]]
