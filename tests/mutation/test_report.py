"""The page on mutation testing tells the score of each file and why survivors may live."""

from __future__ import annotations

import tomllib

import pytest
from mutation.report import (
    REASONS,
    UNKNOWN,
    Survivor,
    mutants_in,
    page,
    reasons_in,
    score,
    survivor_in,
)

RESULTS = """
    xpnet.ops.relu.x_relu__mutmut_1: killed
    xpnet.ops.relu.x_relu__mutmut_2: timeout
    xpnet.ops.relu.x__mask__mutmut_10: survived
    xpnet.layers.relu.xǁReLUǁ__init____mutmut_3: segfault
    xpnet.layers.relu.xǁReLUǁforward__mutmut_4: no tests
"""
SHOWN = """# xpnet.ops.relu.x__mask__mutmut_10: survived
--- xpnet/ops/relu.py
+++ xpnet/ops/relu.py
@@ -1,3 +1,3 @@
 def _mask(x):
-    return x > 0
+    return x >= 0
"""
SURVIVOR = Survivor("xpnet/ops/relu.py: _mask", "return x > 0", "return x >= 0")


def test_names_and_states_are_read():
    mutants = mutants_in(RESULTS)

    assert [(mutant.file, mutant.function) for mutant in mutants] == [
        ("xpnet/ops/relu.py", "relu"),
        ("xpnet/ops/relu.py", "relu"),
        ("xpnet/ops/relu.py", "_mask"),
        ("xpnet/layers/relu.py", "ReLU.__init__"),
        ("xpnet/layers/relu.py", "ReLU.forward"),
    ]
    assert score(mutants) == pytest.approx(3 / 5)  # a mutant that no test reaches is alive


def test_a_change_is_read():
    assert survivor_in(mutants_in(RESULTS)[2], SHOWN) == SURVIVOR


def test_the_page_has_the_score_of_each_file_and_the_survivors_by_reason():
    other = Survivor("xpnet/layers/relu.py: ReLU.forward", "y = 1", "y = 2")
    reasons = {(SURVIVOR.function, SURVIVOR.after): "At 0 both are 0."}

    lines = page(mutants_in(RESULTS), [SURVIVOR, other], reasons, "one day.").splitlines()

    assert "one day." in lines
    assert "| xpnet/layers/relu.py | 2 | 1 | 50.0% |" in lines
    assert "| xpnet/ops/relu.py | 3 | 2 | 66.7% |" in lines
    assert "| **all** | 5 | 3 | 60.0% |" in lines
    known, unknown = lines.index("At 0 both are 0."), lines.index(UNKNOWN)
    assert lines[known + 2] == "- xpnet/ops/relu.py: _mask: `return x > 0` → `return x >= 0`"
    assert lines[unknown + 2] == "- xpnet/layers/relu.py: ReLU.forward: `y = 1` → `y = 2`"


def test_every_reason_can_be_read_and_belongs_to_one_change():
    text = REASONS.read_text(encoding="utf-8")
    listed = [tuple(pair) for entry in tomllib.loads(text)["reason"] for pair in entry["mutants"]]

    assert len(reasons_in(text)) == len(set(listed)) == len(listed)
    assert all(reasons_in(text).values())
