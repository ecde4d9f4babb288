"""From contenders and a workload to times, with whatever cannot be had left out and named."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from xpnet.bench.contender import Contender, Unavailable
from xpnet.bench.interleave import Entry, Turns, interleave
from xpnet.bench.workloads import Workload

__all__ = ["Field", "measure", "prepare"]


@dataclass
class Field:
    """Who is at the start of a workload, and who is not.

    Attributes
    ----------
    entries : dict of str to Entry
        By name; the results of each have been verified.
    missing : dict of str to str
        Why a contender cannot take part here.
    failures : dict of str to Exception
        What went wrong, or which results are.
    """

    workload: Workload
    entries: dict[str, Entry] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    failures: dict[str, Exception] = field(default_factory=dict)


def prepare(workload: Workload, contenders: Iterable[Contender], burst: int = 1) -> Field:
    """Build and verify what those contenders do that know the workload's op.

    With ``burst``, a device is waited for only after so many jobs.

    Examples
    --------
    >>> from xpnet.bench.book import Book
    >>> from xpnet.bench.workloads import Softmax
    >>> field = prepare(Softmax(2, 3), [Book("float64")])
    >>> list(field.entries), field.missing, field.failures
    (['book float64'], {}, {})
    """
    starters = Field(workload)
    inputs = workload.rotated_inputs()
    expected = workload.expected(*inputs[0])
    for contender in contenders:
        if not contender.can(workload.op):
            continue
        name = contender.name
        try:
            contender.load()
            with contender.around():
                job = workload.verified_job(contender, inputs[0], expected)
        except Unavailable as reason:
            starters.missing[name] = str(reason)
        except Exception as error:  # the others go on
            starters.failures[name] = error
        else:
            own_inputs = [contender.arrays(*arrays) for arrays in inputs]
            starters.entries[name] = Entry.of(contender, job, own_inputs, burst)
    return starters


def measure(
    starters: Field, seconds: float, after_turn: Callable[[], object] = lambda: None
) -> dict[str, Turns]:
    """Time all that take part, interleaved, for about so many seconds.

    Examples
    --------
    >>> from xpnet.bench.book import Book
    >>> from xpnet.bench.workloads import Softmax
    >>> turns = measure(prepare(Softmax(2, 3), [Book("float64")]), seconds=0.1)
    >>> min(turns["book float64"][0]) > 0
    True
    """
    return interleave(starters.entries, seconds, after_turn=after_turn) if starters.entries else {}
