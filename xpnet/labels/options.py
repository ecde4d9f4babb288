"""What may be asked of labels: some do not count, all are smoothed, classes weigh differently."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np

from xpnet._typing import Array
from xpnet.arrays import device_of, to_numpy
from xpnet.backends import adapter_of
from xpnet.checks import check_same_home
from xpnet.dtypes import dtype_name, find_dtype, is_half
from xpnet.errors import BackendMismatchError, ShapeError
from xpnet.labels.classes import is_readable

__all__ = ["are_plain", "check_class_weights", "check_options", "class_weights_like"]

# JAX has no larger ones unless asked.
_INDICES = range(-(2**31), 2**31)


def are_plain(ignore_index: object, label_smoothing: float, class_weights: object) -> bool:
    """Whether options change nothing, and labels count as they are."""
    return ignore_index is None and label_smoothing == 0 and class_weights is None


def check_options(layer: str, ignore_index: object, label_smoothing: object) -> None:
    """Make sure that an index is one, and a smoothing a share.

    Raises
    ------
    ValueError
        If ``ignore_index`` is neither None nor an integer of 32 bits, or ``label_smoothing`` no
        number from 0 to 1.
    """
    is_index = isinstance(ignore_index, Integral) and int(ignore_index) in _INDICES
    if not (ignore_index is None or is_index):
        msg = f"{layer}: ignore_index is {ignore_index!r}; it must be an integer of 32 bits or None"
        raise ValueError(msg)
    if not (isinstance(label_smoothing, Real) and 0 <= float(label_smoothing) <= 1):
        msg = f"{layer}: label_smoothing is {label_smoothing!r}; it must be a number from 0 to 1"
        raise ValueError(msg)


def check_class_weights(layer: str, weights: Any) -> Array:
    """Return the weights of classes: what is on the host as a read-only copy, others as they are.

    Raises
    ------
    ShapeError
        If they are not of shape (C,).
    DTypeError
        If they are not real numbers.
    ValueError
        If one is negative or not finite, as far as the host can read them here.
    """
    array = weights
    if isinstance(weights, np.ndarray) or not _is_array(weights):
        array = to_numpy(weights).astype("float64")
        array.flags.writeable = False
    if array.ndim != 1 or array.shape[0] == 0:
        msg = f"{layer}: class_weights has shape {tuple(array.shape)}; it must be (C,)"
        raise ShapeError(msg)
    if is_readable(array):
        host = to_numpy(array)
        wrong = ~((host >= 0) & (host < np.inf))
        if wrong.any():
            label = int(np.argmax(wrong))
            msg = (
                f"{layer}: the weight of class {label} is {host[label]}; class_weights must be "
                "finite and not negative"
            )
            raise ValueError(msg)
    return array


def _is_array(weights: Any) -> bool:
    try:
        adapter_of(weights)
    except BackendMismatchError:
        return False
    return True


def class_weights_like(layer: str, weights: Any, x: Array) -> Array:
    """Return class weights where the scores ``x`` live, in the dtype in which their sums are held.

    A list or an array of NumPy is brought there.

    Raises
    ------
    ShapeError, DTypeError, ValueError
        As :func:`check_class_weights`, or if there are not as many as classes.
    BackendMismatchError
        If they are an array of another library or device, NumPy's excepted.
    """
    array = check_class_weights(layer, weights)
    if array.shape[0] != x.shape[-1]:
        msg = (
            f"{layer}: class_weights has shape {tuple(array.shape)}, but x has shape "
            f"{tuple(x.shape)}; there must be a weight for each of the {x.shape[-1]} classes"
        )
        raise ShapeError(msg)
    adapter = adapter_of(x)
    dtype = find_dtype(adapter.xp, "float32") if is_half(x.dtype) else x.dtype
    if isinstance(array, np.ndarray):
        host = array.astype(dtype_name(dtype), copy=False)
        return adapter.from_numpy(host, device_of(x), dtype)
    check_same_home(layer, class_weights=array, x=x)
    return array if array.dtype == dtype else adapter.xp.astype(array, dtype)
