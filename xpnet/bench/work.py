"""How much work an op is, whoever does it and however.

A floating-point operation is one addition, multiplication, comparison, exponential or logarithm.
An element is counted once where an op reads or writes it; intermediate results and labels are
free. So a rate is what the mathematics needs divided by the time: extra passes over memory, and
matrix products that nobody reads, make a contender slower, never busier.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "Work",
    "affine_backward_work",
    "affine_work",
    "loss_backward_work",
    "loss_work",
    "softmax_work",
    "step_work",
]


@dataclass(frozen=True)
class Work:
    """How many floating-point operations, and how many elements read or written."""

    flops: int
    elements: int

    def __add__(self, other: Work) -> Work:
        return Work(self.flops + other.flops, self.elements + other.elements)


def softmax_work(N: int, C: int) -> Work:
    """5NC: maximum, subtraction, exponential, sum, division; reads x and writes y.

    Examples
    --------
    >>> softmax_work(2, 3)
    Work(flops=30, elements=12)
    """
    return Work(5 * N * C, 2 * N * C)


def loss_work(N: int, C: int) -> Work:
    """And 3N for ``log(sum) - score`` and the mean."""
    return softmax_work(N, C) + Work(3 * N, 0)


def loss_backward_work(N: int, C: int) -> Work:
    """2NC for ``(y - t) / N``; reads y and writes dx."""
    return Work(2 * N * C, 2 * N * C)


def affine_work(N: int, D: int, M: int) -> Work:
    """2NDM for ``x @ W`` and NM for ``+ b``; reads x, W, b and writes y."""
    return Work(2 * N * D * M + N * M, N * D + D * M + M + N * M)


def affine_backward_work(N: int, D: int, M: int) -> Work:
    """For dW and db as much as forward; for dx 2NDM, reading W and writing dx."""
    return affine_work(N, D, M) + Work(2 * N * D * M, D * M + N * D)


def step_work(N: int, D: int, H: int, C: int) -> Work:
    """Forward and backward of a net D-H-C without its first ``dx``, and the update.

    ReLU takes NH operations each way, the update 2 for each parameter.
    """
    hidden = N * H
    count = (D + 1) * H + (H + 1) * C
    first_param_gradients = affine_work(N, D, H)
    return (
        affine_work(N, D, H)
        + Work(hidden, 2 * hidden)
        + affine_work(N, H, C)
        + loss_work(N, C)
        + loss_backward_work(N, C)
        + affine_backward_work(N, H, C)
        + Work(hidden, 3 * hidden)
        + first_param_gradients
        + Work(2 * count, 3 * count)
    )
