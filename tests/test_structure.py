"""Arrows between the parts of xpnet go one way: downwards."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import xpnet

ROOT = Path(xpnet.__file__).parent

# From the top to the bottom; parts on one line do not know each other.
LEVELS = [
    {"__main__"},
    {"cli"},
    {"testing", "bench"},
    {"__init__"},
    {"training"},
    {"compiled"},
    {"nets", "optimizers"},
    {"graph"},
    {"layers", "gradients", "gradient_check", "datasets"},
    {"metrics"},
    {"kernels"},
    {"ops"},
    {"labels"},
    {"numerics", "output"},
    {"together", "dispatch", "streams", "progress", "scoped"},
    {"checks"},
    {"arrays"},
    {"backend", "quiet"},
    {"backends"},
    {"dtypes"},
    {"errors", "_typing"},
]
LEVEL = {part: level for level, parts in enumerate(LEVELS) for part in sorted(parts)}


def part_of(module):
    _, _, below = module.partition(".")
    return below.partition(".")[0] or "__init__"


def imports(file):
    """Return the parts that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "xpnet":
            parts = {alias.name for alias in node.names}
            found |= {f"xpnet.{part}" if part in LEVEL else "xpnet" for part in parts}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return {part_of(module) for module in found if module.partition(".")[0] == "xpnet"}


def files_of(part):
    single = ROOT / f"{part}.py"
    return [single] if single.exists() else sorted((ROOT / part).rglob("*.py"))


def test_every_part_has_its_place():
    parts = {path.stem for path in ROOT.glob("*.py")}
    parts |= {path.parent.name for path in ROOT.glob("*/__init__.py")}

    assert parts == LEVEL.keys()


@pytest.mark.parametrize("part", LEVEL)
def test_a_part_knows_only_what_is_below_it(part):
    upwards = [
        f"{file.relative_to(ROOT)} imports {other}"
        for file in files_of(part)
        for other in sorted(imports(file) - {part})
        if LEVEL[other] <= LEVEL[part]
    ]
    assert upwards == []
