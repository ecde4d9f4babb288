"""What is timed: shapes, inputs, and how much work each is.

Work is what the mathematics needs, the same for every contender, however much more one of them
does. A floating-point operation is one addition, multiplication, comparison, exponential or
logarithm. An element is counted once where an op reads or writes it; intermediate results and
labels are free, so GB/s is the traffic that a perfect op would need in the time taken.

Each kind of work comes in three sizes: *small* is one sample of the 8x8 digits, where only the
cost of the calls counts; *book* is the book's net, 784-50-10 with a batch of 100; *large* fills
the machine.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SEED = 20240229


@dataclass(frozen=True)
class Work:
    """How many floating-point operations, and how many elements read or written."""

    flops: int
    elements: int

    def __add__(self, other: Work) -> Work:
        return Work(self.flops + other.flops, self.elements + other.elements)


@dataclass(frozen=True)
class AffineShape:
    """``(N, D) @ (D, M) + (M,)``."""

    name: str
    N: int
    D: int
    M: int

    def __str__(self) -> str:
        return f"{self.name} {self.N}x{self.D}x{self.M}"

    def arrays(self):
        """Return ``x``, ``W``, ``b`` and ``dout`` in float64."""
        rng = np.random.default_rng(SEED)
        shapes = (self.N, self.D), (self.D, self.M), (self.M,), (self.N, self.M)
        return [rng.standard_normal(shape) for shape in shapes]

    @property
    def forward(self) -> Work:
        """2NDM for ``x @ W`` and NM for ``+ b``; reads x, W, b and writes y."""
        N, D, M = self.N, self.D, self.M
        return Work(2 * N * D * M + N * M, N * D + D * M + M + N * M)

    @property
    def param_gradients(self) -> Work:
        """2NDM for ``x.T @ dout`` and NM for its sum; reads dout, x and writes dW, db."""
        return self.forward

    @property
    def backward(self) -> Work:
        """And 2NDM for ``dout @ W.T``; reads W too and writes dx."""
        N, D, M = self.N, self.D, self.M
        return self.param_gradients + Work(2 * N * D * M, D * M + N * D)


@dataclass(frozen=True)
class SoftmaxShape:
    """Scores of N samples for C classes."""

    name: str
    N: int
    C: int

    def __str__(self) -> str:
        return f"{self.name} {self.N}x{self.C}"

    def arrays(self):
        """Return scores in float64 and labels."""
        rng = np.random.default_rng(SEED)
        return rng.standard_normal((self.N, self.C)), rng.integers(self.C, size=self.N)

    @property
    def forward(self) -> Work:
        """5NC: maximum, subtraction, exponential, sum, division; reads x and writes y."""
        return Work(5 * self.N * self.C, 2 * self.N * self.C)

    @property
    def with_loss(self) -> Work:
        """And 3N for ``log(sum) - score`` and the mean; 2NC for ``(y - t) / N``, from y to dx."""
        return self.forward + Work(2 * self.N * self.C + 3 * self.N, 2 * self.N * self.C)


@dataclass(frozen=True)
class StepShape:
    """One SGD step of a net D-H-C with a batch of N samples."""

    name: str
    N: int
    D: int
    H: int
    C: int

    def __str__(self) -> str:
        return f"{self.name} {self.D}-{self.H}-{self.C} batch {self.N}"

    def params(self):
        """Return new parameters in float64; a step changes them."""
        rng = np.random.default_rng(SEED)
        return {
            "W1": 0.01 * rng.standard_normal((self.D, self.H)),
            "b1": np.zeros(self.H),
            "W2": 0.01 * rng.standard_normal((self.H, self.C)),
            "b2": np.zeros(self.C),
        }

    def batch(self):
        """Return pixels from 0 to 1 in float64, and labels."""
        rng = np.random.default_rng(SEED + 1)
        return rng.random((self.N, self.D)), rng.integers(self.C, size=self.N)

    @property
    def step(self) -> Work:
        """Forward and backward of all layers but for the first ``dx``, which nobody reads.

        ReLU takes NH operations each way, the update 2 for each parameter.
        """
        first = AffineShape(self.name, self.N, self.D, self.H)
        second = AffineShape(self.name, self.N, self.H, self.C)
        hidden = self.N * self.H
        count = (self.D + 1) * self.H + (self.H + 1) * self.C
        return (
            first.forward
            + Work(hidden, 2 * hidden)
            + second.forward
            + SoftmaxShape(self.name, self.N, self.C).with_loss
            + second.backward
            + Work(hidden, 3 * hidden)
            + first.param_gradients
            + Work(2 * count, 3 * count)
        )


AFFINE_SHAPES = [
    AffineShape("small", 1, 64, 32),
    AffineShape("book", 100, 784, 50),
    AffineShape("large", 1024, 1024, 1024),
]
SOFTMAX_SHAPES = [
    SoftmaxShape("small", 1, 10),
    SoftmaxShape("book", 100, 10),
    SoftmaxShape("large", 1024, 1000),
]
STEP_SHAPES = [
    StepShape("small", 1, 64, 32, 10),
    StepShape("book", 100, 784, 50, 10),
    StepShape("large", 256, 784, 1024, 10),
]
