"""A process with one revision of xpnet, which measures when it is told to.

It reads a line of JSON for each order and answers with one: ``["where"]`` with xpnet's folder,
``["prepare", w, c]`` with null or why there is nothing to measure, ``["plan"]`` with null,
``["turn"]`` with seconds.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import xpnet
from benchmarks import threads
from benchmarks.workloads import WORKLOADS
from xpnet.bench.contender import Contender
from xpnet.bench.machine import settle_heap
from xpnet.bench.measure import prepare
from xpnet.bench.own import Compiled, Eager


def revised_contenders(backend: str) -> list[Contender]:
    """What two revisions are compared by; both processes have the same list."""
    return [Eager(backend), Compiled(backend)]


def main(backend: str) -> None:
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    sys.stdout = sys.stderr  # whatever a library may print is no answer
    threads.pin()
    settle_heap()
    contenders = revised_contenders(backend)
    entry = None
    for line in sys.stdin:
        order, *numbers = json.loads(line)
        answer = str(Path(xpnet.__file__).resolve().parents[1]) if order == "where" else None
        if order == "prepare":
            workload, contender = numbers
            entry = None  # let its arrays go before new ones come
            field = prepare(WORKLOADS[workload], [contenders[contender]])
            entry = next(iter(field.entries.values()), None)
            reasons = [*field.missing.values(), *map(repr, field.failures.values())]
            answer = next(iter(reasons), None)
        elif order == "plan":
            entry.plan()
        elif order == "turn":
            answer = entry.turn()
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
