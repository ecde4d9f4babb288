"""How many processors this process may use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from math import ceil
from pathlib import Path

__all__ = ["processor_count"]


def processor_count(root: Path = Path("/")) -> int:
    """Return how many threads can run at the same time, by all limits that are set.

    They are the processors that the system lets the process use, and those that the quota of a
    container amounts to: with more threads it would stand still for the rest of each period.

    Parameters
    ----------
    root : path
        Where the system's folders ``proc`` and ``sys`` are.

    Examples
    --------
    >>> 1 <= processor_count() <= os.cpu_count()
    True
    """
    return max(1, min([_visible(), *(ceil(quota) for quota in _quotas(root))]))


def _visible() -> int:
    if hasattr(os, "process_cpu_count"):  # which can be told by PYTHON_CPU_COUNT
        return os.process_cpu_count() or 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _quotas(root: Path) -> Iterator[float]:
    """Give the processors of each control group that the process is in, where Linux limits them.

    See https://docs.kernel.org/admin-guide/cgroup-v2.html and, for the first version,
    https://docs.kernel.org/scheduler/sched-bwc.html.
    """
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, group = line.split(":", 2)
        mounted = root / "sys/fs/cgroup"
        if controllers == "":
            for folder in _folders(mounted, group):
                yield from _quota(_text(folder / "cpu.max").split())
        elif "cpu" in controllers.split(","):
            for folder in _folders(mounted / controllers, group):
                files = folder / "cpu.cfs_quota_us", folder / "cpu.cfs_period_us"
                yield from _quota([_text(file).strip() for file in files])


def _folders(mounted: Path, group: str) -> Iterator[Path]:
    """Give the folders of a group and of those around it; a container may see the last alone."""
    folder = mounted / group.lstrip("/")
    yield folder
    while folder != mounted:
        folder = folder.parent
        yield folder


def _quota(words: list[str]) -> Iterator[float]:
    if len(words) == 2 and all(word.isdecimal() for word in words) and int(words[1]) > 0:
        yield int(words[0]) / int(words[1])  # else "max", or -1


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError):
        return ""
