"""What cannot be run here, because a library is missing: examples in docstrings, and tests."""

from __future__ import annotations

import re
from collections import Counter
from importlib.util import find_spec

import pytest

_NEEDED_BY = {
    "numba": ["xpnet/kernels/numba", "tests/kernels/interrupted.py"],
    "torch": ["xpnet/kernels/torch.py"],
    "jax": ["xpnet/kernels/jax.py", "xpnet/compiled/jitted.py"],
    "ml_dtypes": ["tests/cuda_on_cpu/trials.py"],
}
_MISSING = {library: paths for library, paths in _NEEDED_BY.items() if find_spec(library) is None}

# A module that fails to be imported would leave an empty one of its name behind.
collect_ignore = [path for paths in _MISSING.values() for path in paths]


def pytest_report_header() -> list[str]:
    return [
        f"{library} is not installed: docstrings are not run in {', '.join(paths)}"
        for library, paths in _MISSING.items()
    ]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was skipped: how many tests for each reason, not a line for each place."""
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = Counter(_reason(report.longrepr) for report in skipped)
    for reason, count in reasons.most_common():
        terminalreporter.write_line(f"skipped {count:>5} x {reason}")


def _reason(longrepr: object) -> str:
    text = longrepr[2] if isinstance(longrepr, tuple) else str(longrepr)
    text = text.removeprefix("Skipped: ").partition("\n")[0]
    missing = re.match(r"could not import '(\w+)", text)
    return f"{missing[1]} is not installed" if missing else text
