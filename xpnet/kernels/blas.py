"""A routine of NumPy's BLAS that NumPy itself does not offer: a scaled sum in place.

BLAS keeps its threads awake between products. Another of its routines has them all at once, and
each finds in its processor's cache what it has just computed there.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache, partial
from importlib import import_module
from typing import Any, TypeAlias

import numpy as np

__all__ = ["add_scaled"]

_Host: TypeAlias = np.ndarray[Any, Any]

# How builds of NumPy name it, and the integers that it takes.
_NAMES = {
    "scipy_cblas_{}axpy64_": ctypes.c_int64,
    "cblas_{}axpy64_": ctypes.c_int64,
    "scipy_cblas_{}axpy": ctypes.c_int,
    "cblas_{}axpy": ctypes.c_int,
}
_NUMBERS = {"f": ("s", ctypes.c_float), "d": ("d", ctypes.c_double)}


def add_scaled(scale: float, x: _Host, y: _Host) -> Callable[[_Host, _Host], None] | None:
    """Return what turns ``y`` into ``y + scale * x`` when it is called with ``x`` and ``y``.

    The result is for these two arrays alone: finding their addresses takes longer than a small sum.
    Each entry is rounded once or twice, as it suits the processor.

    Parameters
    ----------
    scale : float
    x, y : numpy.ndarray
        Contiguous, of one size and dtype; y can be written to.

    Returns
    -------
    callable or None
        None where NumPy shows no such routine; or where the scale is 0 in the dtype, for BLAS
        does not look at ``x`` then, and leaves out its NaN.

    Examples
    --------
    >>> x, y = np.ones(2), np.ones(2)
    >>> add = add_scaled(0.5, x, y)
    >>> if add is not None:
    ...     add(x, y)
    ...     assert y.tolist() == [1.5, 1.5]
    """
    axpy = _axpy(x.dtype)
    return None if axpy is None or not x.dtype.type(scale) else _bound(axpy, scale, x, y)


def _bound(axpy: Any, scale: float, x: _Host, y: _Host) -> Callable[[_Host, _Host], None]:
    values = y.size, scale, x.ctypes.data, 1, y.ctypes.data, 1
    run = partial(axpy, *(kind(value) for kind, value in zip(axpy.argtypes, values, strict=True)))
    return lambda _x, _y: run()


@cache
def _axpy(dtype: np.dtype[Any]) -> Any:
    """Return ``cblas_saxpy`` or ``cblas_daxpy``, or None."""
    if dtype.char not in _NUMBERS:
        return None
    letter, number = _NUMBERS[dtype.char]
    for name, integer in _NAMES.items():
        axpy = getattr(_library(), name.format(letter), None)
        if axpy is not None:
            axpy.argtypes = [integer, number, *2 * [ctypes.c_void_p, integer]]
            axpy.restype = None
            return axpy if _is_right(axpy, dtype) else None
    return None


@cache
def _library() -> ctypes.CDLL | None:
    """Return the library with NumPy's products; on Linux and macOS, BLAS is found through it."""
    try:
        return ctypes.CDLL(import_module("numpy._core._multiarray_umath").__file__)
    except (ImportError, OSError):
        return None


def _is_right(axpy: Any, dtype: np.dtype[Any]) -> bool:
    x, y = np.asarray([1, 2, 4], dtype), np.asarray([1, 1, 1], dtype)
    _bound(axpy, 0.5, x, y)(x, y)
    return bool((y == [1.5, 2, 3]).all())
