"""The shapes of the comparison: a single sample, the book's sizes, and what fills the machine."""

from xpnet.bench.workloads import (
    AffineForward,
    AffineForwardBackward,
    Loss,
    LossBackward,
    Softmax,
    Step,
)

WORKLOADS = [
    Softmax(1, 10),
    Softmax(100, 10),
    Softmax(1024, 1000),
    Softmax(128, 32000),
    Softmax(4096, 4096),
    Loss(100, 10),
    Loss(1024, 1000),
    Loss(128, 32000),
    LossBackward(1, 10),
    LossBackward(100, 10),
    LossBackward(1024, 1000),
    LossBackward(128, 32000),
    AffineForward(1, 64, 32),
    AffineForward(100, 784, 50),
    AffineForward(1024, 1024, 1024),
    AffineForwardBackward(1, 64, 32),
    AffineForwardBackward(100, 784, 50),
    AffineForwardBackward(512, 512, 512),
    AffineForwardBackward(1024, 1024, 1024),
    AffineForwardBackward(512, 4096, 1024),
    Step(1, 64, 32, 10),
    Step(100, 784, 50, 10),
    Step(128, 784, 512, 10),
    Step(512, 784, 4096, 10),
]

# One of each kind, quick enough to check everybody's results on every change.
SMOKE = [
    Softmax(1024, 1000),
    Loss(100, 10),
    LossBackward(128, 32000),
    AffineForward(100, 784, 50),
    AffineForwardBackward(512, 512, 512),
    Step(100, 784, 50, 10),
]
