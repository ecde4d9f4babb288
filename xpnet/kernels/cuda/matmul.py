"""Products of matrices on a cuBLAS handle of xpnet's own, with a workspace of its own.

CuPy refuses to call cuBLAS while a stream is captured (https://github.com/cupy/cupy/issues/6290),
so that a training step with ``@`` cannot become a CUDA graph. This calls the same library through
ctypes. **It has not run on a GPU yet.**
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

from xpnet._typing import Array
from xpnet.dtypes import dtype_name

__all__ = ["CuBLAS", "CuBLASError", "cublas_of"]

_WORKSPACE_BYTES = 32 * 2**20  # what NVIDIA recommends for Hopper

# Values of the enumerations in library_types.h and cublas_api.h.
_DATA_TYPES = {"float32": 0, "float64": 1, "float16": 2, "bfloat16": 14}
_COMPUTE_32F, _COMPUTE_64F = 68, 70
_DEFAULT_ALGORITHM = -1
_AS_IT_IS, _TRANSPOSED = 0, 1


class CuBLASError(RuntimeError):
    """CuBLAS has reported an error."""


class CuBLAS:
    """A cuBLAS handle for one device. It has not run on a GPU yet.

    Parameters
    ----------
    library : ctypes.CDLL
        The cuBLAS library.
    workspace : array
        Bytes on the device, kept as long as the handle.
    """

    def __init__(self, library: Any, workspace: Array) -> None:
        self._library = library
        self._workspace = workspace
        self._handle = ctypes.c_void_p()
        self._stream: int | None = None
        self._call("cublasCreate_v2", ctypes.byref(self._handle))

    def matmul(self, a: Array, b: Array, out: Array, stream: int) -> None:
        """Write ``a @ b`` to ``out`` on a stream, with sums in float32 or float64.

        Parameters
        ----------
        a, b : array, shape (N, D) and (D, M)
            Of one dtype; each contiguous, or the transpose of a contiguous array.
        out : array, shape (N, M)
            Contiguous, of the same dtype.
        stream : int
            The address of the stream.

        Raises
        ------
        CuBLASError
            If cuBLAS fails.
        """
        if stream != self._stream:  # which also takes the workspace away
            size = ctypes.c_size_t(self._workspace.nbytes)
            self._call("cublasSetStream_v2", self._handle, ctypes.c_void_p(stream))
            self._call("cublasSetWorkspace_v2", self._handle, _address(self._workspace), size)
            self._stream = stream
        name = dtype_name(out.dtype)
        (n, m), d = out.shape, a.shape[1]
        scalar = ctypes.c_double if name == "float64" else ctypes.c_float
        kind = ctypes.c_int(_DATA_TYPES[name])
        # cuBLAS has columns where C has rows, and so sees out.T = b.T @ a.T.
        self._call(
            "cublasGemmEx",
            self._handle,
            *(ctypes.c_int(_operation(matrix)) for matrix in (b, a)),
            *(ctypes.c_int(size) for size in (m, n, d)),
            ctypes.byref(scalar(1)),
            *(_address(b), kind, _leading(b)),
            *(_address(a), kind, _leading(a)),
            ctypes.byref(scalar(0)),
            *(_address(out), kind, _leading(out)),
            ctypes.c_int(_COMPUTE_64F if name == "float64" else _COMPUTE_32F),
            ctypes.c_int(_DEFAULT_ALGORITHM),
        )

    def _call(self, function: str, *arguments: Any) -> None:
        status = getattr(self._library, function)(*arguments)
        if status != 0:
            msg = f"{function} failed with status {status} (see cublasStatus_t in cublas_api.h)"
            raise CuBLASError(msg)


@cache
def cublas_of(device: int) -> CuBLAS:
    """Return the handle for a device, on which it is made at the first call."""
    import cupy
    from cuda.pathfinder import load_nvidia_dynamic_lib

    library = ctypes.CDLL(load_nvidia_dynamic_lib("cublas").abs_path)
    with cupy.cuda.Device(device):
        return CuBLAS(library, cupy.empty(_WORKSPACE_BYTES, dtype="uint8"))


def _address(array: Array) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.data.ptr)


def _operation(matrix: Array) -> int:
    return _AS_IT_IS if matrix.flags.c_contiguous else _TRANSPOSED


def _leading(matrix: Array) -> ctypes.c_int:
    """Return the length of a row in memory."""
    return ctypes.c_int(matrix.shape[1 if matrix.flags.c_contiguous else 0])
