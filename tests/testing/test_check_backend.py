"""``check_backend`` tabulates a whole library, and gives the reason of each failure."""

from __future__ import annotations

import re

import array_api_strict
import pytest

import xpnet
from xpnet.testing import check_backend
from xpnet.testing.catalog import CATALOG

FEW = [case for case in CATALOG if str(case) in ("sigmoid[x (5, 4)]", "relu[x (5, 4)]")]


def test_a_conforming_library_passes():
    with xpnet.use_backend("array_api_strict", device="device1") as backend:
        report = check_backend(backend, FEW)

    assert report
    assert report.working() == ["relu[x (5, 4)]", "sigmoid[x (5, 4)]"]
    assert "2 of 2 keep every contract" in str(report)


def test_a_wrong_function_is_found_and_its_ops_named(monkeypatch):
    monkeypatch.setattr(array_api_strict, "exp", lambda x: x + 1)
    with xpnet.use_backend("array_api_strict") as backend:
        report = check_backend(backend, FEW)

    assert not report
    assert report.working() == ["relu[x (5, 4)]"]
    text = str(report)
    assert "1 of 2 keep every contract" in text
    assert re.search(r"^sigmoid\[x \(5, 4\)\] .*FAIL", text, re.MULTILINE)


def test_a_missing_function_is_given_as_the_reason(monkeypatch):
    monkeypatch.delattr(array_api_strict, "sign")
    with xpnet.use_backend("array_api_strict") as backend:
        report = check_backend(backend, FEW)

    assert any("has no attribute 'sign'" in reason for reason in report.reasons())


@pytest.mark.parametrize("case", FEW, ids=str)
def test_a_reason_is_counted_once_for_each_check(case, monkeypatch):
    monkeypatch.setattr(type(case.subject.factory()), "forward", lambda *_: 1 / 0)
    with xpnet.use_backend("numpy") as backend:
        report = check_backend(backend, [case])

    assert set(report.reasons().values()) == {1}
    assert all(
        reason.endswith("ZeroDivisionError: division by zero") for reason in report.reasons()
    )
