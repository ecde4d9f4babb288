"""A whole training step: forward, backward and the update of a two-layer net."""

import pytest

from benchmarks.contenders import book_contender
from benchmarks.verify import assert_close
from benchmarks.workloads import STEP_SHAPES


@pytest.mark.parametrize("shape", STEP_SHAPES, ids=lambda shape: shape.name)
def test_training_step(measure, contender, shape):
    training = contender.training(shape)
    truth = book_contender("float64").training(shape)
    assert_close(training.gradient().values(), truth.gradient().values())
    measure(f"training step, {shape}", training.step, truth.step, shape.step)
