"""What is timed: ops, shapes and inputs.

Inputs are float32 numbers, drawn on the host: each contender gets the same ones in its own
dtype. A workload has several sets of inputs, which are used in turn, so that large ones do not
come out of a cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

import numpy as np

from xpnet.bench import book
from xpnet.bench.contender import Contender, Job
from xpnet.bench.verify import assert_close, assert_near
from xpnet.bench.work import (
    Work,
    affine_backward_work,
    affine_work,
    loss_backward_work,
    loss_work,
    softmax_work,
    step_work,
)

__all__ = [
    "AffineForward",
    "AffineForwardBackward",
    "Loss",
    "LossBackward",
    "Softmax",
    "Step",
    "Workload",
]

Arrays: TypeAlias = tuple[np.ndarray[Any, Any], ...]

_SEED = 20240229
_ROTATED_BYTES = 2**26  # more than a core's share of a cache
_MOST_SETS = 16

# All timed steps train on a few batches. At this rate thousands of them leave the numbers what
# they were; one step at the other shows in float32 what it did.
_TIMED_RATE, _VERIFIED_RATE = 1e-4, 1.0


class Workload:
    """An op at a shape.

    Attributes
    ----------
    op : str
        The name of the method that does it, in a :class:`Contender`.
    phrase : str
        What it is called in a table.
    unit : str
        ``"GB/s"`` where memory is the limit, ``"GFLOP/s"`` where arithmetic is.
    limit : str
        What is the limit.
    N : int
        How many samples there are.
    """

    N: int
    op: ClassVar[str]
    phrase: ClassVar[str]
    unit: ClassVar[str] = "GB/s"
    limit: ClassVar[str] = "one copy"

    @property
    def shape(self) -> str:
        """Such as ``"1024x1000"``."""
        raise NotImplementedError

    @property
    def work(self) -> Work:
        """What the mathematics needs."""
        raise NotImplementedError

    def __str__(self) -> str:
        return f"{self.phrase} {self.shape}"

    def inputs(self, number: int = 0) -> Arrays:
        """Return a set of inputs; each number has its own."""
        raise NotImplementedError

    def expected(self, *inputs: np.ndarray[Any, Any]) -> Arrays:
        """Return what comes of a set of inputs in float64."""
        raise NotImplementedError

    def build(self, contender: Contender, *inputs: np.ndarray[Any, Any]) -> Job:
        """Return the contender's way to do it for inputs like these."""
        raise NotImplementedError

    def rotated_inputs(self) -> list[Arrays]:
        """Return as many sets of inputs as no cache holds, from 2 to 16."""
        first = self.inputs()
        count = _ROTATED_BYTES // sum(array.nbytes for array in first)
        return [first, *(self.inputs(i) for i in range(1, min(max(count, 2), _MOST_SETS)))]

    def verified_job(self, contender: Contender, inputs: Arrays, expected: Arrays) -> Job:
        """Return the contender's job, having made sure that its results are right.

        Raises
        ------
        AssertionError
            If they are not.
        """
        job = self.build(contender, *inputs)
        result = job.run(*contender.arrays(*inputs))
        contender.wait(result)
        assert_close(job.outputs(result), expected)
        return job


def _rng(number: int) -> np.random.Generator:
    return np.random.default_rng([_SEED, number])


def _normal(rng: np.random.Generator, *shape: int) -> np.ndarray[Any, Any]:
    return rng.standard_normal(shape, dtype=np.float32)


def _doubled(arrays: Sequence[np.ndarray[Any, Any]]) -> list[np.ndarray[Any, Any]]:
    return [a.astype(np.float64) if a.dtype.kind == "f" else a for a in arrays]


@dataclass(frozen=True)
class Softmax(Workload):
    """Scores of N samples for C classes, into an array that is used again."""

    N: int
    C: int

    op: ClassVar[str] = "softmax"
    phrase: ClassVar[str] = "softmax"

    @property
    def shape(self) -> str:
        return f"{self.N}x{self.C}"

    @property
    def work(self) -> Work:
        return softmax_work(self.N, self.C)

    def inputs(self, number: int = 0) -> Arrays:
        return (_normal(_rng(number), self.N, self.C),)

    def expected(self, *inputs: np.ndarray[Any, Any]) -> Arrays:
        (x,) = _doubled(inputs)
        return (book.softmax(x),)

    def build(self, contender: Contender, *inputs: np.ndarray[Any, Any]) -> Job:
        return contender.softmax(*contender.arrays(*inputs))


@dataclass(frozen=True)
class Loss(Softmax):
    """Softmax and cross entropy; the probabilities are a result, too."""

    op: ClassVar[str] = "loss"
    phrase: ClassVar[str] = "softmax with loss, forward"

    @property
    def work(self) -> Work:
        return loss_work(self.N, self.C)

    def inputs(self, number: int = 0) -> Arrays:
        rng = _rng(number)
        return _normal(rng, self.N, self.C), rng.integers(self.C, size=self.N)

    def expected(self, *inputs: np.ndarray[Any, Any]) -> Arrays:
        x, t = _doubled(inputs)
        y = book.softmax(x)
        # Without the book's 1e-7, which counts where the probabilities are small.
        return -np.mean(np.log(y[np.arange(self.N), t])), y

    def build(self, contender: Contender, *inputs: np.ndarray[Any, Any]) -> Job:
        return contender.loss(*contender.arrays(*inputs))


@dataclass(frozen=True)
class LossBackward(Loss):
    """Softmax and cross entropy, and the gradient of the scores."""

    op: ClassVar[str] = "loss_backward"
    phrase: ClassVar[str] = "softmax with loss, forward and backward"
    limit: ClassVar[str] = "two copies"

    @property
    def work(self) -> Work:
        return loss_work(self.N, self.C) + loss_backward_work(self.N, self.C)

    def expected(self, *inputs: np.ndarray[Any, Any]) -> Arrays:
        loss, y = super().expected(*inputs)
        return loss, book.softmax_with_loss_backward(1, y, inputs[1])

    def build(self, contender: Contender, *inputs: np.ndarray[Any, Any]) -> Job:
        return contender.loss_backward(*contender.arrays(*inputs))


@dataclass(frozen=True)
class AffineForward(Workload):
    """``(N, D) @ (D, M) + (M,)``."""

    N: int
    D: int
    M: int

    op: ClassVar[str] = "affine"
    phrase: ClassVar[str] = "affine, forward"
    unit: ClassVar[str] = "GFLOP/s"
    limit: ClassVar[str] = "one bare product"

    @property
    def shape(self) -> str:
        return f"{self.N}x{self.D}x{self.M}"

    @property
    def work(self) -> Work:
        return affine_work(self.N, self.D, self.M)

    def params(self) -> Arrays:
        """Return ``W`` and ``b``, which all sets of inputs share."""
        rng = _rng(-1 % 2**32)
        return _normal(rng, self.D, self.M), _normal(rng, self.M)

    def inputs(self, number: int = 0) -> Arrays:
        return (_normal(_rng(number), self.N, self.D),)

    def expected(self, *inputs: np.ndarray[Any, Any]) -> Arrays:
        return (book.affine(*_doubled((*inputs, *self.params()))),)

    def build(self, contender: Contender, *inputs: np.ndarray[Any, Any]) -> Job:
        return contender.affine(*contender.arrays(*inputs, *self.params()))


@dataclass(frozen=True)
class AffineForwardBackward(AffineForward):
    """And ``dx``, ``dW`` and ``db``."""

    op: ClassVar[str] = "affine_backward"
    phrase: ClassVar[str] = "affine, forward and backward"
    limit: ClassVar[str] = "three bare products"

    @property
    def work(self) -> Work:
        return super().work + affine_backward_work(self.N, self.D, self.M)

    def inputs(self, number: int = 0) -> Arrays:
        rng = _rng(number)
        return _normal(rng, self.N, self.D), _normal(rng, self.N, self.M)

    def expected(self, *inputs: np.ndarray[Any, Any]) -> Arrays:
        x, dout, W, b = _doubled((*inputs, *self.params()))
        return book.affine(x, W, b), *book.affine_backward(dout, x, W)

    def build(self, contender: Contender, *inputs: np.ndarray[Any, Any]) -> Job:
        return contender.affine_backward(*contender.arrays(*inputs, *self.params()))


@dataclass(frozen=True)
class Step(Workload):
    """One SGD step of a net D-H-C with a batch of N samples."""

    N: int
    D: int
    H: int
    C: int

    op: ClassVar[str] = "step"
    phrase: ClassVar[str] = "training step"
    unit: ClassVar[str] = "GFLOP/s"
    limit: ClassVar[str] = "five bare products"

    @property
    def shape(self) -> str:
        return f"{self.D}-{self.H}-{self.C} batch {self.N}"

    @property
    def work(self) -> Work:
        return step_work(self.N, self.D, self.H, self.C)

    def params(self) -> Arrays:
        """Return new ``W1``, ``b1``, ``W2``, ``b2``, for a step may change them in place."""
        rng = _rng(-1 % 2**32)
        std = np.float32(0.01)
        return (
            std * _normal(rng, self.D, self.H),
            np.zeros(self.H, dtype=np.float32),
            std * _normal(rng, self.H, self.C),
            np.zeros(self.C, dtype=np.float32),
        )

    def inputs(self, number: int = 0) -> Arrays:
        """Return pixels from 0 to 1, and labels."""
        rng = _rng(number)
        x = rng.random((self.N, self.D), dtype=np.float32)
        return x, rng.integers(self.C, size=self.N)

    def expected(self, *inputs: np.ndarray[Any, Any]) -> Arrays:
        """Return by how much a step at the rate 1 changes the parameters."""
        grads = book.gradient(_doubled(self.params()), *_doubled(inputs))
        return tuple(-_VERIFIED_RATE * grad for grad in grads)

    def build(self, contender: Contender, *inputs: np.ndarray[Any, Any]) -> Job:
        return self._build(contender, _TIMED_RATE)

    def _build(self, contender: Contender, lr: float) -> Job:
        return contender.step(contender.arrays(*self.params()), lr)

    def verified_job(self, contender: Contender, inputs: Arrays, expected: Arrays) -> Job:
        job = self._build(contender, _VERIFIED_RATE)
        result = job.run(*contender.arrays(*inputs))
        contender.wait(result)
        if after := job.outputs(result):
            pairs = zip(contender.to_numpy(*after), self.params(), strict=True)
            assert_near([new - old.astype(np.float64) for new, old in pairs], expected)
        return self.build(contender, *inputs)
