"""What a suite of checks found: one readable line for each fault, wherever it shows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from xpnet.testing.places import Place, described

__all__ = ["Finding", "Report", "Verdict"]

Verdict: TypeAlias = Literal["passed", "failed", "not run"]

_ORDER: tuple[Verdict, ...] = ("passed", "failed", "not run")
_NUMBER = re.compile(r"[-+]?\d[\d.]*(e[-+]?\d+)?|\b(nan|inf)\b")


@dataclass(frozen=True)
class Finding:
    """One check on one backend.

    Attributes
    ----------
    check : str
        What was asked.
    place : Place
        The library, device and dtype.
    verdict : str
        ``"passed"``, ``"failed"`` or ``"not run"``.
    sentence : str
        What was found, or why the check was not run.
    """

    check: str
    place: Place
    verdict: Verdict
    sentence: str = ""

    def __str__(self) -> str:
        text = f"{self.verdict:8} {self.check:24} {self.place}"
        return f"{text}: {self.sentence}" if self.sentence else text

    @property
    def kind(self) -> tuple[str, str]:
        """What findings of one fault on several backends have in common: all but the numbers."""
        return self.check, _NUMBER.sub("0", self.sentence)


@dataclass(frozen=True)
class Report:
    """All findings; true if none is a failure.

    Printed, it has a line for each fault that says on which backends and in which dtypes it
    shows, and names the checks to skip where they do not apply.

    Attributes
    ----------
    title : str
        What was checked.
    findings : tuple of Finding
        In the order in which they are told.
    skippable : tuple of str
        The checks that may be left out.

    Examples
    --------
    >>> from xpnet.testing.places import Place
    >>> from xpnet.testing.report import Finding, Report
    >>> here, there = Place("numpy", "cpu", "float32"), Place("jax", "cpu", "float32")
    >>> passed = [Finding("pickles", here, "passed"), Finding("any rank", there, "passed")]
    >>> failed = [Finding("any rank", here, "failed", "IndexError: 2")]
    >>> report = Report("ReLU", (*passed, *failed), skippable=("any rank",))
    >>> bool(report)
    False
    >>> print(report)
    ReLU: 1 passed, 1 failed
    failed   any rank                 numpy: IndexError: 2
    what does not apply is left out by skip=['any rank']
    """

    title: str
    findings: tuple[Finding, ...]
    skippable: tuple[str, ...] = ()

    @property
    def failures(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.verdict == "failed"]

    def __bool__(self) -> bool:
        return not self.failures

    def __str__(self) -> str:
        failed = list(dict.fromkeys(finding.check for finding in self.failures))
        to_skip = [check for check in failed if check in self.skippable]
        lines = [f"{self.title}: {self._summary()}", *self._lines()]
        if to_skip:
            lines.append(f"what does not apply is left out by skip={to_skip}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self)

    def _summary(self) -> str:
        """Count the checks: one that fails anywhere has failed, one that runs nowhere has not."""
        outcomes = list(self._outcomes().values())
        counts = [(outcomes.count(verdict), verdict) for verdict in _ORDER]
        return ", ".join(f"{n} {verdict}" for n, verdict in counts if n) or "nothing to check"

    def _outcomes(self) -> dict[str, Verdict]:
        verdicts: dict[str, set[Verdict]] = {}
        for finding in self.findings:
            verdicts.setdefault(finding.check, set()).add(finding.verdict)
        rank: tuple[Verdict, ...] = ("failed", "passed", "not run")
        return {check: min(found, key=rank.index) for check, found in verdicts.items()}

    def _lines(self) -> Iterator[str]:
        outcomes = self._outcomes()
        told = [
            finding
            for finding in self.findings
            if finding.verdict == "failed" or outcomes[finding.check] == "not run"
        ]
        for alike in _by_kind(told):
            first = alike[0]
            was_run = first.verdict == "failed"
            tried = [
                other.place
                for other in self.findings
                if other.check == first.check and was_run == (other.verdict != "not run")
            ]
            where = described([finding.place for finding in alike], tried)
            if len({finding.sentence for finding in alike}) > 1:
                where += f"; on {first.place}"
            yield f"{first.verdict:8} {first.check:24} {where}: {first.sentence}"


def _by_kind(findings: Iterable[Finding]) -> list[Sequence[Finding]]:
    kinds: dict[tuple[str, str], list[Finding]] = {}
    for finding in sorted(findings, key=lambda finding: _ORDER.index(finding.verdict)):
        kinds.setdefault(finding.kind, []).append(finding)
    return list(kinds.values())
