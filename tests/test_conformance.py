"""Every contract, for every op and layer, on every backend, device and dtype where it may break."""

from __future__ import annotations

import pytest

from xpnet.dtypes import dtype_name
from xpnet.testing import CHECKS, backends_to_test, run_check
from xpnet.testing.catalog import CATALOG
from xpnet.testing.limits import reason_not_to_run

# What judges numbers and dtypes, or shapes for which some ops have code of their own. All else is
# the same in every dtype, and looked at in float32.
IN_EVERY_DTYPE = {
    "runs",
    "same as float64",
    "right gradients",
    "home kept",
    "empty batch",
    "any rank",
    "same under jit",
}


def may_tell(check, backend):
    """Whether a check on this backend may find what it finds on no other."""
    if reason_not_to_run(check, backend):
        return False
    return dtype_name(backend.dtype) == "float32" or check in IN_EVERY_DTYPE


def pytest_generate_tests(metafunc):
    if "case" in metafunc.fixturenames:
        option = metafunc.config.getoption("--xpnet-backends")
        backends = backends_to_test(option and option.split(","))
        metafunc.parametrize(("case", "check", "backend"), list(products(backends)))


def products(backends):
    for case in CATALOG:
        for check in CHECKS:
            for backend in backends:
                if check not in case.skip and may_tell(check, backend):
                    where = f"{backend.name}-{backend.device_name}-{dtype_name(backend.dtype)}"
                    yield pytest.param(case, check, backend, id=f"{check}-{case}-{where}")


def test_contract(case, check, backend):
    findings = run_check(check, CHECKS[check], case.subject, backend)

    # A check that was not run has proved nothing: the case must say that it skips it.
    assert [str(finding) for finding in findings if finding.verdict != "passed"] == []


def test_no_check_is_left_out_everywhere():
    made = {
        check
        for check in CHECKS
        for backend in backends_to_test(["numpy", "array_api_strict"])
        if may_tell(check, backend)
    }

    assert set(CHECKS) - made == {"same under jit"}  # which JAX alone has
