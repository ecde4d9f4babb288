"""Every contract, for every op and layer, on every backend, device and dtype."""

from __future__ import annotations

import pytest

from xpnet.testing import CHECKS, run_check
from xpnet.testing.catalog import CATALOG

CASES = [
    pytest.param(case, check, id=f"{check}-{case}")
    for case in CATALOG
    for check in CHECKS
    if check not in case.skip
]


@pytest.mark.parametrize(("case", "check"), CASES)
def test_contract(case, check, xpnet_backend):
    findings = run_check(check, CHECKS[check], case.subject, xpnet_backend)

    if findings[0].verdict == "not run":
        pytest.skip(findings[0].sentence)
    assert [str(finding) for finding in findings if finding.verdict == "failed"] == []
