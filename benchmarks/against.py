"""Compare this revision of xpnet with another: ``python -m benchmarks.against REV``.

Each has a process of its own, and the two take turns. Both are measured by the code of this
revision, ``xpnet/bench`` included.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from benchmarks import threads
from benchmarks.worker import revised_contenders
from benchmarks.workloads import WORKLOADS
from xpnet.bench import machine
from xpnet.bench.interleave import interleave, pair_ratios
from xpnet.progress import progress

ROOT = Path(__file__).resolve().parents[1]


class Revision:
    """A process with a revision of xpnet; it can stand among the entries of ``interleave``."""

    def __init__(self, folder: Path, backend: str, name: str) -> None:
        # -P: the working folder, which is this checkout, must not come before the revision's.
        self._folder = folder
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}
        _check_import(environment, name)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "benchmarks.worker", backend],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        found = self.order("where")
        if Path(found) != folder:
            msg = f"this Python takes xpnet from {found}, whatever PYTHONPATH says"
            raise RuntimeError(msg)

    def order(self, *order):
        print(json.dumps(order), file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        if not answer:
            msg = f"the process with {self._folder} has ended; what it said stands above"
            raise SystemExit(msg)
        return json.loads(answer)

    def plan(self) -> None:
        self.order("plan")

    def turn(self) -> list[float]:
        return self.order("turn")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.wait()


def _check_import(environment: dict[str, str], name: str) -> None:
    command = [sys.executable, "-P", "-c", "import benchmarks.worker"]
    done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    if done.returncode:
        error = done.stderr.strip().rpartition("\n")[2] or f"exit status {done.returncode}"
        msg = f"xpnet at {name} cannot be imported with the measuring code of today: {error}"
        raise SystemExit(msg)


def extract(rev: str, folder: Path) -> None:
    """Put the package as it was at a revision into a folder, with the measuring code of today."""
    git = ["git", "-C", str(ROOT), "archive", rev, "xpnet"]
    done = subprocess.run(git, check=False, capture_output=True)
    if done.returncode:
        raise SystemExit(done.stderr.decode())
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as packed:
        packed.extractall(folder, filter="data")
    shutil.rmtree(folder / "xpnet" / "bench", ignore_errors=True)
    shutil.copytree(ROOT / "xpnet" / "bench", folder / "xpnet" / "bench")


def main() -> int:
    options = _options()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory())).resolve()
        extract(options.rev, folder)
        old = stack.enter_context(Revision(folder, options.backend, options.rev))
        new = stack.enter_context(Revision(ROOT, options.backend, "now"))
        print(*machine.lines(machine.describe()), f"threads asked for: {threads.THREADS}", sep="\n")
        print(_line("", options.rev[:12], "now", "ratio", "middle half"))
        jobs = _jobs(options.backend, options.part)
        with progress(len(jobs), "comparing", unit="workloads") as line:
            for numbers, title in jobs:
                line.write(_compared(title, old, new, numbers, options.seconds))
                line.update()
    print("Microseconds, medians. Ratio: how many times as fast it is now, in pairs of turns.")
    print(f"load afterwards: {machine.load()}")
    return 0


def _jobs(backend: str, part: str) -> list[tuple[tuple[int, int], str]]:
    """Return workload and contender by number, and by name."""
    found = [
        ((w, c), f"{workload}, {contender}")
        for w, workload in enumerate(WORKLOADS)
        for c, contender in enumerate(revised_contenders(backend))
        if contender.can(workload.op)
    ]
    return [(numbers, title) for numbers, title in found if part in title]


def _compared(title, old: Revision, new: Revision, numbers, seconds: float) -> str:
    for when, revision in ("then", old), ("now", new):
        if reason := revision.order("prepare", *numbers):
            return f"{title}: not available {when}, {reason}"
    turns = interleave({"old": old, "new": new}, seconds)
    low, middle, high = pair_ratios(turns["old"], turns["new"])
    medians = [f"{np.median(np.concatenate(turns[name])) * 1e6:,.1f}" for name in ("old", "new")]
    # Ratios multiply: the distance from 1 and the spread are compared as factors.
    verdict = "noise" if max(middle, 1 / middle) <= high / low else ""
    return _line(title, *medians, f"{middle:.3f}", f"{low:.3f} to {high:.3f}", verdict)


def _line(title: str, old: str, new: str, ratio: str, spread: str, verdict: str = "") -> str:
    return f"{title:<66}{old:>13}{new:>11}{ratio:>8}{spread:>17}  {verdict}".rstrip()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.against",
        description="Measure this revision of xpnet and another one turn by turn.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("rev", metavar="REV", help="a commit, branch or tag")
    parser.add_argument("-k", dest="part", default="", help="only titles with this in them")
    parser.add_argument("--backend", default="numpy", help="of xpnet")
    parser.add_argument("--seconds", type=float, default=4.0, help="for each workload, about")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
