"""A report has one line for each fault, wherever it shows."""

from __future__ import annotations

import re

import numpy as np
import pytest

import xpnet
from xpnet.testing import CHECKS, check_layer
from xpnet.testing.places import Place, described
from xpnet.testing.report import Finding, Report

X = np.asarray([[-1.0, 2.0, 0.5], [3.0, -4.0, 1.5]])


class ThreeFaults(xpnet.Sigmoid):
    def forward(self, x):
        if x.ndim == 3:
            raise IndexError
        return super().forward(x)

    def backward(self, dout):
        dx = super().backward(dout) * 1.01
        if dout.shape[0] == 0:
            raise ZeroDivisionError
        return dx


def test_three_faults_are_three_lines_and_the_names_to_skip():
    report = check_layer(ThreeFaults, X, backends=["numpy", "array_api_strict"])

    head, *lines, last = str(report).splitlines()
    assert head == f"ThreeFaults: {len(CHECKS) - 4} passed, 3 failed, 1 not run"
    found = {line[9:33].strip(): line[34:].partition(":")[0] for line in lines}
    assert (
        found
        == {
            "right gradients": "everywhere; on numpy on cpu, float64",
            "empty batch": "everywhere",
            "any rank": "everywhere",
            "same under jit": "everywhere",
        }
        | found
    )
    names = ["right gradients", "empty batch", "any rank"]
    assert last == f"what does not apply is left out by skip={names}"
    assert check_layer(ThreeFaults, X, backends="numpy", skip=names)


def test_what_does_not_run_is_one_finding_and_not_one_for_every_check():
    report = check_layer(lambda: object(), X, backends=["numpy", "array_api_strict"])

    assert [re.sub(" +", " ", line) for line in str(report).splitlines()] == [
        "object: 1 failed, 1 not run",
        "failed runs everywhere: object lacks forward, backward, params, grads",
        "not run all others everywhere: the layer does not run there",
    ]


def at(library, *dtypes, device="cpu"):
    return [Place(library, device, dtype) for dtype in dtypes]


NUMPY, TORCH = at("numpy", "float16", "float32"), at("torch", "float32", "float64")
STRICT = [at("strict", "float32", "float64", device=device) for device in ("one", "two")]
ALL = [*NUMPY, *TORCH, *STRICT[0], *STRICT[1]]


@pytest.mark.parametrize(
    ("places", "words"),
    [
        (ALL, "everywhere"),
        ([*NUMPY, *TORCH], "numpy, torch"),
        ([NUMPY[1], TORCH[0]], "float32 on numpy, torch"),
        ([*NUMPY, TORCH[0]], "numpy; float32 on torch"),
        (STRICT[0], "strict on one"),
        ([STRICT[0][0], STRICT[1][0]], "float32 on strict"),
        ([STRICT[0][0], STRICT[1][1]], "float32 on strict on one; float64 on strict on two"),
    ],
)
def test_places_are_told_in_few_words(places, words):
    assert described(places, ALL) == words


def test_findings_that_differ_in_numbers_alone_are_one_and_in_words_are_two():
    sentences = ["off by 1e-3", "off by 2.5e-7", "off by inf", "another fault"]
    places = [*NUMPY, *TORCH]
    findings = [
        Finding("runs", place, "failed", sentence)
        for place, sentence in zip(places, sentences, strict=True)
    ]

    lines = str(Report("Layer", tuple(findings))).splitlines()[1:]

    assert len(lines) == 2
    assert lines[0].endswith("numpy; float32 on torch; on numpy on cpu, float16: off by 1e-3")
    assert lines[1].endswith("float64 on torch: another fault")


def test_a_check_that_runs_somewhere_is_not_told_as_not_run():
    findings = (
        Finding("pickles", NUMPY[0], "passed"),
        Finding("pickles", NUMPY[1], "not run", "why"),
        Finding("any rank", NUMPY[0], "not run", "because"),
    )

    assert str(Report("Layer", findings)).splitlines() == [
        "Layer: 1 passed, 1 not run",
        "not run  any rank                 everywhere: because",
    ]
