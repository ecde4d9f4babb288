"""The README's Python runs as it stands there."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

README = Path(__file__).parent.parent / "README.md"


def test_python_blocks_run_in_order(capsys, monkeypatch):
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    module = ModuleType("readme")  # its layers are copied by pickle, which looks for them by name
    monkeypatch.setitem(sys.modules, module.__name__, module)

    for block in blocks:
        exec(compile(block, str(README), "exec"), vars(module))

    printed = capsys.readouterr().out
    by_hand, by_train = (float(share) for share in re.findall(r"test accuracy +([\d.]+)%", printed))
    assert by_hand > 90
    assert by_train > 90
    assert "Square, directional, seed=0: right" in printed
    assert re.search(r"^Square: \d+ passed(, \d+ not run)?$", printed, re.MULTILINE)
