"""The page that shows what was measured."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from platform import machine, processor, python_version, system

import numpy as np

from xpnet.arrays import asarray, to_numpy
from xpnet.backend import Backend
from xpnet.dtypes import FLOATS, dtype_name
from xpnet.numerics.sums import depth
from xpnet.testing.parity import curves
from xpnet.testing.parity.errors import Error, worst
from xpnet.testing.parity.long_sums import LONG_SUMS
from xpnet.testing.parity.references import REFERENCES
from xpnet.testing.tolerance import SMALLEST

__all__ = ["NAMES", "CurveResult", "Results", "render"]

NAMES = {
    "numpy": "NumPy",
    "array_api_strict": "array-api-strict",
    "torch": "PyTorch",
    "jax": "JAX",
    "cupy": "CuPy",
}
"""The columns; a backend that could not be used has ``not run`` in each of its cells."""

_NOT_RUN, _NO_DTYPE = "not run", "-"

_MOST_COUNTED = 1000

_BITS = np.finfo(np.longdouble).nmant + 1

_INTRODUCTION = """\
# Parity

How far each op of xpnet is from exact arithmetic, in every dtype, on every array library, and how
far it may be. `nox -s parity` measures it and writes this page; `tests/test_parity.py` holds every
backend to the same bounds with fewer inputs.

"""

_METHOD = """\
## What is measured

**Inputs.** For each example of an op in the catalog (`xpnet/testing/catalog.py`) and each dtype,
hypothesis draws {examples} inputs, always the same ones: axes of length 1 to 1000; numbers of one
magnitude or of all that the dtype can hold, subnormal and almost overflowing ones included; ties
and signed zeros; inf and NaN. They are rounded to the dtype first. A derivative is measured by
itself: it gets the exact output, rounded, whatever forward made of it.

**Exact results** are those of NumPy's `longdouble`, which has {bits} bits here against the 53 of
float64. {honesty}{unreferenced}

**Errors** are the largest of all entries of all results, as three figures:

1. in units of the last place of the exact result (ulp). More than {most} are not counted: there
   a sum has cancelled, and few or no digits are left, as in any order of summation;
2. relative to the condition of the op, in units of ε, the distance from 1 to the next number
   (2⁻²³ in float32). [Below](#relative-to-what) is the formula for each op;
3. the second as a share of what is allowed.

**Allowed** is `gamma(n + 24)`, where `gamma(m) = m * u / (1 - m * u)` is the most that m roundings
can add up to, and `u = ε / 2` one of them (N. Higham, *Accuracy and Stability of Numerical
Algorithms*, second edition, lemma 3.1). A sum of n terms needs n of them in whatever order it is
done (section 4.2). The 24 are two elementary functions of at most 4 ulp, [as NumPy's
are](https://github.com/numpy/numpy/pull/19478), and eight single operations. In float16 and
bfloat16 these are roundings to float32, in which xpnet computes, and `gamma(2)` of the 16 bits is
added. So the bound follows from the dtype and n alone.

**Underflow** is counted apart: an error may be larger by n + 24 times the smallest normal number,
because every result below that may be flushed to zero (J. Demmel, *Underflow and the reliability
of numerical software*, 1984), and by as many times more as such a result is multiplied by
afterwards. A library may also take subnormal inputs for zeros; then the exact result for zeros
counts. {flushing}

**Overflow, inf and NaN.** inf and NaN must stand where they stand in the exact result. Beside the
largest finite number inf is as good, and so is NaN where inf is multiplied by a number that
underflows. Where the magnitudes in a sum add up to more than the largest number, it depends on the
order of the sum whether it overflows: nothing is promised there.

"""

_LONG_SUMS = """\
## Long sums

In float32 a sum of ones, one added after the other, ends at 2²⁴. Up to 2¹⁸ terms xpnet leaves a
sum to the library; longer ones are split into blocks of 2¹⁰ terms, and then the sums of the blocks
in the same way, so that a term goes through at most {depth} roundings in a sum of {terms:,} terms.
The bound is `gamma` of that and the few others. Here all terms are the same number, which rounds
the same way each time; the largest array has {entries:,} entries, and n is the longest sum. ε ·
share of what is allowed.

"""

_CURVES = """\
## Training curves

`TwoLayerNet({pixels}, {hidden}, {classes})` learns the digits that come with xpnet for {steps}
steps of SGD with a learning rate of {rate}, in batches of {batch}, from the same seed on every
backend. Each curve of losses is compared with NumPy's in the same dtype.

Rounding explains a difference of {factor} times the farthest that any of {runs} runs on NumPy has
come from NumPy's curve by that step, in which each weight moves to one of its two neighbouring
numbers after every step, as the rounding of the update might have done; plus the bound for one
loss, as above.

"""


@dataclass(frozen=True)
class CurveResult:
    """How one training curve compares with NumPy's.

    Attributes
    ----------
    difference : float
        The largest.
    allowed : float
        In the step of the largest difference.
    parting : int or None
        The first step at which rounding does not explain the difference.
    last : float
        The last loss.
    """

    difference: float
    allowed: float
    parting: int | None
    last: float


@dataclass(frozen=True)
class Results:
    """All that was measured.

    Attributes
    ----------
    date : str
        Of the measurement.
    examples, steps : int
        How many inputs each case had, and how long the curves are.
    backends : list of Backend
        A record for each library and dtype that were measured.
    errors : dict
        By library and dtype: the error of each function by name.
    curves : dict
        By library and dtype.
    long_sums : dict
        By library and dtype: the errors of each long sum by name, in units of epsilon and as
        share of the bound.
    entries : int
        Of the largest array in a long sum.
    """

    date: str
    examples: int
    steps: int
    backends: list[Backend]
    errors: dict[tuple[str, str], dict[str, Error]]
    curves: dict[tuple[str, str], CurveResult]
    long_sums: dict[tuple[str, str], dict[str, tuple[float, float]]]
    entries: int


def render(results: Results) -> str:
    """Return the page in Markdown."""
    sections = [
        _INTRODUCTION,
        _provenance(results),
        _verdict(results),
        _method(results),
        "## The largest errors\n\nulp · ε · share of what is allowed; n is the longest sum.\n\n",
        *(_error_table(results, dtype) for dtype in reversed(FLOATS)),
        _scales(results),
        _long_sum_section(results),
        _curve_section(results),
    ]
    return "".join(sections).rstrip() + "\n"


def _provenance(results: Results) -> str:
    devices = dict.fromkeys(map(_device, results.backends))
    versions = {NAMES.get(b.name, b.name): b.adapter.version for b in results.backends}
    libraries = ", ".join(f"{name} {version}" for name, version in versions.items())
    return (
        f"Measured on {results.date}, on {' and '.join(devices)} ({system()} {machine()}), with "
        f"Python {python_version()}, {libraries}.\n\n"
    )


def _verdict(results: Results) -> str:
    errors = [
        (error.share, name, where)
        for where, by_name in results.errors.items()
        for name, error in by_name.items()
    ]
    errors += [
        (share, name, where)
        for where, by_name in results.long_sums.items()
        for name, (_relative, share) in by_name.items()
    ]
    breaches = [f"`{name}` {_where(*where)}" for share, name, where in errors if not share <= 1]
    share, name, where = max(errors)
    nearest = f"nearest to its bound, at {share:.0%} of it, is `{name}` {_where(*where)}"
    parted = [_where(*where) for where, curve in results.curves.items() if curve.parting]
    ops = (
        f"**Outside their bounds: {', '.join(breaches)}.**"
        if breaches
        else (f"**Every op keeps its bound on every backend;** {nearest}.")
    )
    training = (
        f"**Training curves part: {', '.join(parted)}.**"
        if parted
        else (f"**No training curve parts from NumPy's in {results.steps} steps.**")
    )
    not_run = [name for key, name in NAMES.items() if key not in {b.name for b in results.backends}]
    missing = f" Not run: {', '.join(not_run)}." if not_run else ""
    return f"{ops} {training}{missing}\n\n"


def _where(backend: str, dtype: str) -> str:
    return f"on {NAMES.get(backend, backend)} in {dtype}"


def _method(results: Results) -> str:
    honesty = (
        ""
        if _BITS > 53
        else (
            "It is no wider on this machine, so the errors in float64 are differences between two "
            "computations in float64. "
        )
    )
    without = [name for name in _functions(results) if name not in REFERENCES]
    names = _listed([f"`{name}`" for name in without]) if without else ""
    unreferenced = f"For {names}: those of the op itself, on NumPy in float64." if without else ""
    return _METHOD.format(
        examples=results.examples,
        bits=_BITS,
        most=_MOST_COUNTED,
        honesty=honesty,
        unreferenced=unreferenced,
        flushing=_flushing(results.backends),
    )


def _flushing(backends: Iterable[Backend]) -> str:
    """Return a sentence on who flushes subnormal numbers here."""
    by_library: dict[str, list[str]] = {}
    for backend in backends:
        if _flushes(backend):
            name = NAMES.get(backend.name, backend.name)
            by_library.setdefault(name, []).append(dtype_name(backend.dtype))
    if not by_library:
        return "None of the libraries did so here."
    did = "; ".join(f"{name} did so in {_listed(dtypes)}" for name, dtypes in by_library.items())
    return f"Here {did}."


def _listed(words: list[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def _flushes(backend: Backend) -> bool:
    subnormal = asarray([SMALLEST[dtype_name(backend.dtype)] / 2], xp=backend)
    return not to_numpy(subnormal * 1.0).any()


def _functions(results: Results) -> list[str]:
    return list(worst(*results.errors.values()))


def _error_table(results: Results, dtype: str) -> str:
    columns = [results.errors.get((backend, dtype)) for backend in NAMES]
    measured = {backend.name for backend in results.backends}
    missing = [_NO_DTYPE if backend in measured else _NOT_RUN for backend in NAMES]
    rows = []
    for name in _functions(results):
        found = [errors.get(name) if errors else None for errors in columns]
        length = max((error.length for error in found if error), default=0)
        cells = [_cell(e) if e else text for e, text in zip(found, missing, strict=True)]
        rows.append([f"`{name}`", str(length or _NOT_RUN), *cells])
    return f"### {dtype}\n\n" + _table(["", "n", *NAMES.values()], rows)


def _cell(error: Error) -> str:
    text = f"{_figure(error.ulps)} · {_figure(error.relative)} · {error.share:.0%}"
    return text if error.share <= 1 else f"**{text}**"


def _figure(value: float) -> str:
    if value > _MOST_COUNTED:
        return f"> {_MOST_COUNTED}"
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"


def _scales(results: Results) -> str:
    rows = []
    for name in _functions(results):
        formula = REFERENCES[name].relative_to if name in REFERENCES else None
        rows.append([f"`{name}`", f"`{formula}`" if formula else "the result"])
    text = (
        "## Relative to what\n\nWhat one relative rounding error of each input and intermediate "
        "result adds up to, to first order: the componentwise condition of the op (Higham, "
        "sections 3.5 and 7.2). For softmax and its logarithm it follows P. Blanchard, D. Higham "
        "and N. Higham, [Accurately computing the log-sum-exp and softmax functions]"
        "(https://doi.org/10.1093/imanum/draa038), 2021. `s` is `sum(exp(x - max(x)))`; `q` is "
        "what each class of a sample counts, which is `t` without options, and n what the samples "
        "weigh together. The 1 in the logarithms says that a loss near 0 is right to an ε, not to "
        "an ulp.\n\n"
    )
    return text + _table(["", "the error is relative to"], rows)


def _long_sum_section(results: Results) -> str:
    rows = []
    for long_sum in LONG_SUMS:
        found = [sums.get(long_sum.name) for sums in results.long_sums.values()]
        cells = [_long_sum_cell(*each) if each else _NOT_RUN for each in found]
        rows.append([long_sum.name, f"{results.entries // long_sum.entries:,}", *cells])
    text = _LONG_SUMS.format(
        depth=depth(results.entries), terms=results.entries, entries=results.entries
    )
    columns = [f"{NAMES.get(name, name)}, {dtype}" for name, dtype in results.long_sums]
    return text + _table(["", "n", *columns], rows)


def _long_sum_cell(relative: float, share: float) -> str:
    text = f"{_figure(relative)} · {share:.0%}"
    return text if share <= 1 else f"**{text}**"


def _curve_section(results: Results) -> str:
    rows = []
    for backend, title in NAMES.items():
        for dtype in ("float32", "float64"):
            curve = results.curves.get((backend, dtype))
            if backend != "numpy":
                rows.append([title, dtype, *(_curve_cells(curve) if curve else [_NOT_RUN] * 4)])
    header = ["", "", "largest difference", "allowed there", "parts in step", "last loss"]
    text = _CURVES.format(
        pixels=curves.PIXELS,
        hidden=curves.HIDDEN,
        classes=curves.CLASSES,
        batch=curves.BATCH,
        rate=curves.LEARNING_RATE,
        factor=curves.FACTOR,
        runs=curves.RUNS,
        steps=results.steps,
    )
    return text + _table(header, rows)


def _curve_cells(curve: CurveResult) -> list[str]:
    return [
        f"{curve.difference:.1e}",
        f"{curve.allowed:.1e}",
        str(curve.parting or "never"),
        f"{curve.last:.4f}",
    ]


def _table(header: list[str], rows: Iterable[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n\n"


def _device(backend: Backend) -> str:
    """Return what the maker calls the device that a backend computes on."""
    if backend.name == "cupy":
        import cupy

        return str(cupy.cuda.runtime.getDeviceProperties(backend.device.id)["name"].decode())
    return _cpu()


def _cpu() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else processor() or machine()
