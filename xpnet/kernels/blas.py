"""Routines of NumPy's BLAS that NumPy does not offer, or not to compiled code.

BLAS keeps its threads awake between products. Another of its routines has them all at once, and
each finds in its processor's cache what it has just computed.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache, partial
from importlib import import_module
from typing import Any, TypeAlias

import numpy as np

__all__ = [
    "AS_IT_IS",
    "BY_ROWS",
    "TRANSPOSED",
    "add_scaled",
    "address_of",
    "blas_thread_count",
    "gemm_batch_for",
    "gemm_batch_of",
    "gemm_of",
    "set_blas_thread_count",
]

_Host: TypeAlias = np.ndarray[Any, Any]

# Values of the enumerations in cblas.h.
BY_ROWS, AS_IT_IS, TRANSPOSED = 101, 111, 112

_NUMBERS = {"f": ctypes.c_float, "d": ctypes.c_double}

# How builds of NumPy name a routine, and the integers that it takes.
_NAMES = {
    "scipy_{}64_": ctypes.c_int64,
    "{}64_": ctypes.c_int64,
    "scipy_{}": ctypes.c_int,
    "{}": ctypes.c_int,
}


def add_scaled(scale: float, x: _Host, y: _Host) -> Callable[[], None] | None:
    """Return what turns ``y`` into ``y + scale * x`` when it is called.

    Finding the addresses of the arrays takes longer than a small sum, and is done here. Each entry
    is rounded once or twice, as it suits the processor.

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
    ...     add()
    ...     assert y.tolist() == [1.5, 1.5]
    """
    axpy = _axpy(x.dtype)
    if axpy is None or _NUMBERS[x.dtype.char](scale).value == 0:
        return None
    return _bound(axpy, scale, x, y)


def address_of(array: Any) -> int:
    """Return where a contiguous array begins.

    Examples
    --------
    >>> array = np.ones(3)
    >>> address_of(array) == array.ctypes.data
    True
    """
    try:
        # A third of the time of the array's own attribute.
        return ctypes.addressof(ctypes.c_char.from_buffer(array))
    except (TypeError, ValueError):  # read-only, or without entries
        return int(array.ctypes.data)


def _bound(axpy: Any, scale: float, x: _Host, y: _Host) -> Callable[[], None]:
    values = y.size, scale, address_of(x), 1, address_of(y), 1
    run = partial(axpy, *(kind(value) for kind, value in zip(axpy.argtypes, values, strict=True)))
    run.arrays = x, y  # type: ignore[attr-defined]  # whose addresses it has
    return run


@cache
def _axpy(dtype: np.dtype[Any]) -> Any:
    """Return ``cblas_saxpy`` or ``cblas_daxpy``, or None."""
    axpy, integer = _routine_for(dtype, "cblas_{}axpy")
    if axpy is not None:
        axpy.argtypes = [integer, _NUMBERS[dtype.char], *2 * [ctypes.c_void_p, integer]]
        axpy.restype = None
    return axpy


@cache
def gemm_of(dtype: np.dtype[Any]) -> int | None:
    """Return the address of ``cblas_sgemm`` or ``cblas_dgemm``, which take integers of 64 bits.

    None where NumPy shows no such routine, or another dtype has none.

    Examples
    --------
    >>> gemm_of(np.dtype("float16")) is None
    True
    """
    return _address_for(dtype, "cblas_{}gemm")


@cache
def gemm_batch_of(dtype: np.dtype[Any]) -> int | None:
    """Return the address of ``cblas_sgemm_batch`` or ``cblas_dgemm_batch`` of OpenBLAS, likewise.

    Its threads compute whole products, one each.
    """
    is_of_openblas = _routine("openblas_get_num_threads")[0] is not None
    return _address_for(dtype, "cblas_{}gemm_batch") if is_of_openblas else None


@cache
def gemm_batch_for(dtype: np.dtype[Any]) -> Any:
    """Return ``cblas_sgemm_batch`` or ``cblas_dgemm_batch``, where :func:`gemm_batch_of` has it."""
    routine, integer = _routine_for(dtype, "cblas_{}gemm_batch")
    routine.argtypes = [ctypes.c_int, *13 * [ctypes.c_void_p], integer, ctypes.c_void_p]
    routine.restype = None
    return routine


def blas_thread_count() -> int:
    """Return how many threads OpenBLAS would use now; 1 for another BLAS."""
    count, _ = _routine("openblas_get_num_threads")
    return 1 if count is None else int(count())


def set_blas_thread_count(count: int) -> None:
    """Tell OpenBLAS how many threads to use, in the whole process; another BLAS is not told."""
    tell, _ = _routine("openblas_set_num_threads")
    if tell is not None:
        tell(count)


def _address_for(dtype: np.dtype[Any], pattern: str) -> int | None:
    routine, integer = _routine_for(dtype, pattern)
    return None if integer is not ctypes.c_int64 else ctypes.cast(routine, ctypes.c_void_p).value


def _routine_for(dtype: np.dtype[Any], pattern: str) -> tuple[Any, Any]:
    letter = {"f": "s", "d": "d"}.get(dtype.char)
    return (None, None) if letter is None else _routine(pattern.format(letter))


@cache
def _routine(name: str) -> tuple[Any, Any]:
    """Return a routine of BLAS and the ctypes of its integers, or nothing but None."""
    for pattern, integer in _NAMES.items():
        routine = getattr(_library(), pattern.format(name), None)
        if routine is not None:
            return routine, integer
    return None, None


@cache
def _library() -> ctypes.CDLL | None:
    """Return the library with NumPy's products; on Linux and macOS, BLAS is found through it."""
    try:
        return ctypes.CDLL(import_module("numpy._core._multiarray_umath").__file__)
    except (ImportError, OSError):
        return None
