"""Every function that xpnet takes from an array namespace exists in CuPy and in the standard.

No GPU is needed to see a name that NumPy has and CuPy has not.
"""

from __future__ import annotations

import ast
import re
from importlib import import_module
from operator import attrgetter
from pathlib import Path

import pytest

import xpnet

ROOT = Path(xpnet.__file__).parent
# A module in backends/ may use what only its own library has.
SOURCES = [
    path
    for path in sorted(ROOT.rglob("*.py"))
    if path.parent.name != "backends" or path.name == "adapter.py"
]

STRICT_ALONE = {"Device"}  # asked of array-api-strict, after a look at the backend's name


def names_taken(source: str) -> dict[str, int]:
    """Return what a source takes from ``xp``, ``self.xp`` or another ``.xp``, with its line."""
    texts = {
        ast.unparse(node): node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute)
    }
    found = {re.fullmatch(r"(?:.*\.)?xp\.(\w[\w.]*)", text): at for text, at in texts.items()}
    taken = {match[1]: at for match, at in found.items() if match}
    return {name: at for name, at in taken.items() if name[:2] != "__" if name not in STRICT_ALONE}


def missing_from(namespace: object, source: str) -> dict[str, int]:
    return {name: line for name, line in names_taken(source).items() if not has(namespace, name)}


def has(namespace: object, name: str) -> bool:
    try:
        attrgetter(name)(namespace)
    except AttributeError:
        return False
    return True


@pytest.fixture(params=["array_api_strict", "array_api_compat.cupy"])
def namespace(request: pytest.FixtureRequest) -> object:
    if request.param.endswith("cupy"):
        pytest.importorskip("cupy", reason="CuPy is not installed: run nox -s tests_cupy")
    return import_module(request.param)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_name_exists(path: Path, namespace: object) -> None:
    assert missing_from(namespace, path.read_text()) == {}


def test_names_are_found_at_all() -> None:
    taken = set().union(*(names_taken(path.read_text()) for path in SOURCES))
    assert {"exp", "matmul", "sum", "astype"} <= taken


def test_a_bad_name_is_found_wherever_it_is_taken(namespace: object) -> None:
    source = (
        "xp.exp(x) + xp.no_such_function(x)\n"
        "self.xp.sum(x) + home.adapter.xp.nor_this(x)\n"
        "function = xp.linalg.nor_that\n"
        "xpnet.relu(x), x.xp_like.other, xp.__name__\n"
    )
    found = missing_from(namespace, source)
    assert {name: found[name] for name in found if name != "linalg"} == {
        "no_such_function": 1,
        "nor_this": 2,
        "linalg.nor_that": 3,
    }
