"""Products of matrices: CuPy's, and others while a CUDA graph is recorded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from xpnet._typing import Array
from xpnet.arrays import array_namespace, device_of
from xpnet.kernels.cuda.matmul import cublas_of

__all__ = ["capturable_products", "product"]

_capturable: ContextVar[bool] = ContextVar("xpnet_capturable_products", default=False)


@contextmanager
def capturable_products() -> Iterator[None]:
    """Multiply with xpnet's own cuBLAS handle, which works while a stream is captured."""
    token = _capturable.set(True)
    try:
        yield
    finally:
        _capturable.reset(token)


def product(a: Array, b: Array, out: Array) -> None:
    """Write ``a @ b`` to ``out``; see :meth:`xpnet.kernels.cuda.matmul.CuBLAS.matmul`."""
    if _capturable.get() and out.size:
        import cupy

        stream = cupy.cuda.get_current_stream().ptr
        device: Any = device_of(out)  # never None: nothing is traced here
        cublas_of(device.id).matmul(a, b, out, stream)
    else:
        array_namespace(a).matmul(a, b, out=out)
