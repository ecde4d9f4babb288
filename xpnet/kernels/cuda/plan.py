"""Which kernel takes an array, and in how many blocks of how many threads: plain arithmetic.

A kernel is a C++ template in a ``.cu`` file beside this module; its name says with which types and
sizes it is compiled, such as ``softmax<float, 128, 4>``.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from xpnet._typing import DType
from xpnet.dtypes import dtype_name

__all__ = [
    "ACTIVATIONS",
    "FLOATS",
    "LABELS",
    "Kernel",
    "Launch",
    "elementwise",
    "every_kernel",
    "mean_of_losses",
    "rowwise",
]

FLOATS = {
    "float16": "__half",
    "bfloat16": "__nv_bfloat16",
    "float32": "float",
    "float64": "double",
}
LABELS = {"int32": "int", "int64": "long long"}
ACTIVATIONS = {"none": "None", "relu": "ReLU", "sigmoid": "Sigmoid"}

_SIZE = {"float16": 8, "bfloat16": 8, "float32": 4, "float64": 2}  # numbers in 16 bytes
_MEAN_THREADS = 1024
_ELEMENTWISE_THREADS = 256  # as in elementwise.cuh
_ELEMENTWISE_CHUNKS = {"float16": 1, "bfloat16": 1, "float32": 2, "float64": 2}

# How many threads take a row, and how many chunks of 16 bytes each of them keeps. A large team
# lets few rows be under way at once, so the smallest that can keep the row is taken.
_TEAMS = ((4, 2), (16, 2), (32, 4), (128, 4), (256, 8), (512, 8), (1024, 8))
_STREAMING = (512, 0)  # a row that no team can keep is read twice
_SMALLEST_BLOCK = 128
# As many as leave registers for the rest; 16-bit numbers are held as float32.
_MOST_CHUNKS = {"float16": 4, "bfloat16": 4, "float32": 8, "float64": 2}


class Kernel(NamedTuple):
    """One compiled function: the file it is in, and its name there."""

    file: str
    name: str


class Launch(NamedTuple):
    """A kernel with the number of its blocks and of the threads in each."""

    kernel: Kernel
    blocks: int
    threads: int


# The ops on rows: their file, and how many rows each keeps at once.
_ROWWISE = {
    "softmax": ("softmax.cu", 1),
    "log_softmax": ("softmax.cu", 1),
    "softmax_with_losses": ("softmax_with_loss.cu", 1),
    "softmax_backward": ("softmax_backward.cu", 2),
    "log_softmax_backward": ("softmax_backward.cu", 2),
}
_ELEMENTWISE = {
    "bias_activation": "activations.cu",
    "relu_backward": "activations.cu",
    "sigmoid_backward": "activations.cu",
    "softmax_with_loss_backward": "softmax_with_loss_backward.cu",
    "sgd": "updates.cu",
    "momentum": "updates.cu",
    "nesterov": "updates.cu",
    "adagrad": "updates.cu",
    "rmsprop": "updates.cu",
    "adam": "updates.cu",
}
_FURTHER_TYPES = {
    "softmax_with_losses": LABELS.values(),
    "softmax_with_loss_backward": LABELS.values(),
    "bias_activation": ACTIVATIONS.values(),
}

# A training step has the same shapes each time.
_remembered = lru_cache(maxsize=1024, typed=True)


@_remembered
def rowwise(op: str, dtype: DType, rows: int, n: int, *types: str) -> Launch:
    """Return the launch for an op on rows of ``n`` numbers.

    Parameters
    ----------
    op : str
        The function in the ``.cu`` file.
    dtype : dtype or str
        Of the rows.
    rows, n : int
        How many rows, and how long each is; neither is 0.
    *types : str
        Further types of the template.

    Examples
    --------
    >>> rowwise("softmax", "float32", rows=64, n=1000)
    Launch(kernel=Kernel(file='softmax.cu', name='softmax<float, 128, 4>'), blocks=64, threads=128)
    """
    file, arrays = _ROWWISE[op]
    name = dtype_name(dtype)
    size = _SIZE[name]
    needed = n // size if n % size == 0 else (n + 2 * size - 2) // size  # wherever the row begins
    team, chunks = next(
        ((team, chunks) for team, chunks in _teams(name, arrays) if team * chunks >= needed),
        _STREAMING,
    )
    threads = max(team, _SMALLEST_BLOCK)
    return Launch(
        _kernel(file, op, name, *types, team, chunks), -(-rows * team // threads), threads
    )


def _teams(dtype: str, arrays: int) -> list[tuple[int, int]]:
    most = _MOST_CHUNKS[dtype] // arrays
    return [(team, min(chunks, most)) for team, chunks in _TEAMS]


def _kernel(file: str, op: str, dtype: str, *arguments: object) -> Kernel:
    return Kernel(file, f"{op}<{', '.join(map(str, (FLOATS[dtype], *arguments)))}>")


@_remembered
def elementwise(op: str, dtype: DType, n: int, *types: str) -> Launch:
    """Return the launch for an op on ``n`` numbers, more than none.

    Examples
    --------
    >>> elementwise("sgd", "float32", 1_000_000).blocks
    489
    """
    name = dtype_name(dtype)
    chunks = 1 + -(-n // _SIZE[name])  # an array may begin and end within a chunk
    blocks = -(-chunks // (_ELEMENTWISE_THREADS * _ELEMENTWISE_CHUNKS[name]))
    return Launch(_kernel(_ELEMENTWISE[op], op, name, *types), blocks, _ELEMENTWISE_THREADS)


@_remembered
def mean_of_losses(dtype: DType) -> Launch:
    """Return the launch that takes the mean of all losses, in one block: its order is fixed."""
    kernel = _kernel("softmax_with_loss.cu", "mean_of_losses", dtype_name(dtype), _MEAN_THREADS)
    return Launch(kernel, 1, _MEAN_THREADS)


def every_kernel() -> dict[Kernel, int]:
    """Return all kernels that a launch can have, with their threads in a block.

    Examples
    --------
    >>> every_kernel()[Kernel("updates.cu", "sgd<double>")]
    256
    """
    kernels = {}
    for dtype in FLOATS:
        launch = mean_of_losses(dtype)
        kernels[launch.kernel] = launch.threads
        for op, (file, arrays) in _ROWWISE.items():
            for types in _types(op):
                for team, chunks in (*_teams(dtype, arrays), _STREAMING):
                    kernel = _kernel(file, op, dtype, *types, team, chunks)
                    kernels[kernel] = max(team, _SMALLEST_BLOCK)
        for op, file in _ELEMENTWISE.items():
            for types in _types(op):
                kernels[_kernel(file, op, dtype, *types)] = _ELEMENTWISE_THREADS
    return kernels


def _types(op: str) -> list[tuple[str, ...]]:
    return [(name,) for name in _FURTHER_TYPES[op]] if op in _FURTHER_TYPES else [()]
