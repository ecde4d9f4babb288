"""Results as files: dated JSON with the machine, and several of them as one."""

from __future__ import annotations

import datetime
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import xpnet
from xpnet.bench import machine
from xpnet.bench.record import Record

FOLDER = Path(__file__).parent / "results"


def dated(kind: str) -> Path:
    return FOLDER / f"{kind}-{_today()}.json"


def save(path: Path, records: list[Record], **more: Any) -> None:
    """Write the records with the date, the machine as it is now, and xpnet's revision."""
    content = {"date": _today(), "revision": revision(), "machine": machine.describe()}
    content |= more | {"workloads": records}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_compact(json.dumps(content, indent=1)) + "\n", encoding="utf-8")


def load(paths: list[Path]) -> dict[str, Any]:
    """Read files; the workloads of all, and the rest of the first."""
    first, *others = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    for other in others:
        first["workloads"] += other["workloads"]
    content: dict[str, Any] = first
    return content


def newest(kind: str) -> Path:
    return max(FOLDER.glob(f"{kind}-*.json"))


def revision() -> str:
    """Return the commit of xpnet's checkout, with ``-dirty`` where it was changed."""
    root = Path(xpnet.__file__).parents[1]
    git = ["git", "-C", str(root), "describe", "--always", "--dirty"]
    done = subprocess.run(git, check=False, capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def _today() -> str:
    return datetime.datetime.now(tz=datetime.UTC).date().isoformat()


def _compact(text: str) -> str:
    """Put lists of numbers on one line each."""
    return re.sub(r"\[[\d\s.,e+-]+\]", lambda found: re.sub(r"\s+", " ", found.group()), text)
