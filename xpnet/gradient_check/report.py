"""What a gradient check found: a verdict an array, and a table of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np

__all__ = ["GradientReport", "Judgement", "Verdict", "WrongEntry"]

Judgement: TypeAlias = Literal[
    "right",
    "kink",
    "not returned",
    "wrong",
    "unclear",
    "shape",
    "missing",
    "not finite",
    "changed",
    "random",
    "stale",
]

_JUDGED: tuple[Judgement, ...] = ("right", "kink")
_HARMLESS: tuple[Judgement, ...] = (*_JUDGED, "not returned")
_ENTRIES_SHOWN = 5
_COLUMNS = ("", "verdict", "analytic", "numeric", "error", "allowed", "seed")


@dataclass(frozen=True)
class WrongEntry:
    """An entry of a gradient that is not the derivative.

    Attributes
    ----------
    index : tuple of int
        Where it is.
    analytic, numeric : float
        What backward says, and what the differences say.
    """

    index: tuple[int, ...]
    analytic: float
    numeric: float

    def __str__(self) -> str:
        return f"{list(self.index)}: {self.analytic:.6g} instead of {self.numeric:.6g}"


@dataclass(frozen=True)
class Verdict:
    """What was found about one array.

    Attributes
    ----------
    name : str
        Of the input, as ``forward`` calls it, or of the parameter.
    judgement : str
        ``"right"``; ``"kink"``, if there is no derivative here but backward is right beside it;
        ``"not returned"``, if backward returns no gradient for an input, such as labels.
        All others are faults. ``"wrong"``: not the derivative. ``"unclear"``: no derivative, here
        or nearby. ``"shape"``: not the array's. ``"missing"``: no gradient. ``"not finite"``: NaN
        or inf. ``"changed"``: an argument was written to. ``"random"``: two forwards differ.
        ``"stale"``: the result depends on an earlier call.
    analytic, numeric : float
        The derivative along the direction by backward and by differences; in full mode that by
        the entry that is furthest off. NaN where it did not come to numbers.
    tolerance : float
        How far apart they may be.
    seed : tuple of int
        The check's, and the number of the array; the direction follows from both.
    direction, dout : numpy.ndarray or None
        What the numbers belong to.
    wrong_entries : tuple of WrongEntry
        In full mode, all of them.
    note : str
        A sentence, or nothing.
    """

    name: str
    judgement: Judgement
    analytic: float = float("nan")
    numeric: float = float("nan")
    tolerance: float = float("nan")
    seed: tuple[int, ...] = ()
    direction: np.ndarray[Any, Any] | None = field(default=None, repr=False, compare=False)
    dout: np.ndarray[Any, Any] | None = field(default=None, repr=False, compare=False)
    wrong_entries: tuple[WrongEntry, ...] = ()
    note: str = ""

    def __bool__(self) -> bool:
        return self.judgement in _HARMLESS

    @property
    def error(self) -> float:
        """The distance of the two derivatives relative to the larger one."""
        return abs(self.analytic - self.numeric) / self._size

    @property
    def allowed(self) -> float:
        """The tolerance on the scale of ``error``."""
        return self.tolerance / self._size

    @property
    def _size(self) -> float:
        return max(abs(self.analytic), abs(self.numeric)) or 1.0

    def _cells(self) -> tuple[str, ...]:
        if np.isnan(self.numeric):
            return self.name, self.judgement, "", "", "", "", ""
        return (
            self.name,
            self.judgement,
            f"{self.analytic:.6g}",
            f"{self.numeric:.6g}",
            f"{self.error:.1e}",
            f"{self.allowed:.1e}",
            str(self.seed),
        )

    def _notes(self) -> list[str]:
        notes = [f"{self.name}: {self.note}"] if self.note else []
        if self.wrong_entries:
            notes.append(f"{self.name}: {len(self.wrong_entries)} entries are wrong")
            notes += [f"  {self.name}{entry}" for entry in self.wrong_entries[:_ENTRIES_SHOWN]]
        return notes


@dataclass(frozen=True)
class GradientReport:
    """All verdicts of a check; true if something was judged and nothing is a fault.

    Attributes
    ----------
    title : str
        What was checked.
    mode : str
        ``"directional"`` or ``"full"``.
    seed : int
        All random numbers come from it.
    verdicts : tuple of Verdict
        Inputs, then parameters, then what was found about the calls themselves.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> from xpnet.gradient_check import check_gradients
    >>> report = check_gradients(xpnet.ReLU(), np.asarray([-1.0, 2.0]))
    >>> bool(report), report["x"].judgement, report["x"].error < 1e-8
    (True, 'right', True)
    """

    title: str
    mode: str
    seed: int
    verdicts: tuple[Verdict, ...]

    def __bool__(self) -> bool:
        return not self.faults and any(v.judgement in _JUDGED for v in self.verdicts)

    def __getitem__(self, name: str) -> Verdict:
        """Return the first verdict about a name."""
        for verdict in self.verdicts:
            if verdict.name == name:
                return verdict
        raise KeyError(name)

    @property
    def faults(self) -> tuple[Verdict, ...]:
        """The verdicts that accuse."""
        return tuple(verdict for verdict in self.verdicts if not verdict)

    def __str__(self) -> str:
        summary = "right" if self else "wrong" if self.faults else "nothing was judged"
        rows = [_COLUMNS, *(verdict._cells() for verdict in self.verdicts)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        table = (
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        )
        notes = (note for verdict in self.verdicts for note in verdict._notes())
        return "\n".join(
            [f"{self.title}, {self.mode}, seed={self.seed}: {summary}", *table, *notes]
        )

    def __repr__(self) -> str:
        return str(self)
