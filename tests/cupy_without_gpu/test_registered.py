"""The kernels in the form that ops ask for, run on the CPU and held against the generic ops."""

from __future__ import annotations

import numpy as np
import pytest
from cuda_on_cpu import CPU
from kernels.arguments import ARGUMENTS, call
from optimizers.catalog import OPTIMIZERS

from xpnet import kernels
from xpnet.kernels.cuda import KERNELS
from xpnet.kernels.cuda.registered import registered
from xpnet.testing.tolerance import tolerance

OPS = [op for op in KERNELS if not op.endswith("_update")]


def as_tuple(result):
    return result if isinstance(result, tuple) else (result,)


def assert_close(found, expected, length):
    for actual, truth in zip(as_tuple(found), as_tuple(expected), strict=True):
        assert (actual.shape, actual.dtype) == (truth.shape, truth.dtype)
        allowed = tolerance(truth.dtype, length)
        scale = max(1.0, float(np.max(np.abs(truth), initial=0.0)))
        np.testing.assert_allclose(actual, truth, rtol=allowed, atol=allowed * scale)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(5, 7), (3, 1025), (2, 3, 33), (0, 4)], ids=str)
@pytest.mark.parametrize("op", OPS)
def test_a_kernel_is_its_op(op, shape, dtype, cpu: CPU) -> None:
    x = np.random.default_rng(0).standard_normal(shape).astype(dtype)
    args = ARGUMENTS[op](x, np.random.default_rng(1))
    copies = [np.copy(a) if isinstance(a, np.ndarray) else a for a in args]

    found = registered(cpu)[op](*args)

    with kernels.disabled():
        assert_close(found, call(op, *args), max(*shape, 2))
    for argument, copy in zip(args, copies, strict=True):
        if isinstance(argument, np.ndarray):
            np.testing.assert_array_equal(argument, copy)


@pytest.mark.parametrize("op", ["softmax", "log_softmax", "relu_backward", "softmax_backward"])
def test_a_result_may_replace_the_first_argument_alone(op, cpu: CPU) -> None:
    x = np.random.default_rng(0).standard_normal((5, 7)).astype("float32")
    *args, _ = ARGUMENTS[op](x, np.random.default_rng(1))
    kernel = registered(cpu)[op]
    expected = kernel(*(np.copy(a) if isinstance(a, np.ndarray) else a for a in args), None)

    assert kernel(*args, np.empty_like(x)) is None
    assert kernel(*args, args[0]) is args[0]
    np.testing.assert_array_equal(args[0], expected)


@pytest.mark.parametrize("op", OPS)
def test_other_layouts_go_to_the_generic_op(op, cpu: CPU) -> None:
    x = np.random.default_rng(0).standard_normal((6, 5)).astype("float32")
    args = ARGUMENTS[op](x, np.random.default_rng(1))
    args = [np.asfortranarray(a) if np.ndim(a) == 2 else a for a in args]

    assert registered(cpu)[op](*args) is None
    assert cpu.launched == []


@pytest.mark.parametrize("entry", OPTIMIZERS.values(), ids=str)
def test_an_update_is_its_rule(entry, cpu: CPU) -> None:
    rng = np.random.default_rng(0)
    optimizer = entry.make()
    param, grad = (rng.standard_normal((5, 7)).astype("float32") for _ in range(2))
    memory = {
        name: 3 if name == "step" else rng.random((5, 7)).astype("float32")
        for name in optimizer.memory
    }
    expected = entry.rule(param, grad, **memory, **optimizer.settings)

    kernel = registered(cpu)[entry.rule.__name__]
    assert kernel(param, grad, **memory, **optimizer.settings)

    arrays = [array for name, array in memory.items() if name != "step"]
    assert_close((param, *arrays), expected, 2)
    assert kernel(param, grad[:4], **memory, **optimizer.settings) is None


@pytest.mark.parametrize(
    "dout",
    [np.asarray(1.0), np.float32(1), np.ones((1,), dtype="float32"), [1.0], None],
    ids=["another dtype", "a scalar", "another shape", "a list", "None"],
)
def test_an_upstream_gradient_whose_bytes_mean_something_else_goes_to_the_generic_op(
    dout, cpu: CPU
) -> None:
    y, t = np.full((2, 4), 0.25, dtype="float32"), np.asarray([0, 1])

    assert registered(cpu)["softmax_with_loss_backward"](y, t, dout) is None
    assert cpu.launched == []
