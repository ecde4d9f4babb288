"""mutmut gets the functions without the decorators that would hide them from it."""

from __future__ import annotations

import ast
import tomllib

import pytest
from mutation.undecorated import ROOT, UNMARKED, copy_undecorated, main, undecorated

MUTMUT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
DECORATED = """
@outer(1,
       two="x")  # a remark
@inner
def f(x):
    return [x,
            x]


class C:
    @property
    def y(self):
        return 1
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("copy")
    copy_undecorated(folder, ["xpnet/ops/*"])
    return folder


def functions(folder):
    """Return the code of every function in ops without its decorators, and how many these are."""
    bodies, decorators = {}, 0
    for path in sorted((folder / "xpnet/ops").rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef):
                decorators += len(node.decorator_list)
                node.decorator_list = []
                bodies[path.name, node.name] = ast.unparse(node)
    return bodies, decorators


def test_nothing_but_the_decorators_is_elsewhere(copy):
    before, decorators = functions(ROOT)
    after, left = functions(copy)

    assert after == before
    assert decorators > 10
    assert left == 0


def test_a_function_is_decorated_below():
    made = []

    def outer(*args, **options):
        return lambda f: made.append((args, options)) or (lambda x: [*f(x), 0])

    names = {"outer": outer, "inner": lambda f: lambda x: f(x) * 2}
    exec(compile(undecorated(DECORATED), "copy", "exec"), names)

    assert made == [((1,), {"two": "x"})]
    assert names["f"](7) == [7, 7, 7, 7, 0]
    assert names["C"]().y == 1


def test_files_that_are_not_mutated_stay_as_they_are(copy):
    for name in ("xpnet/quiet.py", "xpnet/layers/layer.py"):
        assert (copy / name).read_bytes() == (ROOT / name).read_bytes()


def test_the_calls_of_kernels_are_marked(copy):
    code = (copy / "xpnet/ops/op.py").read_text(encoding="utf-8")

    marked = [line for line in code.splitlines() if line.endswith(UNMARKED)]
    assert len(marked) == code.count("= kernel(") + code.count("kernels.ask") > 0


@pytest.mark.parametrize("part", MUTMUT["xpnet"]["mutation"])
def test_the_settings_in_the_copy_are_those_of_a_part_or_of_chosen_files(part, tmp_path):
    expected = MUTMUT["xpnet"]["mutation"][part]

    for files in ([], ["xpnet/quiet.py"]):
        main(tmp_path, part, *files)
        text = (tmp_path / "pyproject.toml").read_text(encoding="utf-8")
        found = tomllib.loads(text)["tool"]["mutmut"]
        assert found["only_mutate"] == (files or expected["files"])
        assert found["pytest_add_cli_args_test_selection"] == expected["tests"]
