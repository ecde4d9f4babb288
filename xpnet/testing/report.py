"""What a suite of checks found, one readable sentence a finding."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal

__all__ = ["Finding", "Report", "Verdict"]

Verdict = Literal["passed", "failed", "not run"]


@dataclass(frozen=True)
class Finding:
    """One check on one backend.

    Attributes
    ----------
    check : str
        What was asked.
    where : str
        The backend, device and dtype.
    verdict : str
        ``"passed"``, ``"failed"`` or ``"not run"``.
    sentence : str
        What was found, or why the check was not run.
    """

    check: str
    where: str
    verdict: Verdict
    sentence: str = ""

    def __str__(self) -> str:
        text = f"{self.verdict:8} {self.check:24} {self.where}"
        return f"{text}: {self.sentence}" if self.sentence else text


@dataclass(frozen=True)
class Report:
    """All findings; true if none is a failure.

    Attributes
    ----------
    title : str
        What was checked.
    findings : tuple of Finding
        In the order of the checks.

    Examples
    --------
    >>> from xpnet.testing.report import Finding, Report
    >>> report = Report("ReLU", (Finding("empty batch", "numpy on cpu, float32", "passed"),))
    >>> bool(report)
    True
    >>> print(report)
    ReLU: 1 passed
    """

    title: str
    findings: tuple[Finding, ...]

    @property
    def failures(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.verdict == "failed"]

    def __bool__(self) -> bool:
        return not self.failures

    def __str__(self) -> str:
        counts = Counter(finding.verdict for finding in self.findings)
        order: tuple[Verdict, ...] = ("passed", "failed", "not run")
        summary = ", ".join(f"{counts[verdict]} {verdict}" for verdict in order if counts[verdict])
        skipped = Counter((f.check, f.sentence) for f in self.findings if f.verdict == "not run")
        lines = [str(failure) for failure in self.failures]
        lines += [f"not run  {check:24} {n} x {why}" for (check, why), n in skipped.items()]
        return "\n".join([f"{self.title}: {summary or 'nothing to check'}", *lines])

    def __repr__(self) -> str:
        return str(self)
