"""What is passed to cuBLAS, by a stand-in that reads it as cuBLAS does; nothing runs on a GPU."""

from __future__ import annotations

import ctypes
from types import SimpleNamespace

import numpy as np
import pytest

from xpnet.kernels.cuda.matmul import CuBLAS, CuBLASError

TYPES = {0: np.float32, 1: np.float64, 2: np.float16}
COMPUTE = {68: ctypes.c_float, 70: ctypes.c_double}


class DeviceArray:
    """An array on the host that tells of itself as CuPy's do."""

    def __init__(self, host: np.ndarray) -> None:
        self.host, self.shape, self.dtype = host, host.shape, host.dtype
        self.flags, self.nbytes = host.flags, host.nbytes
        self.data = SimpleNamespace(ptr=host.ctypes.data)

    @property
    def T(self) -> DeviceArray:
        return DeviceArray(self.host.T)


class Library:
    """CuBLAS, as far as it is called: matrices are by columns, and have a leading dimension."""

    def __init__(self, status: int = 0) -> None:
        self.status = status
        self.calls: list[str] = []
        self.workspace: tuple[int, int] | None = None

    def cublasCreate_v2(self, handle) -> int:
        self.calls.append("create")
        handle._obj.value = 42
        return 0

    def cublasSetStream_v2(self, handle, stream) -> int:
        self.calls.append(f"stream {stream.value}")
        self.workspace = None
        return 0

    def cublasSetWorkspace_v2(self, handle, place, size) -> int:
        self.workspace = place.value, size.value
        return 0

    def cublasGemmEx(self, handle, op_a, op_b, m, n, k, alpha, a, type_a, lda, b, type_b, ldb,
                     beta, c, type_c, ldc, compute, algorithm) -> int:  # fmt: skip
        self.calls.append("gemm")
        assert handle.value == 42
        assert self.workspace is not None, "the stream has taken the workspace away"
        assert algorithm.value == -1
        kind = COMPUTE[compute.value]
        assert type(alpha._obj) is type(beta._obj) is kind
        assert (alpha._obj.value, beta._obj.value) == (1, 0)
        m, n, k = m.value, n.value, k.value
        left = self.matrix(a, type_a, lda, (m, k), op_a)
        right = self.matrix(b, type_b, ldb, (k, n), op_b)
        out = self.matrix(c, type_c, ldc, (m, n), ctypes.c_int(0))
        out[...] = left.astype(float) @ right.astype(float)
        return self.status

    @staticmethod
    def matrix(place, kind, leading, shape, operation) -> np.ndarray:
        """Return a view of memory as the matrix that cuBLAS makes of it."""
        rows, columns = shape if operation.value == 0 else shape[::-1]
        dtype = np.dtype(TYPES[kind.value])
        assert leading.value >= rows
        size = leading.value * (columns - 1) + rows
        memory = (ctypes.c_char * (size * dtype.itemsize)).from_address(place.value)
        strides = (dtype.itemsize, leading.value * dtype.itemsize)
        matrix = np.ndarray((rows, columns), dtype, buffer=memory, strides=strides)
        return matrix if operation.value == 0 else matrix.T


def draw(seed: int, *shape: int, dtype: str = "float32") -> DeviceArray:
    return DeviceArray(np.random.default_rng(seed).normal(size=shape).astype(dtype))


def cublas(library: Library) -> CuBLAS:
    return CuBLAS(library, DeviceArray(np.zeros(64, dtype=np.uint8)))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("transposed", ["", "a", "b", "ab"])
@pytest.mark.parametrize(("n", "d", "m"), [(2, 3, 4), (5, 1, 7), (1, 1, 1), (1, 6, 2), (6, 2, 1)])
def test_a_product(transposed: str, dtype: str, n: int, d: int, m: int) -> None:
    a = draw(1, d, n, dtype=dtype).T if "a" in transposed else draw(1, n, d, dtype=dtype)
    b = draw(2, m, d, dtype=dtype).T if "b" in transposed else draw(2, d, m, dtype=dtype)
    out = draw(3, n, m, dtype=dtype)

    cublas(Library()).matmul(a, b, out, stream=0)

    exact = a.host.astype(float) @ b.host.astype(float)
    np.testing.assert_allclose(out.host, exact.astype(dtype), rtol=1e-3 if "16" in dtype else 1e-6)


def test_the_workspace_is_set_again_with_each_other_stream() -> None:
    library = Library()
    own = cublas(library)
    for stream in (7, 7, 8, 8, 7):
        own.matmul(draw(1, 2, 2), draw(2, 2, 2), draw(3, 2, 2), stream=stream)

    expected = [
        "create",
        "stream 7",
        "gemm",
        "gemm",
        "stream 8",
        "gemm",
        "gemm",
        "stream 7",
        "gemm",
    ]
    assert library.calls == expected
    assert library.workspace is not None
    assert library.workspace[1] == 64


def test_an_error_of_cublas_is_raised() -> None:
    with pytest.raises(CuBLASError, match="cublasGemmEx failed with status 13"):
        cublas(Library(status=13)).matmul(draw(1, 2, 2), draw(2, 2, 2), draw(3, 2, 2), stream=0)
