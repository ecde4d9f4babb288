"""Products with weights in parts, one for each thread of BLAS.

BLAS divides a large product among its threads in its own way, and they wait for each other. In
parts, each has the same rows of the weights in forward, in both products of backward, and in the
update: they stay in its processor's cache, and it waits for nobody.
"""

from __future__ import annotations

import ctypes
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from xpnet.kernels.blas import (
    AS_IT_IS,
    BY_ROWS,
    TRANSPOSED,
    address_of,
    gemm_batch_for,
    gemm_batch_of,
)
from xpnet.kernels.contention import usual_thread_count

__all__ = ["POINTERS", "Multiplier", "Parts", "parts_of_backward", "parts_of_forward"]

_Host: TypeAlias = np.ndarray[Any, Any]

# Multiplications of a part. For up to a million, OpenBLAS 0.3.31 jumps to an address that is none.
_LEAST_WORK = 1_500_000
_WORTH_PARTS = 2 * _LEAST_WORK
# Thinner parts take longer than what BLAS makes of the whole.
_LEAST_SAMPLES, _LEAST_INPUTS = 16, 32
# With more threads than there were to measure with, BLAS is left to itself.
_MOST_THREADS = 4

# What is divided in a product: its rows, its columns, or the terms of its sums.
_ROWS, _COLUMNS, _TERMS = 0, 1, 2


# Of the 16 arguments of cblas_gemm_batch, those that lead to the factors and the product.
POINTERS = 7, 9, 12


class Parts(NamedTuple):
    """How a product of contiguous matrices is computed in parts, whatever the matrices.

    Attributes
    ----------
    plan : (arguments, offsets)
        What ``cblas_gemm_batch`` is told: numbers, and addresses of what lies in the same memory;
        0 at :data:`POINTERS`, where the addresses of the addresses of all parts go. And where the
        parts begin in both factors and in the product, in bytes: of shape (3, size).
    size : int
        How many parts there are.
    are_sums : bool
        Whether the parts are of the sums, so that each is a whole matrix, and the product is what
        they add up to.
    """

    plan: tuple[_Host, _Host]
    size: int
    are_sums: bool


def parts_of_forward(x: _Host, W: _Host) -> Parts | None:
    """Return how to compute ``x @ W``, or None to leave it to BLAS."""
    samples, (inputs, outputs) = len(x), W.shape
    if samples * inputs * outputs < _WORTH_PARTS:  # as most are, and these must not be delayed
        return None
    if not x.flags.c_contiguous:
        return None
    threads = _thread_count(samples, inputs, outputs, W.dtype)
    return _parts_of_forward(threads, samples, inputs, outputs, W.dtype) if threads > 1 else None


def parts_of_backward(dout: _Host, x: _Host) -> tuple[Parts, Parts] | tuple[None, None]:
    """Return how to compute ``dout @ W.T`` and ``x.T @ dout``, or two times None."""
    (samples, inputs), outputs = x.shape, dout.shape[1]
    if samples * inputs * outputs < _WORTH_PARTS or not x.flags.c_contiguous:
        return None, None
    threads = _thread_count(samples, inputs, outputs, x.dtype)
    if threads == 1:
        return None, None
    return _parts_of_backward(threads, samples, inputs, outputs, x.dtype)


def _thread_count(samples: int, inputs: int, outputs: int, dtype: np.dtype[Any]) -> int:
    """Return how many threads have a part each; 1 if none should."""
    if samples < _LEAST_SAMPLES or inputs < _LEAST_INPUTS or not gemm_batch_of(dtype):
        return 1
    threads = usual_thread_count()
    is_enough = samples * inputs * outputs >= threads * _LEAST_WORK
    return threads if is_enough and threads <= _MOST_THREADS else 1


@lru_cache(maxsize=64)
def _parts_of_forward(
    parts: int, samples: int, inputs: int, outputs: int, dtype: np.dtype[Any]
) -> Parts:
    # Sums of many samples would be too much to add up.
    divided = _TERMS if _are_many(inputs, samples) else _ROWS
    return _plan(parts, divided, (samples, outputs, inputs), AS_IT_IS, AS_IT_IS, dtype)


@lru_cache(maxsize=64)
def _parts_of_backward(
    parts: int, samples: int, inputs: int, outputs: int, dtype: np.dtype[Any]
) -> tuple[Parts, Parts]:
    divided = _COLUMNS if _are_many(inputs, samples) else _ROWS
    return (
        _plan(parts, divided, (samples, inputs, outputs), AS_IT_IS, TRANSPOSED, dtype),
        _plan(parts, _ROWS, (inputs, outputs, samples), TRANSPOSED, AS_IT_IS, dtype),
    )


def _are_many(inputs: int, samples: int) -> bool:
    """Whether rows of the weights are divided in all products; else samples, where they can be."""
    return inputs >= 4 * samples


def _plan(
    parts: int,
    divided: int,
    lengths: tuple[int, int, int],
    a_is: int,
    b_is: int,
    dtype: np.dtype[Any],
) -> Parts:
    """Return the parts of a product with so many rows, columns and terms."""
    rows, columns, terms = lengths
    starts = lengths[divided] * np.arange(parts + 1) // parts
    plan = np.zeros((), _layout(parts, dtype))
    plan["a_is"], plan["b_is"], plan["one"], plan["group"] = a_is, b_is, 1, 1
    plan["sizes"] = np.reshape(lengths, (3, 1))
    plan["sizes"][divided] = np.diff(starts)
    plan["a_width"] = rows if a_is == TRANSPOSED else terms
    plan["b_width"] = terms if b_is == TRANSPOSED else columns
    plan["width"] = columns

    # How many entries lie in each matrix between one row, one column, one term and the next.
    in_a = (1, 0, rows) if a_is == TRANSPOSED else (terms, 0, 1)
    in_b = (0, terms, 1) if b_is == TRANSPOSED else (0, 1, columns)
    in_product = (columns, 1, 0)
    entries = np.outer([in_a[divided], in_b[divided], in_product[divided]], starts[:-1])
    if divided == _TERMS:
        entries[2] = np.arange(parts) * rows * columns
    plan["offsets"] = entries * dtype.itemsize

    at = {name: plan[name].ctypes.data for name in plan.dtype.names}
    rows_at, columns_at, terms_at = (size.ctypes.data for size in plan["sizes"])
    plan["arguments"] = (
        *(BY_ROWS, at["a_is"], at["b_is"], rows_at, columns_at, terms_at),
        *(at["one"], 0, at["a_width"], 0, at["b_width"]),
        *(at["zero"], 0, at["width"]),
        *(parts, at["group"]),
    )
    return Parts((plan["arguments"], plan["offsets"]), parts, divided == _TERMS)


def _layout(parts: int, dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the dtype of one piece of memory with all that is told of each part."""
    whole = ["a_width", "b_width", "width", "group"]
    return np.dtype(
        [
            ("arguments", np.int64, 16),
            ("offsets", np.int64, (3, parts)),
            ("sizes", np.int64, (3, parts)),
            *((name, np.int64, parts) for name in whole),
            *((name, dtype, parts) for name in ("one", "zero")),
            *((name, np.int32, parts) for name in ("a_is", "b_is")),
        ]
    )


class Multiplier:
    """Computes a product in parts, again and again, for one thread.

    Parameters
    ----------
    parts : Parts
    dtype : numpy.dtype
        Of all matrices.
    """

    def __init__(self, parts: Parts, dtype: np.dtype[Any]) -> None:
        self._gemm_batch = gemm_batch_for(dtype)
        self._plan = arguments, offsets = parts.plan  # owns the memory that arguments point to
        self._offsets: list[list[int]] = offsets.tolist()
        self._addresses = (ctypes.c_int64 * offsets.size)()
        self._arguments = arguments.tolist()
        for index, position in enumerate(POINTERS):
            at = ctypes.addressof(self._addresses) + 8 * parts.size * index
            self._arguments[position] = at
        self._starts = [0, 0, 0]

    def __call__(self, *matrices: _Host) -> None:
        """Write the product of the first two matrices to the third, or its sums."""
        for index, matrix in enumerate(matrices):
            start = address_of(matrix)
            if start != self._starts[index]:
                self._start_at(index, start)
        self._gemm_batch(*self._arguments)

    def _start_at(self, index: int, start: int) -> None:
        offsets = self._offsets[index]
        self._starts[index] = 0  # until all is done: Ctrl-C may come between
        for part, offset in enumerate(offsets, index * len(offsets)):
            self._addresses[part] = start + offset
        self._starts[index] = start
