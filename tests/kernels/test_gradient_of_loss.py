"""The gradient of the loss, which kernels may write over their arguments."""

from __future__ import annotations

import numpy as np
import pytest
from kernels.arguments import LABELS

from xpnet import kernels, ops

SCORES = np.asarray([[1.0, -2.0, 0.5], [3.0, 3.0, -1.0]])


@pytest.fixture(autouse=True, params=["numpy", "numba"])
def provider(request):
    if request.param == "numba":
        pytest.importorskip("numba", reason="numba is not installed: run nox -s tests_backends")
    with kernels.only(request.param):
        yield request.param


@pytest.mark.parametrize("shape", [(2, 3), (64, 32_768)], ids=["small", "past the caches"])
@pytest.mark.parametrize("labels", LABELS)
def test_the_gradient_of_the_loss_may_replace_the_probabilities(labels, provider, shape):
    rng = np.random.default_rng(0)
    y = ops.softmax(rng.standard_normal(shape, dtype="float32"))
    t = LABELS[labels](y, rng)
    with kernels.watch() as ran:
        expected = ops.softmax_with_loss_backward(1.0, y, t)
        assert ops.softmax_with_loss_backward(1.0, y, t, out=y) is y

    assert [kernel.provider for kernel in ran] == [provider, provider]
    np.testing.assert_array_equal(y, expected)


def test_the_gradient_of_the_loss_may_replace_the_labels():
    y, labels = ops.softmax(-SCORES), ops.softmax(SCORES)
    with kernels.watch() as ran:
        expected = ops.softmax_with_loss_backward(1.0, y, labels)
        for start in (1, 0):  # the labels themselves, and an array that overlaps with them
            memory = np.concatenate([labels[:1], labels])
            out = memory[start:][:2]

            assert ops.softmax_with_loss_backward(1.0, y, memory[1:], out=out) is out

            np.testing.assert_allclose(out, expected, rtol=1e-12)
    assert len(ran) == 1
