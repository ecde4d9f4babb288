"""The CUDA kernels on a GPU, against float64; elsewhere see tests/cupy_without_gpu."""

from __future__ import annotations

import pytest

pytest.importorskip("cupy", reason="CUDA KERNELS NOT RUN ON A GPU: CuPy is not installed")
pytest.importorskip("ml_dtypes", reason="CUDA KERNELS NOT RUN ON A GPU: ml_dtypes is missing")
import cupy
from cuda_on_cpu.trials import DTYPES, ELEMENTWISE, ROWWISE

from xpnet.kernels.cuda.launch import on_gpu

pytestmark = pytest.mark.skipif(
    not cupy.is_available(), reason="CUDA KERNELS NOT RUN ON A GPU: there is none"
)

LENGTHS = [1, 33, 1000, 1024, 1025, 4097, 10000, 32000, 32768, 50000]
OPS = {**ROWWISE, **ELEMENTWISE}


def misaligned(values):
    """Return a copy that begins one element after a 16-byte boundary."""
    memory = cupy.empty(values.size + 1, dtype=values.dtype)
    array = memory[1:].reshape(values.shape)
    array.set(values)
    return array


@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("op", OPS)
def test_on_the_gpu(op: str, dtype: str, n: int) -> None:
    for rows in (1, 77):
        for array in (cupy.asarray, misaligned):
            OPS[op](dtype, (rows, n)).run(on_gpu, array, host=cupy.asnumpy)


def test_the_loss_has_the_same_bits_each_time() -> None:
    found = set()
    for _ in range(20):
        trial = OPS["softmax_with_loss int64"]("float32", (5000, 100))
        arrays = [cupy.asarray(array) for array in trial.arrays]
        trial.call(*arrays, launch=on_gpu)
        found.add(arrays[2].get().tobytes())
    assert len(found) == 1
