"""What a target ``t`` may be where there are no classes: numbers, or switches from 0 to 1.

Both have the shape of the outputs. A switch may be soft; and a net with one output for each
sample, of shape (..., 1), may have its switches without the last axis, as class indices are.
Numbers may not: of a row of them, nobody knows whether it belongs to one sample or to many.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet._typing import Array, Namespace
from xpnet.backends import adapter_of
from xpnet.checks import check_same_home
from xpnet.dtypes import dtype_name, is_float, is_integer
from xpnet.errors import DTypeError, LabelError, ShapeError
from xpnet.labels.classes import is_readable
from xpnet.quiet import quiet

__all__ = [
    "as_numbers",
    "check_numbers",
    "check_numbers_for",
    "check_switches",
    "check_switches_for",
    "switches_like",
]


def check_numbers(layer: str, t: Array, **outputs: Array) -> None:
    """Make sure that ``t`` holds a number for each entry of one array of outputs.

    Raises
    ------
    BackendMismatchError
        If ``t`` does not live where the outputs do.
    ShapeError
        If the shapes differ.
    DTypeError
        If ``t`` is not of real numbers.
    """
    check_same_home(layer, t=t, **outputs)
    ((name, y),) = outputs.items()
    _check_numbers(layer, t, tuple(y.shape), name)


def check_numbers_for(layer: str, t: Array, shape: tuple[int, ...]) -> None:
    """Read numbers, wherever they live, and make sure that they suit outputs of a shape.

    Raises
    ------
    ShapeError, DTypeError, BackendMismatchError
        As :func:`check_numbers`.
    LabelError
        If one is not finite.
    """
    check_same_home(layer, t=t)
    _check_numbers(layer, t, shape, "y")
    host = adapter_of(t).to_numpy(t)
    wrong = ~np.isfinite(host)
    if wrong.any():
        msg = f"{layer}: {_first(host, wrong)} of t is no finite number"
        raise LabelError(msg)


def _check_numbers(layer: str, t: Array, shape: tuple[int, ...], name: str) -> None:
    if tuple(t.shape) != shape:
        msg = (
            f"{layer}: t has shape {tuple(t.shape)}, but {name} has shape {shape}; they must be "
            "equal, for which xp.reshape may be of use"
        )
        raise ShapeError(msg)
    _check_dtype(layer, t)


def as_numbers(xp: Namespace, t: Array, y: Array) -> Array:
    """Return numbers in the dtype of ``y``."""
    return t if t.dtype == y.dtype else xp.astype(t, y.dtype)


def check_switches(layer: str, t: Array, **scores: Array) -> None:
    """Make sure that ``t`` holds a switch for each entry of one array of scores.

    Raises
    ------
    BackendMismatchError
        If ``t`` does not live where the scores do.
    ShapeError
        If ``t`` has not the shape of the scores, nor, where they are of shape (..., 1), that of
        their leading axes.
    DTypeError
        If ``t`` is not of real numbers.
    LabelError
        If one is not from 0 to 1, as far as the host can read them here.
    """
    check_same_home(layer, t=t, **scores)
    ((name, x),) = scores.items()
    _check_switches(layer, t, tuple(x.shape), name)
    if is_readable(t):
        _check_from_0_to_1(layer, t)


def check_switches_for(layer: str, t: Array, shape: tuple[int, ...]) -> None:
    """Read switches, wherever they live, and make sure that they suit scores of a shape.

    Errors are those of :func:`check_switches`.
    """
    check_same_home(layer, t=t)
    _check_switches(layer, t, shape, "x")
    _check_from_0_to_1(layer, t)


def _check_switches(layer: str, t: Array, shape: tuple[int, ...], name: str) -> None:
    found = tuple(t.shape)
    shapes = [shape, shape[:-1]] if shape[-1:] == (1,) else [shape]
    if found not in shapes:
        wanted = " or ".join(map(str, shapes))
        msg = f"{layer}: t has shape {found}, but {name} has shape {shape}; t must have {wanted}"
        raise ShapeError(msg)
    _check_dtype(layer, t)


def _check_dtype(layer: str, t: Array) -> None:
    if not (is_float(t.dtype) or is_integer(t.dtype) or dtype_name(t.dtype) == "bool"):
        msg = f"{layer}: t must be of real numbers, not {dtype_name(t.dtype)}"
        raise DTypeError(msg)


@quiet
def _check_from_0_to_1(layer: str, t: Array) -> None:
    host = adapter_of(t).to_numpy(t)
    wrong = ~((host >= 0) & (host <= 1))
    if wrong.any():
        msg = f"{layer}: {_first(host, wrong)} of t is not from 0 to 1"
        raise LabelError(msg)


def _first(host: np.ndarray[Any, Any], wrong: np.ndarray[Any, Any]) -> str:
    at = tuple(map(int, np.unravel_index(int(np.argmax(wrong)), host.shape)))
    return f"{host[at]} at index {at}"


def switches_like(xp: Namespace, t: Array, x: Array) -> Array:
    """Return switches in the shape and dtype of the scores ``x``; NaN for what is none.

    Where the host can read them they were checked, and none is NaN.
    """
    switches = xp.reshape(as_numbers(xp, t, x), x.shape)
    if is_readable(t):
        return switches
    return xp.where((switches >= 0) & (switches <= 1), switches, xp.nan)
