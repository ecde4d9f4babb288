"""What a target ``t`` may be: class indices, or a row of probabilities for each sample.

Scores of shape ``(..., C)`` go with indices of shape ``(...)`` or with rows, one-hot or soft, of
shape ``(..., C)``.

The *values* are checked where the host can read them without waiting, which is everywhere but
on a GPU and under a trace. There, an index out of range makes the loss and the sample's gradient
NaN: a wrong number never comes out, and no step waits. :func:`check_labels` reads them anywhere.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from xpnet._typing import Array, Namespace
from xpnet.arrays import device_of
from xpnet.backends import adapter_of
from xpnet.checks import check_axis, check_same_home
from xpnet.dtypes import dtype_name, is_float, is_integer
from xpnet.errors import DTypeError, LabelError, ShapeError
from xpnet.numerics.ranks import of_one_rank
from xpnet.quiet import quiet

__all__ = [
    "SUM_TOLERANCE",
    "are_indices",
    "as_indices",
    "check_indices",
    "check_labels",
    "check_labels_for",
    "check_rows",
    "check_target",
    "check_values",
    "is_readable",
    "one_hot",
    "row_weights",
]

# As far as people round rows, and bfloat16 does.
SUM_TOLERANCE = 1e-2


def are_indices(t: Array, x: Array) -> bool:
    """Whether ``t`` holds class indices for scores ``x``, and not rows."""
    return bool(t.ndim == x.ndim - 1)


def check_target(layer: str, t: Array, *, ignore_index: int | None = None, **scores: Array) -> None:
    """Make sure that ``t`` is a target for one array of scores.

    Parameters
    ----------
    layer : str
        Who asks, for the error's text.
    t : array
        The target.
    ignore_index : int, optional
        A class index that marks samples that do not count; there are no rows with it.
    **scores : array
        One array of shape (..., C).

    Raises
    ------
    BackendMismatchError
        If ``t`` does not live where the scores do.
    ShapeError
        If there are no classes, or ``t`` has neither the shape of the scores nor that of their
        leading axes.
    DTypeError
        If indices are not integers, or rows are not real numbers.
    LabelError
        If a value is no label, as far as the host can read them here.
    """
    check_same_home(layer, t=t, **scores)
    check_axis(layer, -1, **scores)
    ((name, x),) = scores.items()
    indices = _are_indices(layer, t, tuple(x.shape), name, ignore_index)
    if is_readable(t):
        check_values(layer, t, x.shape[-1], indices, ignore_index)


def check_labels_for(
    layer: str, t: Array, shape: tuple[int, ...], ignore_index: int | None = None
) -> None:
    """Read labels, wherever they live, and make sure that they suit scores of a shape.

    Parameters, errors and what suits are those of :func:`check_target`.
    """
    check_same_home(layer, t=t)
    if not shape or shape[-1] == 0:
        msg = f"{layer}: scores of shape {shape} have no classes; they must be of shape (..., C)"
        raise ShapeError(msg)
    indices = _are_indices(layer, t, shape, "x", ignore_index)
    check_values(layer, t, shape[-1], indices, ignore_index)


def _are_indices(
    layer: str, t: Array, shape: tuple[int, ...], name: str, ignore_index: int | None
) -> bool:
    """Return whether ``t`` holds indices, or else rows, for scores of a shape."""
    found = tuple(t.shape)
    if found not in (shape, shape[:-1]):
        msg = (
            f"{layer}: t has shape {found}, but {name} has shape {shape}; t must hold class "
            f"indices of shape {shape[:-1]} or rows of shape {shape}"
        )
        raise ShapeError(msg)
    indices = found == shape[:-1]
    if ignore_index is not None and not indices:
        msg = (
            f"{layer}: t holds rows of shape {found}, but ignore_index is a class index; give "
            f"class indices of shape {shape[:-1]}, or no ignore_index"
        )
        raise ShapeError(msg)
    _check_dtype(layer, t, indices)
    return indices


def _check_dtype(layer: str, t: Array, indices: bool) -> None:
    if indices and not is_integer(t.dtype):
        msg = (
            f"{layer}: t holds class indices and must be of integers, not {dtype_name(t.dtype)}; "
            "use xpnet.asarray(t, dtype='int32')"
        )
        raise DTypeError(msg)
    if not (is_float(t.dtype) or is_integer(t.dtype) or dtype_name(t.dtype) == "bool"):
        msg = f"{layer}: t holds rows and must be of real numbers, not {dtype_name(t.dtype)}"
        raise DTypeError(msg)


def check_labels(t: Array, classes: int) -> None:
    """Read labels, wherever they live, and make sure that each is one.

    The layers do this by themselves where it costs nothing. On a GPU it waits for the device, so
    call it once for a whole data set before training.

    Parameters
    ----------
    t : array, shape (...) or (..., C)
        Class indices, if of integers and not of shape (..., C); else rows.
    classes : int
        The number C of classes.

    Raises
    ------
    LabelError
        If an index is not in ``range(classes)``, or a row is no distribution.
    DTypeError
        If indices are not integers, or rows are not real numbers.
    BackendMismatchError
        If ``t`` is no array.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> xpnet.check_labels(np.asarray([3, 10]), classes=10)
    Traceback (most recent call last):
    ...
    xpnet.errors.LabelError: check_labels: label 10 at index (1,) is not one of the classes 0 to 9
    """
    layer = "check_labels"
    check_same_home(layer, t=t)
    is_rows = t.ndim > 0 and t.shape[-1] == classes and (t.ndim > 1 or not is_integer(t.dtype))
    _check_dtype(layer, t, indices=not is_rows)
    check_values(layer, t, classes, indices=not is_rows)


def is_readable(t: Array) -> bool:
    """Whether the host can look at labels without waiting for a device or a trace."""
    return adapter_of(t).is_readable(t)


def check_values(
    layer: str, t: Array, classes: int, indices: bool, ignore_index: int | None = None
) -> None:
    """Make sure that the values of a target are labels.

    Raises
    ------
    LabelError
        If an index is not in ``range(classes)``, or a row is no distribution.
    """
    host = adapter_of(t).to_numpy(t)
    if host.size == 0:
        return
    if not indices:
        check_rows(layer, host)
    elif ignore_index is None:
        check_indices(layer, host, classes)
    else:  # a sample that does not count may as well be of the first class
        check_indices(layer, np.where(host == ignore_index, host.dtype.type(0), host), classes)


def check_indices(layer: str, t: np.ndarray[Any, Any], classes: int) -> None:
    """Make sure that class indices in NumPy, at least one, are in ``range(classes)``."""
    # Read without a sign, what is negative is larger than all that the dtype can hold.
    unsigned = t.view(_without_sign(t.dtype))
    limit = min(classes, 2 ** (8 * t.itemsize - (t.dtype.kind == "i")))
    if np.maximum.reduce(unsigned, axis=None) >= limit:
        raise LabelError(_index_text(layer, t, classes))


def check_rows(layer: str, t: np.ndarray[Any, Any]) -> None:
    """Make sure that rows in NumPy, at least one, are distributions."""
    if _is_wrong(t).any():
        raise LabelError(_row_text(layer, t))


@cache
def _without_sign(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return np.dtype(f"{dtype.byteorder}u{dtype.itemsize}")


@quiet
def _is_wrong(rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return which rows are no distributions."""
    wrong: np.ndarray[Any, Any] = ~(
        (rows.min(axis=-1) >= 0) & (abs(_sums(rows) - 1) <= SUM_TOLERANCE)
    )
    return wrong


def _sums(rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    # In float64 no integers wrap around to a sum of 1, and no row is too long.
    sums: np.ndarray[Any, Any] = rows.sum(axis=-1, dtype="f8")
    return sums


def _index_text(layer: str, t: np.ndarray[Any, Any], classes: int) -> str:
    where = np.unravel_index(int(np.argmax((t < 0) | (t >= classes))), t.shape)
    at = tuple(map(int, where))
    return f"{layer}: label {t[at]} at index {at} is not one of the classes 0 to {classes - 1}"


@quiet
def _row_text(layer: str, t: np.ndarray[Any, Any]) -> str:
    rows = t.reshape(-1, t.shape[-1])
    first = int(np.argmax(_is_wrong(rows)))
    return (
        f"{layer}: row {first} of t sums to {_sums(rows)[first]:.6g} with a least entry of "
        f"{rows[first].min():.6g}; a row of labels must not be negative and must sum to 1"
    )


def as_indices(t: Array) -> Array:
    """Return class indices in the integer dtype in which their library takes indices.

    They are a copy: NumPy looks at indices before it uses them, and another thread may write to
    ``t`` in between.
    """
    adapter = adapter_of(t)
    return adapter.xp.astype(t, adapter.index_dtype)


def one_hot(xp: Namespace, t: Array, x: Array) -> Array:
    """Return class indices as rows of 0 and 1 in the shape and dtype of the scores ``x``."""
    indices = as_indices(t)
    classes = xp.arange(x.shape[-1], dtype=indices.dtype, device=device_of(t))
    columns, row = of_one_rank(indices[..., None], classes)
    return xp.astype(columns == row, x.dtype)


def row_weights(xp: Namespace, t: Array, x: Array) -> Array | None:
    """Return 1 for each class index in range and NaN for others; None if all were checked."""
    if is_readable(t):
        return None
    indices = as_indices(t)
    in_range = (indices >= 0) & (indices < x.shape[-1])
    one = xp.ones(t.shape, dtype=x.dtype, device=device_of(x))
    return xp.where(in_range, one, xp.nan)
