"""Measure all contenders of a workload together, and hand out what each of them did."""

from __future__ import annotations

from xpnet.bench.contender import Contender
from xpnet.bench.interleave import Turns
from xpnet.bench.measure import Field, measure, prepare
from xpnet.bench.record import Record, record
from xpnet.bench.workloads import Workload


class Missing(Exception):  # noqa: N818, it is no error
    """Why there is nothing to time."""


class Comparison:
    """The fields of all workloads; each is measured once, when somebody first asks for it."""

    def __init__(self, seconds: float, *, timed: bool) -> None:
        self.seconds, self.timed = seconds, timed
        self.records: list[Record] = []
        self._contenders: dict[Workload, list[Contender]] = {}
        self._field: Field | None = None
        self._times: dict[str, Turns] = {}

    def enter(self, workload: Workload, contender: Contender) -> None:
        self._contenders.setdefault(workload, []).append(contender)

    def turns(self, workload: Workload, contender: Contender) -> Turns | None:
        """Return a contender's times, or None where only results are checked.

        Raises
        ------
        Missing
            If the contender cannot take part here.
        Exception
            Whatever went wrong with the contender, wrong results included.
        """
        if self._field is None or self._field.workload != workload:
            self._field = self._measured(workload)
        if reason := self._field.missing.get(contender.name):
            raise Missing(reason)
        if error := self._field.failures.get(contender.name):
            raise error
        return self._times.get(contender.name)

    def _measured(self, workload: Workload) -> Field:
        contenders = self._contenders[workload]
        field = prepare(workload, contenders)
        if self.timed and field.entries:
            self._times = measure(field, self.seconds * len(field.entries))
            self.records.append(record(workload, contenders, self._times, field.missing))
        field.entries.clear()  # and with them the arrays
        return field
