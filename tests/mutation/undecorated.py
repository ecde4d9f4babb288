"""Copy the project such that mutmut sees all of its functions.

mutmut passes over every function with a decorator, and nearly all ops have one. In the copy a
function is defined bare, and decorated in a line of its own below, which comes to the same. The
calls of kernels are marked to be left alone: where ops are broken kernels are switched off, so that
they hide nothing, and tests/kernels holds them to their own.

python tests/mutation/undecorated.py FOLDER PART [FILE ...]
"""

from __future__ import annotations

import ast
import re
import shutil
import sys
import tomllib
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
NEEDED = ["xpnet", "tests", "examples", "noxfile.py", "pyproject.toml", "README.md", "LICENSE"]
NEEDED += ["conftest.py"]
KERNEL = re.compile(r"^ .*(kernels\.ask\w*|= kernel)\(.*\)$", re.MULTILINE)
UNMARKED = "  # pragma: no mutate"


def copy_undecorated(folder: Path, files: Sequence[str]) -> None:
    """Copy what the tests need; only the files that match a pattern are rewritten."""
    for name in NEEDED:
        source, target = ROOT / name, folder / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, target, dirs_exist_ok=True, ignore=ignored)
        else:
            shutil.copy(source, target)
    for path in (folder / "xpnet").rglob("*.py"):
        name = path.relative_to(folder).as_posix()
        if any(fnmatch(name, pattern) for pattern in files):
            code = path.read_text(encoding="utf-8")
            code = KERNEL.sub(r"\g<0>" + UNMARKED, undecorated(code))
            path.write_text(code, encoding="utf-8")


def undecorated(code: str) -> str:
    """Return a module's code with the decorators of its functions in lines of their own.

    >>> print(undecorated("@quiet\\ndef f(x):\\n    return x"))
    def f(x):
        return x
    f = quiet(f)
    """
    lines = code.splitlines()
    for node in reversed(ast.parse(code).body):  # from the end, so that numbers of lines stay
        if isinstance(node, ast.FunctionDef) and node.decorator_list:
            assert node.end_lineno is not None
            decorators = [ast.unparse(decorator) for decorator in reversed(node.decorator_list)]
            calls = [f"{node.name} = {each}({node.name})" for each in decorators]
            lines[node.end_lineno : node.end_lineno] = calls
            del lines[node.decorator_list[0].lineno - 1 : node.lineno - 1]
    return "\n".join(lines) + "\n" * code.endswith("\n")


def settings(part: dict[str, Any], files: Sequence[str]) -> str:
    """Return mutmut's settings for a part of the project, or for some files of it.

    >>> print(settings({"files": ["xpnet/ops/*"], "tests": ["tests/ops"]}, ["xpnet/ops/relu.py"]))
    only_mutate = ['xpnet/ops/relu.py']
    pytest_add_cli_args_test_selection = ['tests/ops']
    """
    chosen = list(files) or part["files"]
    return f"only_mutate = {chosen}\npytest_add_cli_args_test_selection = {part['tests']}"


def main(folder: Path, name: str, *files: str) -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    part = tomllib.loads(text)["tool"]["xpnet"]["mutation"][name]
    copy_undecorated(folder, files or part["files"])
    text = text.replace("[tool.mutmut]\n", f"[tool.mutmut]\n{settings(part, files)}\n")
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
