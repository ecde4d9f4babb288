"""How many processors a process may use: by the system, and by the quota of its container."""

from __future__ import annotations

import os

import pytest

from xpnet.kernels import processors
from xpnet.kernels.processors import processor_count

# The files of each kind of container, below the root.
LIMITED = {
    "version 2": {
        "proc/self/cgroup": "0::/\n",
        "sys/fs/cgroup/cpu.max": "250000 100000\n",
    },
    "version 2, by an outer group": {
        "proc/self/cgroup": "0::/box/inner\n",
        "sys/fs/cgroup/box/cpu.max": "250000 100000\n",
        "sys/fs/cgroup/box/inner/cpu.max": "max 100000\n",
    },
    "version 1": {
        "proc/self/cgroup": "7:memory:/box\n3:cpu,cpuacct:/box\n",
        "sys/fs/cgroup/cpu,cpuacct/box/cpu.cfs_quota_us": "250000\n",
        "sys/fs/cgroup/cpu,cpuacct/box/cpu.cfs_period_us": "100000\n",
    },
    "version 1, seen from inside": {
        "proc/self/cgroup": "3:cpu,cpuacct:/docker/123:4\n0::/docker/123:4\n",
        "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "50000\n",
        "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "20000\n",
    },
}
UNLIMITED = {
    "no files": {},
    "version 2": {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "max 100000\n"},
    "version 1": {
        "proc/self/cgroup": "3:cpu:/\n",
        "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
        "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
    },
    "another controller": {
        "proc/self/cgroup": "3:cpuset:/\n",
        "sys/fs/cgroup/cpuset/cpu.cfs_quota_us": "100000\n",
        "sys/fs/cgroup/cpuset/cpu.cfs_period_us": "100000\n",
    },
    "nonsense": {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "100000 0\n"},
}


@pytest.fixture
def _eight(monkeypatch):
    monkeypatch.setattr(processors, "_visible", lambda: 8)


def written(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.mark.usefixtures("_eight")
@pytest.mark.parametrize("kind", LIMITED)
def test_a_quota_is_rounded_up(kind, tmp_path):
    assert processor_count(written(tmp_path, LIMITED[kind])) == 3


@pytest.mark.usefixtures("_eight")
@pytest.mark.parametrize("kind", UNLIMITED)
def test_without_a_quota_there_are_those_of_the_system(kind, tmp_path):
    assert processor_count(written(tmp_path, UNLIMITED[kind])) == 8


@pytest.mark.usefixtures("_eight")
@pytest.mark.parametrize(("quota", "expected"), [("1000", 1), ("100000", 1), ("9900000", 8)])
def test_there_is_at_least_one_and_not_more_than_the_system_has(quota, expected, tmp_path):
    files = {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": f"{quota} 100000\n"}

    assert processor_count(written(tmp_path, files)) == expected


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system confines no process")
def test_a_process_has_the_processors_that_it_is_confined_to(tmp_path):
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert processor_count(tmp_path) == 1
    finally:
        os.sched_setaffinity(0, before)
    assert processor_count(tmp_path) == len(before)
