"""The kernels in the form that ops ask for, run on the CPU and held against the generic ops."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from cuda_on_cpu import CPU
from kernels.arguments import arguments, call
from optimizers.catalog import OPTIMIZERS

from xpnet import backends, kernels
from xpnet.kernels.cuda import KERNELS
from xpnet.kernels.cuda.registered import registered as registered_by_name
from xpnet.ops.op import OPS as DECLARED
from xpnet.testing.tolerance import tolerance

OPS_WITH_OUT = [
    "log_softmax",
    "log_softmax_backward",
    "relu_backward",
    "sigmoid_backward",
    "softmax",
    "softmax_backward",
]
OPS = [op for op in KERNELS if not op.endswith("_update")]


def registered(launch):
    """Return the kernels with ``out`` as their last argument, as ``arguments`` has it."""

    def in_order(op, kernel):
        def run(*args, **settings):
            if not DECLARED[op].declaration.takes_out:
                return kernel(*args, **settings)
            *inputs, out = args
            return kernel(*inputs, out=out)

        return run

    return {op: in_order(op, kernel) for op, kernel in registered_by_name(launch).items()}


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
    args = arguments(op, None, x, np.random.default_rng(1))
    copies = [np.copy(a) if isinstance(a, np.ndarray) else a for a in args]

    found = registered(cpu)[op](*args)

    with kernels.disabled():
        assert_close(found, call(op, *args), max(*shape, 2))
    for argument, copy in zip(args, copies, strict=True):
        if isinstance(argument, np.ndarray):
            np.testing.assert_array_equal(argument, copy)


class DeviceArray(np.ndarray):
    """An array that tells its address as CuPy's do."""

    @property
    def data(self):
        return SimpleNamespace(ptr=self.ctypes.data)


class Elsewhere(DeviceArray):
    device = "another"


@pytest.fixture(autouse=True)
def _arrays_that_tell_their_address_are_known(monkeypatch):
    # Whatever computes otherwise than NumPy's own arrays is refused; these only look like CuPy's.
    for kind in (DeviceArray, Elsewhere):
        monkeypatch.setitem(backends._adapters, kind, backends.adapter_by_name("numpy"))


def arguments_but_out(op, shape=(5, 7)):
    x = np.random.default_rng(0).standard_normal(shape).astype("float32")
    *args, _ = arguments(op, None, x, np.random.default_rng(1))
    return [a.view(DeviceArray) if isinstance(a, np.ndarray) else a for a in args]


def arrays_among(args):
    return [a for a in args if isinstance(a, np.ndarray)]


@pytest.mark.parametrize("shape", [(5, 7), (3, 33000), (0, 4)], ids=str)
@pytest.mark.parametrize("op", OPS_WITH_OUT)
def test_a_result_goes_to_a_separate_array(op, shape, cpu: CPU) -> None:
    args, kernel = arguments_but_out(op, shape), registered(cpu)[op]
    expected = kernel(*args, None)
    out = np.full(shape, 7, dtype="float32").view(DeviceArray)
    before = [np.copy(a) for a in arrays_among(args)]
    written = []

    def launch(launch, *arguments) -> None:
        written.append(arguments[len(before)])
        cpu(launch, *arguments)

    assert registered(launch)[op](*args, out) is out
    assert all(array is out for array in written)
    assert len(written) == (1 if out.size else 0)
    np.testing.assert_array_equal(out, expected)
    for array, values in zip(arrays_among(args), before, strict=True):
        np.testing.assert_array_equal(array, values)


@pytest.mark.parametrize("op", OPS_WITH_OUT)
def test_a_result_may_replace_any_argument(op, cpu: CPU) -> None:
    args, kernel = arguments_but_out(op), registered(cpu)[op]
    expected = kernel(*args, None)
    for position in range(len(arrays_among(args))):
        own = [a.copy() if isinstance(a, np.ndarray) else a for a in args]
        assert kernel(*own, own[position]) is own[position]
        np.testing.assert_array_equal(own[position], expected)


@pytest.mark.parametrize("op", OPS_WITH_OUT)
def test_an_array_beside_an_argument_does_not_overlap_with_it(op, cpu: CPU) -> None:
    args, kernel = arguments_but_out(op), registered(cpu)[op]
    size = args[0].size
    for start in (0, 2 * size):
        memory = np.zeros(3 * size, dtype="float32").view(DeviceArray)
        args[0] = memory[size : 2 * size].reshape(5, 7)
        out = memory[start : start + size].reshape(5, 7)
        assert kernel(*args, out) is out


@pytest.mark.parametrize("shift", [-8, -1, 0, 1, 8])
@pytest.mark.parametrize("op", OPS_WITH_OUT)
def test_an_array_that_overlaps_with_any_argument_goes_to_the_generic_op(
    op, shift, cpu: CPU
) -> None:
    args, kernel = arguments_but_out(op), registered(cpu)[op]
    for position, array in enumerate(arrays_among(args)):
        memory = np.zeros(array.size + 16, dtype="float32").view(DeviceArray)
        own = list(args)
        own[position] = memory[8 : 8 + array.size].reshape(array.shape)
        out = memory[8 + shift : 8 + shift + array.size].reshape(array.shape)

        assert kernel(*own, out) is None
    assert cpu.launched == []


def test_a_result_that_overlaps_with_labels_or_the_upstream_goes_to_the_generic_op(
    cpu: CPU,
) -> None:
    kernel = registered(cpu)["softmax_with_loss_backward"]
    y, memory = np.full((5, 7), 1 / 7, "float32"), np.zeros(64, "float32").view(DeviceArray)
    y, out = y.view(DeviceArray), memory[:35].reshape(5, 7)
    for t in (memory[:5].view("int32"), memory[30:40].view("int64")):
        assert kernel(1.0, y, t, out) is None
    t = memory[40:45].view("int32")
    assert kernel(memory[34:35].reshape(()), y, t, out) is None
    assert cpu.launched == []

    assert kernel(memory[45:46].reshape(()), y, t, out) is out


@pytest.mark.parametrize("second", ["grad", "velocity", "lr"])
def test_an_update_of_arrays_that_overlap_goes_to_the_generic_rule(second, cpu: CPU) -> None:
    update, memory = registered(cpu)["momentum_update"], np.zeros(64, "float32").view(DeviceArray)
    at = {"grad": 16, "velocity": 32, "lr": 48}

    def run():
        grad, velocity = (memory[at[name] : at[name] + 16] for name in ("grad", "velocity"))
        lr = memory[at["lr"] :].view("float64")[:1].reshape(())
        return update(memory[:16], grad, velocity=velocity, lr=lr, momentum=0.9)

    assert run() is True
    at[second] = 8
    assert run() is None


@pytest.mark.parametrize(
    "out",
    [
        np.zeros((5, 7)),
        np.zeros((7, 5), dtype="float32"),
        np.zeros((7, 5), dtype="float32").T,
        np.zeros((5, 14), dtype="float32")[:, ::2],
    ],
    ids=["another dtype", "another shape", "transposed", "with gaps"],
)
@pytest.mark.parametrize("op", OPS_WITH_OUT)
def test_an_array_that_does_not_fit_goes_to_the_generic_op(op, out, cpu: CPU) -> None:
    assert registered(cpu)[op](*arguments_but_out(op), out.view(DeviceArray)) is None
    assert cpu.launched == []


@pytest.mark.parametrize("op", OPS_WITH_OUT)
def test_an_array_on_another_device_goes_to_the_generic_op(op, cpu: CPU) -> None:
    out = np.zeros((5, 7), dtype="float32").view(Elsewhere)
    assert registered(cpu)[op](*arguments_but_out(op), out) is None
    assert cpu.launched == []


@pytest.mark.parametrize("op", OPS)
def test_other_layouts_go_to_the_generic_op(op, cpu: CPU) -> None:
    x = np.random.default_rng(0).standard_normal((6, 5)).astype("float32")
    args = arguments(op, None, x, np.random.default_rng(1))
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
    param, grad = param.view(DeviceArray), grad.view(DeviceArray)
    memory = {name: 3 if name == "step" else a.view(DeviceArray) for name, a in memory.items()}

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

    assert registered(cpu)["softmax_with_loss_backward"](dout, y, t, None) is None
    assert cpu.launched == []
