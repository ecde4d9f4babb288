"""Where checks run, and short words for many places at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from xpnet.backend import Backend
from xpnet.dtypes import dtype_name

__all__ = ["Place", "described"]


@dataclass(frozen=True)
class Place:
    """A library, a device and a dtype, by name."""

    library: str
    device: str
    dtype: str

    @classmethod
    def of(cls, backend: Backend) -> Self:
        return cls(backend.name, backend.device_name, dtype_name(backend.dtype))

    def __str__(self) -> str:
        return f"{self.library} on {self.device}, {self.dtype}"


def described(places: Iterable[Place], tried: Iterable[Place]) -> str:
    """Return words for some of the places that were tried.

    Dtypes are named where not all of a place's are meant, devices where not all of a library's.

    Examples
    --------
    >>> on_numpy = [Place("numpy", "cpu", "float32"), Place("numpy", "cpu", "float64")]
    >>> on_jax = [Place("jax", "cpu", "float32"), Place("jax", "cpu", "float64")]
    >>> described([*on_numpy, *on_jax], tried=[*on_numpy, *on_jax])
    'everywhere'
    >>> described(on_jax, tried=[*on_numpy, *on_jax])
    'jax'
    >>> described([on_numpy[0], on_jax[0]], tried=[*on_numpy, *on_jax])
    'float32 on numpy, jax'
    """
    found, known = _dtypes(places), _dtypes(tried)
    if found == known:
        return "everywhere"
    partly = {at: () if dtypes == known[at] else dtypes for at, dtypes in found.items()}
    names: dict[tuple[str, ...], list[str]] = {}
    for library, device in partly:
        dtypes = partly[library, device]
        siblings = [at for at in known if at[0] == library]
        alike = all(partly.get(at) == dtypes for at in siblings)
        name = library if alike else f"{library} on {device}"
        names.setdefault(dtypes, [])
        if name not in names[dtypes]:
            names[dtypes].append(name)
    return "; ".join(
        f"{', '.join(dtypes)} on {', '.join(some)}" if dtypes else ", ".join(some)
        for dtypes, some in names.items()
    )


def _dtypes(places: Iterable[Place]) -> dict[tuple[str, str], tuple[str, ...]]:
    found: dict[tuple[str, str], dict[str, None]] = {}
    for place in places:
        found.setdefault((place.library, place.device), {})[place.dtype] = None
    return {at: tuple(dtypes) for at, dtypes in found.items()}
