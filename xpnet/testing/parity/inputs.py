"""Inputs for an op, drawn by hypothesis from all that its dtype can hold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeAlias

import numpy as np

from xpnet.gradient_check.streams import stream
from xpnet.testing.tolerance import EPSILON, LARGEST, SMALLEST

__all__ = [
    "Example",
    "Host",
    "draw_examples",
    "flushed",
    "has_subnormals",
    "is_distribution",
    "round_to",
]

Host: TypeAlias = np.ndarray[Any, Any]

_LONG = 1000

_WIDTHS: dict[str, Literal[16, 32, 64]] = {
    "float16": 16,
    "bfloat16": 32,  # hypothesis has none of its own; they are rounded later
    "float32": 32,
    "float64": 64,
}

_Kind = Literal["one magnitude", "all magnitudes", "few values", "not finite"]
_KINDS: tuple[_Kind, ...] = (
    *("one magnitude", "one magnitude", "one magnitude", "all magnitudes", "all magnitudes"),
    *("few values", "few values", "few values", "not finite"),
)


@dataclass(frozen=True)
class Recipe:
    """What hypothesis decides about the values of an array; the rest follows from the seed.

    Attributes
    ----------
    what : str
        What it is for; no two things are drawn from one stream, even with one seed.
    kind : str
        Normal numbers times one power of two, or each times its own; or, with many ties, few
        values that hypothesis chose; or normal numbers among which there are inf and NaN.
    exponent : int
        Of the power of two.
    values : list of float
        The few values.
    seed : int
        Of the stream.
    """

    what: str
    kind: _Kind
    exponent: int
    values: list[float]
    seed: int

    def array(self, shape: tuple[int, ...], dtype: str) -> Host:
        rng = stream(self.what, self.seed)
        if self.kind == "few values":
            return round_to(dtype, rng.choice(self.values, shape))
        least, most = _exponents(dtype)
        numbers = np.asarray(rng.standard_normal(shape))
        each = rng.integers(least, most, shape, endpoint=True)
        with np.errstate(over="ignore"):
            numbers = np.ldexp(numbers, each if self.kind == "all magnitudes" else self.exponent)
        largest = LARGEST[dtype]
        numbers = round_to(dtype, np.clip(numbers, -largest, largest))
        if self.kind == "not finite":
            strange = rng.choice([np.nan, np.inf, -np.inf], shape)
            numbers = np.where(rng.random(shape) < 1 / 8, strange, numbers)
        return numbers

    def distribution(self, shape: tuple[int, ...], dtype: str) -> Host:
        """Return rows that are positive and sum to 1, some of them almost one-hot."""
        rng = stream(self.what, self.seed)
        concentration = rng.choice([1 / 32, 1.0, 8.0], (*shape[:-1], 1))
        rows = rng.standard_gamma(concentration, shape) + 1e-300
        return round_to(dtype, rows / rows.sum(axis=-1, keepdims=True))


@dataclass(frozen=True)
class Example:
    """Inputs of an op on the host, all of whose numbers its dtype can hold.

    Attributes
    ----------
    inputs : tuple of numpy.ndarray
        What forward takes; numbers as float64, class indices as int64.
    upstream : Recipe
        For the gradient that is fed to backward, once the output's shape is known.
    """

    inputs: tuple[Host, ...]
    upstream: Recipe


def draw_examples(
    like: tuple[Host, ...], dtype: str, count: int, *, long: bool = True
) -> list[Example]:
    """Return inputs of the same kinds as an example's, always the same ones.

    Axes that are equally long in the example stay so, and those of length 1 do too. Integers are
    taken for class indices of the first input's last axis, and rows that sum to 1 for
    probabilities; everything else may be any number.

    Parameters
    ----------
    like : tuple of numpy.ndarray
        Inputs of a case of the catalog.
    dtype : str
        The name of the floating dtype.
    count : int
        How many to draw.
    long : bool
        Whether to try axes of length 1 and 1000 too.
    """
    from hypothesis import HealthCheck, Phase, given, seed, settings, strategies as st

    least, most = _exponents(dtype)
    recipe_for = partial(
        st.builds,
        Recipe,
        kind=st.sampled_from(_KINDS),
        exponent=st.one_of(st.integers(-4, 6), st.integers(least, most)),
        values=st.lists(
            st.floats(-LARGEST[dtype], LARGEST[dtype], width=_WIDTHS[dtype]),
            min_size=1,
            max_size=5,
        ),
        seed=st.integers(0, 2**32 - 1),
    )
    examples = st.builds(
        partial(_example, like, dtype),
        st.sampled_from(_lengths(like, long)),
        st.tuples(*[recipe_for(what=st.just(f"input {i}")) for i, _ in enumerate(like)]),
        recipe_for(what=st.just("dout")),
    )
    drawn: list[Example] = []
    collect = given(examples)(lambda example: drawn.append(example))
    limits = settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    seed(0)(limits(collect))()
    return drawn


def _example(
    like: tuple[Host, ...],
    dtype: str,
    lengths: dict[int, int],
    recipes: tuple[Recipe, ...],
    upstream: Recipe,
) -> Example:
    inputs = []
    for example, recipe in zip(like, recipes, strict=True):
        shape = tuple(lengths[length] for length in example.shape)
        if np.issubdtype(example.dtype, np.integer):
            classes = lengths[like[0].shape[-1]]
            inputs.append(stream(recipe.what, recipe.seed).integers(0, classes, shape))
        elif is_distribution(example):
            inputs.append(recipe.distribution(shape, dtype))
        else:
            inputs.append(recipe.array(shape, dtype))
    return Example(tuple(inputs), upstream)


def _lengths(like: Iterable[Host], long: bool) -> list[dict[int, int]]:
    """Return what the lengths of the example's axes may become."""
    own = {length: length for x in like for length in x.shape}
    free = [length for length in own if length > 1]
    larger = own | {length: 4 * length + 3 for length in free}
    if not long:
        return [own, larger]
    one = dict.fromkeys(own, 1)
    return [own, larger, one, *(own | {length: _LONG} for length in free)]


def is_distribution(x: Host) -> bool:
    """Whether the rows of an array are probabilities."""
    return bool(x.ndim and x.min() >= 0 and np.allclose(x.sum(axis=-1), 1))


def round_to(dtype: str, x: Host) -> Host:
    """Return float64 numbers rounded to what a dtype can hold, bfloat16 included.

    Examples
    --------
    >>> round_to("bfloat16", np.asarray([1.0 + 2**-7, 1.0 + 2**-9]))
    array([1.0078125, 1.       ])
    """
    with np.errstate(over="ignore"):
        if dtype != "bfloat16":
            return np.asarray(x, dtype=dtype).astype("float64")
        bits = np.asarray(x, dtype="float32").view("uint32")
    even = (bits >> 16) & 1
    rounded = ((bits + 0x7FFF + even) & 0xFFFF0000).astype("uint32").view("float32")
    return np.where(np.isfinite(x), rounded, x).astype("float64")


def has_subnormals(dtype: str, x: Host) -> bool:
    """Whether there are numbers too small for full precision; integers have none."""
    return bool(((x != 0) & (abs(x) < SMALLEST[dtype])).any())


def flushed(dtype: str, x: Host) -> Host:
    """Return numbers as a library sees them that takes subnormal ones for zeros.

    Examples
    --------
    >>> flushed("float32", np.asarray([1e-38, 2e-38]))
    array([0.e+00, 2.e-38])
    """
    return np.where(abs(x) < SMALLEST[dtype], np.copysign(0.0, x), x) if x.dtype.kind == "f" else x


def _exponents(dtype: str) -> tuple[int, int]:
    """Return those of the least subnormal and the largest number."""
    least = np.log2(SMALLEST[dtype]) + np.log2(EPSILON[dtype])
    return int(least), int(np.log2(LARGEST[dtype]))
