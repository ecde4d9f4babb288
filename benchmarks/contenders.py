"""Who competes: the book in two dtypes, and xpnet on every backend that works here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from types import ModuleType
from typing import Any, NamedTuple

import xpnet
from benchmarks import book
from benchmarks.workloads import StepShape

BASELINE = "book-float64"

# All steps train on one batch. At this rate thousands of them leave the numbers what they were.
LEARNING_RATE = 1e-4


class Training(NamedTuple):
    """A net with its batch: the gradients as they are now, and one step."""

    gradient: Callable[[], dict[str, Any]]
    step: Callable[[], tuple[Any, ...]]


@dataclass(frozen=True)
class Contender:
    """One way to compute the same thing.

    ``ops`` has the functions of ``xpnet.ops``; ``train`` makes a Training of parameters and a
    batch.
    """

    name: str
    backend: xpnet.Backend
    ops: ModuleType
    train: Callable[..., Training]

    def __str__(self) -> str:
        return self.name

    def arrays(self, *host: Any) -> list[Any]:
        """Return host arrays in the contender's library, device and dtype."""
        return [xpnet.asarray(array, xp=self.backend) for array in host]

    def training(self, shape: StepShape) -> Training:
        params = shape.params()
        own_params = dict(zip(params, self.arrays(*params.values()), strict=True))
        return self.train(own_params, *self.arrays(*shape.batch()))


def _train_book(params: dict[str, Any], x: Any, t: Any) -> Training:
    def step() -> tuple[Any, ...]:
        book.training_step(params, x, t, LEARNING_RATE)
        return tuple(params.values())

    return Training(partial(book.gradient, params, x, t), step)


def _train_xpnet(params: dict[str, Any], x: Any, t: Any) -> Training:
    net = xpnet.TwoLayerNet(*params["W1"].shape, *params["b2"].shape)
    net.params.update(params)
    optimizer = xpnet.SGD(LEARNING_RATE)

    def step() -> tuple[Any, ...]:
        optimizer.update(net.params, net.gradient(x, t))
        return tuple(net.params.values())

    return Training(partial(net.gradient, x, t), step)


def _backend(name: str, device: str | None = None, dtype: str = "float32") -> xpnet.Backend:
    with xpnet.use_backend(name, device=device, dtype=dtype) as backend:
        return backend


def book_contender(dtype: str) -> Contender:
    return Contender(f"book-{dtype}", _backend("numpy", dtype=dtype), book, _train_book)


def xpnet_contender(name: str, device: str | None = None) -> Contender:
    suffix = f"-{device}" if device else ""
    return Contender(f"xpnet-{name}{suffix}", _backend(name, device), xpnet.ops, _train_xpnet)


@cache
def all_contenders() -> list[Contender]:
    """Return the book first, so that the baseline is there whatever fails later."""
    books = [book_contender("float64"), book_contender("float32")]
    usable = [name for name, status in xpnet.available_backends().items() if status.available]
    return books + [xpnet_contender(name) for name in usable] + _torch_on_gpu(usable)


def _torch_on_gpu(usable: list[str]) -> list[Contender]:
    """PyTorch alone stays on the CPU unless it is told to leave."""
    if "torch" in usable:
        import torch

        if torch.cuda.is_available():
            return [xpnet_contender("torch", "cuda")]
    return []
