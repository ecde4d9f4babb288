"""``check_backend``: what an array library can do, op by op and contract by contract."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from xpnet.backend import Backend
from xpnet.testing.catalog import CATALOG, Case
from xpnet.testing.checks import CHECKS
from xpnet.testing.layer import run_check
from xpnet.testing.report import Finding

__all__ = ["BackendReport", "check_backend"]

_MARKS = {"passed": "ok", "failed": "FAIL", "not run": "-"}


@dataclass(frozen=True)
class BackendReport:
    """What each op and layer does on one backend; true if every contract is kept.

    Attributes
    ----------
    backend : Backend
        Where.
    findings : dict of (str, str) to Finding
        By case and check; the first breach where there are several.
    """

    backend: Backend
    findings: dict[tuple[str, str], Finding]

    def __bool__(self) -> bool:
        return not any(finding.verdict == "failed" for finding in self.findings.values())

    def working(self) -> list[str]:
        """Return the cases that keep all contracts."""
        failed = {case for (case, _), found in self.findings.items() if found.verdict == "failed"}
        return [
            case for case in dict.fromkeys(case for case, _ in self.findings) if case not in failed
        ]

    def reasons(self) -> Counter[str]:
        """Return why checks failed, each reason with how often it was met."""
        failed = (found for found in self.findings.values() if found.verdict == "failed")
        return Counter(f"{found.check}: {found.sentence}" for found in failed)

    def __str__(self) -> str:
        cases = list(dict.fromkeys(case for case, _ in self.findings))
        width = max(map(len, cases))
        lines = [f"{self.backend}: {len(self.working())} of {len(cases)} keep every contract", ""]
        columns = [str(number) for number, _ in enumerate(CHECKS, start=1)]
        lines += [f"  {number:>2}  {check}" for number, check in zip(columns, CHECKS, strict=True)]
        lines += ["", f"{'':{width}}" + "".join(f"{number:>6}" for number in columns)]
        for case in cases:
            marks = (self.findings.get((case, check)) for check in CHECKS)
            cells = "".join(f"{_MARKS[found.verdict] if found else '':>6}" for found in marks)
            lines.append(f"{case:{width}}{cells}")
        if not self:
            lines += ["", "why checks failed:"]
            lines += [f"  {count:>3} x {reason}" for reason, count in self.reasons().most_common()]
        return "\n".join(lines)


def check_backend(backend: Backend, cases: Sequence[Case] = CATALOG) -> BackendReport:
    """Hold an array library against every contract, with every op and layer of xpnet.

    Parameters
    ----------
    backend : Backend
        As ``set_backend`` returns it, or ``use_backend`` yields it.
    cases : sequence of Case
        The whole catalog unless given.

    Returns
    -------
    BackendReport
        Printed, a table of ops and contracts, and the reasons of what fails.

    Examples
    --------
    >>> import xpnet
    >>> from xpnet.testing import check_backend
    >>> with xpnet.use_backend("numpy") as backend:
    ...     report = check_backend(backend)
    >>> bool(report)
    True
    """
    findings = {
        (str(case), name): run_check(name, check, case.subject, backend)[0]
        for case in cases
        for name, check in CHECKS.items()
        if name not in case.skip
    }
    return BackendReport(backend, findings)
