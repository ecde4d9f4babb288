"""``python -m xpnet.testing.parity PAGE``: measure every backend that can be used."""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path

import numpy as np

from xpnet.backend import Backend, resolve_backend
from xpnet.dtypes import FLOATS, dtype_name
from xpnet.errors import BackendUnavailableError, DTypeError
from xpnet.progress import progress
from xpnet.testing.parity.curves import Yardstick, curve
from xpnet.testing.parity.errors import Error, measure, op_cases, trials_of, worst
from xpnet.testing.parity.long_sums import LONG_SUMS, measure_long_sum
from xpnet.testing.parity.page import NAMES, CurveResult, Results, render

__all__ = ["main"]

_EXAMPLES, _STEPS = 100, 1000

# A few gigabytes and minutes. Sums of 16-bit floats are held in float32, and like those in it.
_ENTRIES, _DTYPES = 10**8, ("float32",)


def main(arguments: list[str] | None = None) -> None:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser(prog="python -m xpnet.testing.parity", description=__doc__)
    parser.add_argument("page", type=Path, help="the Markdown file to write")
    parser.add_argument("--date", default=date.today().isoformat(), help="of the measurement")
    options = parser.parse_args(arguments)
    backends = _usable()
    results = Results(
        options.date,
        _EXAMPLES,
        _STEPS,
        backends,
        _all_errors(backends),
        _all_curves(backends),
        _all_long_sums(backends),
        _ENTRIES,
    )
    options.page.parent.mkdir(parents=True, exist_ok=True)
    options.page.write_text(render(results), encoding="utf-8")


def _usable() -> list[Backend]:
    found = []
    for name in NAMES:
        for dtype in FLOATS:
            try:
                found.append(resolve_backend(name, dtype=dtype))
            except (BackendUnavailableError, DTypeError):
                continue
    return found


def _key(backend: Backend) -> tuple[str, str]:
    return backend.name, dtype_name(backend.dtype)


def _all_errors(backends: list[Backend]) -> dict[tuple[str, str], dict[str, Error]]:
    errors: dict[tuple[str, str], dict[str, Error]] = {_key(b): {} for b in backends}
    cases = op_cases()
    with progress(len(cases) * len(backends), "ops") as shown:
        for case in cases:
            for dtype in FLOATS:
                trials = trials_of(case, dtype, _EXAMPLES)
                for backend in backends:
                    if dtype_name(backend.dtype) == dtype:
                        seen = measure(case, backend, trials)
                        errors[_key(backend)] = worst(errors[_key(backend)], seen)
                        shown.update()
    return errors


def _all_curves(backends: list[Backend]) -> dict[tuple[str, str], CurveResult]:
    results = {}
    yardsticks = {dtype: Yardstick(dtype, _STEPS) for dtype in ("float32", "float64")}
    for backend in backends:
        name, dtype = _key(backend)
        if dtype not in yardsticks or name == "numpy":
            continue
        yardstick = yardsticks[dtype]
        losses = curve(backend, _STEPS)
        differences = abs(losses - yardstick.losses)
        at = int(np.argmax(differences))
        results[name, dtype] = CurveResult(
            difference=float(differences[at]),
            allowed=float(yardstick.allowed[at]),
            parting=yardstick.parting(losses),
            last=float(losses[-1]),
        )
    return results


def _all_long_sums(
    backends: list[Backend],
) -> dict[tuple[str, str], dict[str, tuple[float, float]]]:
    measured = [backend for backend in backends if dtype_name(backend.dtype) in _DTYPES]
    results: dict[tuple[str, str], dict[str, tuple[float, float]]] = {}
    with progress(len(measured) * len(LONG_SUMS), "long sums") as shown:
        for backend in measured:
            for long_sum in LONG_SUMS:
                found = measure_long_sum(long_sum, backend, _ENTRIES)
                results.setdefault(_key(backend), {})[long_sum.name] = found
                shown.update()
    return results


if __name__ == "__main__":
    main()
