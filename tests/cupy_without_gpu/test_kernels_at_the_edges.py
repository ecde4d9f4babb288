"""NaN, infinities, far scores and bad labels: the kernels do what the generic ops do."""

from __future__ import annotations

import numpy as np
import pytest
from cuda_on_cpu import CPU

pytest.importorskip("cupy", reason="CUDA KERNELS NOT TESTED: run nox -s tests_cupy")
pytest.importorskip("ml_dtypes", reason="CUDA KERNELS NOT TESTED: run nox -s tests_cupy")

from cuda_on_cpu.memory import Memory
from cuda_on_cpu.trials import (
    DTYPES,
    LR,
    adam,
    as_float64,
    draw,
    log_softmax,
    sgd,
    softmax,
    softmax_with_loss,
    softmax_with_loss_backward,
)
from numpy.testing import assert_array_equal

from xpnet import ops
from xpnet.errors import DTypeError
from xpnet.kernels import cuda
from xpnet.quiet import quiet
from xpnet.testing.tolerance import EPSILON

INF, NAN = np.inf, np.nan
# One row for each kind of team, and one that is streamed.
LENGTHS = [3, 40, 300, 1025, 4097, 10000, 20001, 33001]
SPECIAL = {
    "one NaN": [NAN],
    "one inf": [INF],
    "one -inf": [-INF],
    "NaN and inf": [NAN, INF],
    "NaN and -inf": [-INF, NAN],
    "both infinities": [INF, -INF],
    "largest": [3e4, -3e4],
    "subnormal": [1e-42, -1e-42],
}


@quiet
@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("op", [softmax, log_softmax])
def test_special_scores(op, dtype: str, n: int, cpu: CPU) -> None:
    rows = [draw(0, (n,), dtype)]
    for values in SPECIAL.values():
        for place in (0, n // 2, n - len(values)):
            row = draw(0, (n,), dtype)
            row[place : place + len(values)] = values
            rows.append(row)
    rows.append(np.full(n, -INF, dtype=DTYPES[dtype]))
    rows.append(np.full(n, INF, dtype=DTYPES[dtype]))
    masked = np.full(n, -INF, dtype=DTYPES[dtype])
    masked[n // 3] = 2
    rows.append(masked)
    rows.append(np.zeros(n, dtype=DTYPES[dtype]))

    x = np.stack(rows)
    op(dtype, x.shape, x=x).run(cpu, Memory().array)


@quiet
@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("values", SPECIAL.values(), ids=SPECIAL.keys())
def test_special_scores_in_the_loss(values: list[float], n: int, cpu: CPU) -> None:
    for place in (0, n - len(values)):
        x = draw(0, (1, n), "float32")
        x[0, place : place + len(values)] = values
        softmax_with_loss("float32", x.shape, x=x).run(cpu, Memory().array)


@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_score_far_below_the_largest(dtype: str, n: int, cpu: CPU) -> None:
    x = np.zeros((1, n), dtype=DTYPES[dtype])
    x[0, n // 2] = 9984
    t = np.zeros(1, dtype=np.int64)
    loss, y = np.zeros((), dtype=x.dtype), np.zeros_like(x)
    cuda.softmax_with_loss(x, t, loss, y, launch=cpu)
    assert loss == 9984
    assert_array_equal(np.flatnonzero(y), [n // 2])


@pytest.mark.parametrize("label", ["int32", "int64"])
@pytest.mark.parametrize("n", LENGTHS)
def test_a_label_that_is_no_class(label: str, n: int, cpu: CPU) -> None:
    limits = np.iinfo(label)
    for bad in (-1, n, n + 1, limits.min, limits.max):
        memory = Memory()
        x = memory.array(draw(0, (3, n), "float32"))
        t = memory.array(np.asarray([0, bad, n - 1], dtype=label))
        loss, y = memory.array(np.zeros((), "float32")), memory.array(np.zeros_like(x))
        dx = memory.array(np.zeros_like(x))

        cuda.softmax_with_loss(x, t, loss, y, launch=cpu)
        cuda.softmax_with_loss_backward(1.0, y, t, dx, launch=cpu)

        assert np.isnan(loss)
        assert np.abs(y - ops.softmax(as_float64(x))).max() < 1e-6
        assert_array_equal(np.isnan(dx).all(axis=-1), [False, True, False])
        assert_array_equal(np.isnan(dx).any(axis=-1), [False, True, False])
        memory.check()


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_loss_of_an_empty_batch(dtype: str, cpu: CPU) -> None:
    loss = np.full((), 7, dtype=DTYPES[dtype])
    empty = np.zeros((0, 3), dtype=DTYPES[dtype])
    cuda.softmax_with_loss(empty, np.zeros(0, np.int64), loss, empty, launch=cpu)
    assert loss == 0


def test_the_loss_has_the_same_bits_in_every_order(cpu: CPU) -> None:
    trial = softmax_with_loss("float32", (2000, 5))
    found = set()
    for schedule in type(cpu.schedule):
        cpu.schedule = schedule
        trial.call(*trial.arrays, launch=cpu)
        found.add(trial.arrays[2].tobytes())
    assert len(found) == 1


@quiet
@pytest.mark.parametrize("dtype", DTYPES)
def test_special_numbers_in_activations(dtype: str, cpu: CPU) -> None:
    special = np.asarray([NAN, INF, -INF, 0, -0.0, 1, -1, 100, -100], dtype=DTYPES[dtype])
    dout, y = (array.copy() for array in np.meshgrid(special, special))
    for op, generic in (
        (cuda.relu_backward, ops.relu_backward),
        (cuda.sigmoid_backward, ops.sigmoid_backward),
    ):
        dx = np.zeros_like(y)
        op(dout, y, dx, launch=cpu)
        with np.errstate(all="ignore"):
            exact = generic(as_float64(dout), as_float64(y)).astype(dx.dtype)
        assert_array_equal(as_float64(dx), as_float64(exact))
    b = np.zeros(special.size, dtype=DTYPES[dtype])
    for name, generic in (("relu", ops.relu), ("sigmoid", ops.sigmoid)):
        y = np.tile(special, (4, 1))
        exact = generic(as_float64(y))
        cuda.bias_activation(y, b, name, launch=cpu)
        assert_array_equal(np.isnan(y), np.isnan(exact))
        np.testing.assert_allclose(as_float64(y), exact, rtol=EPSILON[dtype], atol=1e-7)


@pytest.mark.parametrize("dtype", DTYPES)
def test_dout_of_the_loss_may_be_an_array(dtype: str, cpu: CPU) -> None:
    upstream = np.asarray(0.75, dtype=DTYPES[dtype])
    trial = softmax_with_loss_backward(dtype, (3, 33), dout=upstream)
    trial.run(cpu, Memory().array)


@pytest.mark.parametrize("value", [INF, NAN, 0.0])
def test_a_special_dout_of_the_loss(value: float, cpu: CPU) -> None:
    with np.errstate(invalid="ignore"):
        softmax_with_loss_backward("float32", (3, 33), dout=value).run(cpu, Memory().array)


# Optimizers ----------------------------------------------------------------------------------


def test_settings_on_the_device_give_the_same_bits(cpu: CPU) -> None:
    lr, step = np.asarray(LR), np.asarray(3)
    for trial, with_arrays in (
        (sgd("float32", (100,)), lambda *arrays: cuda.sgd_update(*arrays, lr, launch=cpu)),
        (
            adam("float32", (100,)),
            lambda *arrays: cuda.adam_update(*arrays, lr, 0.9, 0.999, 1e-3, step, 0.01, launch=cpu),
        ),
    ):
        by_number = [array.copy() for array in trial.arrays]
        by_array = [array.copy() for array in trial.arrays]
        trial.call(*by_number, launch=cpu)
        with_arrays(*by_array)
        trial.check(by_array)
        for one, other in zip(by_number, by_array, strict=True):
            assert_array_equal(one, other)


@pytest.mark.parametrize("step", [1, 10, 100_000])
def test_steps_of_adam(step: int, cpu: CPU) -> None:
    adam("float32", (1025,), step=step).run(cpu, Memory().array)


def test_adam_without_weight_decay(cpu: CPU) -> None:
    adam("float64", (33,), weight_decay=0.0).run(cpu, Memory().array)


def test_settings_of_another_dtype_are_refused(cpu: CPU) -> None:
    arrays = [np.ones(3, dtype=np.float32) for _ in range(4)]
    with pytest.raises(DTypeError, match="lr is an array of float32; it must be of float64"):
        cuda.sgd_update(*arrays[:2], np.asarray(0.1, dtype=np.float32), launch=cpu)
    with pytest.raises(DTypeError, match="step is an array of int32; it must be of int64"):
        cuda.adam_update(*arrays, 0.1, 0.9, 0.999, 1e-8, np.asarray(1, dtype=np.int32), launch=cpu)
    assert cpu.launched == []


def test_a_nan_gradient_stays_where_it_is(cpu: CPU) -> None:
    trial = adam("float32", (9,))
    trial.arrays[1][4] = NAN
    trial.call(*trial.arrays, launch=cpu)
    assert_array_equal(np.flatnonzero(np.isnan(trial.arrays[0])), [4])
