"""Measure all contenders of a workload together, and hand out what each of them did."""

from __future__ import annotations

from xpnet.bench.contender import Contender
from xpnet.bench.interleave import Turns
from xpnet.bench.measure import measure, prepare
from xpnet.bench.record import Record, record
from xpnet.bench.workloads import Workload


class Missing(Exception):  # noqa: N818, it is no error
    """Why there is nothing to time."""


class Comparison:
    """The fields of all workloads; each is measured once, when somebody first asks for it."""

    def __init__(self, seconds: float, *, timed: bool) -> None:
        self.seconds, self.timed = seconds, timed
        self.records: list[Record] = []
        self._fields: dict[Workload, list[Contender]] = {}
        self._current: Workload | None = None

    def enter(self, workload: Workload, contender: Contender) -> None:
        self._fields.setdefault(workload, []).append(contender)

    def turns(self, workload: Workload, contender: Contender) -> Turns | None:
        """Return a contender's times, or None where only results are checked.

        Raises
        ------
        Missing
            If the contender cannot take part here.
        Exception
            Whatever went wrong with the contender, wrong results included.
        """
        if workload != self._current:
            self._measure(workload)
        if contender.name in self._missing:
            raise Missing(self._missing[contender.name])
        if contender.name in self._failures:
            raise self._failures[contender.name]
        return self._times.get(contender.name)

    def _measure(self, workload: Workload) -> None:
        contenders = self._fields[workload]
        field = prepare(workload, contenders)
        self._current, self._missing, self._failures = workload, field.missing, field.failures
        self._times = measure(field, self.seconds * len(field.entries)) if self.timed else {}
        if self._times:
            self.records.append(record(workload, contenders, self._times, field.missing))
