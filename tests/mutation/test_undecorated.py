"""mutmut gets the ops without the decorator that would hide them from it."""

from __future__ import annotations

import ast

from mutation.undecorated import ROOT, copy_undecorated


def functions(folder):
    """Return the code of every function, without its decorators, and all the decorators."""
    bodies, decorators = {}, []
    for path in sorted((folder / "xpnet").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                decorators += map(ast.unparse, node.decorator_list)
                node.decorator_list = []
                bodies.setdefault((path.name, node.name), []).append(ast.unparse(node))
    return bodies, decorators


def test_nothing_but_the_decorator_is_gone(tmp_path):
    copy_undecorated(tmp_path)

    before, decorators = functions(ROOT)
    after, left = functions(tmp_path)
    assert after == before
    assert "quiet" in decorators
    assert left == [name for name in decorators if name != "quiet"]


def test_the_calls_of_kernels_are_marked(tmp_path):
    copy_undecorated(tmp_path)

    code = (tmp_path / "xpnet/ops/affine.py").read_text(encoding="utf-8")
    marked = [line.strip() for line in code.splitlines() if line.endswith("# pragma: no mutate")]
    assert "y = _affine_kernel(x, W, b)  # pragma: no mutate" in marked
    assert len(marked) == code.count("_kernel(") + code.count("_kernel.unchecked(")
