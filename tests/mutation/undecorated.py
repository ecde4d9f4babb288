"""Copy the project with its ops undecorated: mutmut passes over every function with a decorator.

Of these, ``@quiet`` is on all ops, and only keeps NumPy's warnings away. The calls of kernels are
marked to be left alone: kernels are switched off there, so that they hide nothing of the ops, and
tests/kernels holds them to their own.

python tests/mutation/undecorated.py FOLDER
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
NEEDED = ["xpnet", "tests", "examples", "noxfile.py", "pyproject.toml", "README.md", "LICENSE"]
DECORATOR = re.compile(r"^ *@quiet\n", re.MULTILINE)
KERNEL = re.compile(r"^ .*_kernel(\.\w+)?\(.*\)$", re.MULTILINE)


def copy_undecorated(folder: Path) -> None:
    for name in NEEDED:
        source, target = ROOT / name, folder / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, target, dirs_exist_ok=True, ignore=ignored)
        else:
            shutil.copy(source, target)
    for path in (folder / "xpnet").rglob("*.py"):
        code = path.read_text(encoding="utf-8")
        code = KERNEL.sub(r"\g<0>  # pragma: no mutate", DECORATOR.sub("", code))
        path.write_text(code, encoding="utf-8")


if __name__ == "__main__":
    copy_undecorated(Path(sys.argv[1]))
