"""The parity contract, with fewer inputs than ``nox -s parity`` has."""

from __future__ import annotations

import dataclasses
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import xpnet
from xpnet.backend import resolve_backend
from xpnet.dtypes import FLOATS, dtype_name
from xpnet.ops.op import OPS
from xpnet.optimizers import SGD
from xpnet.testing.catalog import OpLayer
from xpnet.testing.parity import Yardstick, __main__ as command, curve, measure, op_cases, trials_of
from xpnet.testing.parity.inputs import draw_examples, flushed, round_to
from xpnet.testing.tolerance import EPSILON, LARGEST, SMALLEST, tolerance

PAGE = Path(__file__).parents[1] / "docs" / "parity.md"

EXAMPLES, STEPS = 10, 200
CASES = {str(case): case for case in op_cases()}


@cache
def trials(name, dtype):
    return trials_of(CASES[name], dtype, EXAMPLES, long=False)


@cache
def yardstick(dtype):
    return Yardstick(dtype, STEPS, runs=3)


@pytest.mark.parametrize("name", CASES)
def test_every_op_keeps_its_bound(name, xpnet_backend):
    errors = measure(CASES[name], xpnet_backend, trials(name, dtype_name(xpnet_backend.dtype)))

    assert {op: error for op, error in errors.items() if not error.share <= 1} == {}


def changed(case, op=lambda y: y, derivative=lambda dx: dx):
    """Return a case whose results are changed on their way out."""
    right = case.subject.factory()

    def each(change, results):
        return tuple(map(change, results)) if isinstance(results, tuple) else change(results)

    def wrong():
        return OpLayer(
            lambda *inputs: each(op, right.op(*inputs)),
            lambda *args: each(derivative, right.derivative(*args)),
        )

    return dataclasses.replace(case, subject=dataclasses.replace(case.subject, factory=wrong))


def off_by_ten_bounds(y):
    # No sum is longer here; and the result itself may be off by a bound, the other way.
    return y * (1 + 11 * tolerance(y.dtype, 300, stored=2))


# Of one class the gradient is 0, however much that is multiplied.
@pytest.mark.parametrize(
    "name", [name for name in CASES if "(5, 1)" not in name or "softmax" not in name]
)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_an_error_of_ten_times_the_bound_is_caught(name, dtype):
    backend = resolve_backend("numpy", dtype=dtype)
    case = changed(CASES[name], op=off_by_ten_bounds, derivative=off_by_ten_bounds)

    errors = measure(case, backend, trials(name, dtype))

    assert {op: error for op, error in errors.items() if error.share <= 1} == {}


@pytest.mark.parametrize("wrong", [np.nan_to_num, lambda y: np.where(abs(y) > 1e30, np.inf, y)])
def test_a_special_value_in_the_wrong_place_is_caught(wrong):
    case = changed(CASES["add[x (5, 4), y (5, 4)]"], op=wrong)

    errors = measure(case, resolve_backend("numpy"), trials_of(case, "float32", 50))

    assert errors["add"].share == np.inf


def test_a_result_of_the_wrong_shape_is_caught():
    case = changed(CASES["relu[x (5, 4)]"], op=lambda y: y[..., None])

    assert (
        measure(case, resolve_backend("numpy"), trials("relu[x (5, 4)]", "float32"))["relu"].share
        == np.inf
    )


def test_an_op_that_sums_in_sixteen_bits_is_caught():
    def sums_in_sixteen_bits(x, W, b):
        return np.asarray(sum(x[..., i, None] * W[i] for i in range(len(W))) + b)

    case = CASES["affine[x (5, 4), W (4, 3), b (3,)]"]
    right = case.subject.factory()
    subject = dataclasses.replace(
        case.subject, factory=lambda: OpLayer(sums_in_sixteen_bits, right.derivative)
    )
    case = dataclasses.replace(case, subject=subject)

    # Ten inputs may miss it: hypothesis takes some of its numbers from whatever code is loaded.
    inputs = trials_of(case, "float16", 50)
    errors = measure(case, resolve_backend("numpy", dtype="float16"), inputs)

    assert errors["affine"].share > 1


@pytest.mark.parametrize("dtype", FLOATS)
def test_inputs_are_numbers_of_the_dtype_extremes_included(dtype):
    like = (np.ones((5, 4)),)

    examples = draw_examples(like, dtype, 200)

    values = np.concatenate([example.inputs[0].ravel() for example in examples])
    magnitudes = abs(values[np.isfinite(values)])
    np.testing.assert_array_equal(round_to(dtype, values), values)
    assert np.isnan(values).any()
    assert np.isinf(values).any()
    assert np.any(magnitudes > LARGEST[dtype] / 4)
    assert np.any((magnitudes > 0) & (magnitudes < SMALLEST[dtype]))
    assert np.any(np.signbit(values) & (values == 0))


def test_inputs_are_always_the_same():
    like = (np.ones((5, 4)), np.asarray([0, 1, 2, 3, 0]))

    once, again = (draw_examples(like, "float32", 20) for _ in range(2))

    for one, other in zip(once, again, strict=True):
        assert one.upstream == other.upstream
        for x, y in zip(one.inputs, other.inputs, strict=True):
            np.testing.assert_array_equal(x, y)


def test_rounding_to_bfloat16_is_to_the_nearest_and_then_to_even():
    step = 2.0**-7  # between the numbers above 1
    values = np.asarray([1 + step / 4, 1 + step / 2, 1 + 3 * step / 2, -3.4e38, -0.0, np.nan])

    expected = [1.0, 1.0, 1 + 2 * step, -np.inf, -0.0, np.nan]

    np.testing.assert_array_equal(round_to("bfloat16", values), expected)


def test_flushing_takes_subnormal_numbers_alone():
    values = np.asarray([SMALLEST["float32"] / 2, SMALLEST["float32"], np.inf, 0.0])

    np.testing.assert_array_equal(flushed("float32", values), [0.0, values[1], np.inf, 0.0])


def test_rounding_explains_the_training_curve(xpnet_backend):
    if xpnet_backend.name == "array_api_strict":
        pytest.skip("array-api-strict computes with NumPy")
    dtype = dtype_name(xpnet_backend.dtype)
    if dtype not in ("float32", "float64"):
        pytest.skip("curves are compared in float32 and float64")

    assert yardstick(dtype).parting(curve(xpnet_backend, STEPS)) is None


def test_the_sum_of_a_long_row_of_labels_is_not_rounded_to_sixteen_bits(xpnet_backend):
    rows = xpnet.asarray(np.full((2, 1000), 1 / 1000), xp=xpnet_backend)

    xpnet.check_labels(rows, classes=1000)


class RoughSGD(SGD):
    """Keeps eleven bits of each weight, as TensorFloat-32 does."""

    def update(self, params, grads):
        super().update(params, grads)
        for name, param in params.items():
            bits = param.view("uint32") & np.uint32(0xFFFFE000)
            params[name] = bits.view("float32")


@pytest.mark.parametrize(
    ("optimizer", "at_the_latest"), [(RoughSGD(lr=0.5), 20), (SGD(lr=0.5 * (1 + 1e-5)), 100)]
)
def test_curves_that_differ_by_more_part(optimizer, at_the_latest):
    losses = curve(resolve_backend("numpy"), STEPS, optimizer)

    parting = yardstick("float32").parting(losses)

    assert parting is not None
    assert parting <= at_the_latest


def test_the_page_has_every_op_and_dtype():
    page = PAGE.read_text(encoding="utf-8")
    sections = {dtype: page.split(f"### {dtype}\n")[1].split("\n#")[0] for dtype in FLOATS}
    ops = {op for case in CASES.values() for op in (case.target.__name__,)}
    derivatives = {f"{op}_backward" for op in ops} & OPS.keys()

    missing = {
        (dtype, op)
        for dtype, table in sections.items()
        for op in ops | derivatives
        if f"| `{op}` |" not in table
    }

    assert missing == set(), "run nox -s parity"


def test_the_page_reports_no_breach():
    page = PAGE.read_text(encoding="utf-8")

    assert "**Every op keeps its bound on every backend;**" in page
    assert "**No training curve parts" in page


def test_a_page_tells_what_is_outside_its_bound_and_what_was_not_run(tmp_path, monkeypatch):
    numpy32 = resolve_backend("numpy", dtype="float32")
    wrong = changed(CASES["add[x (5, 4), y (5, 4)]"], op=lambda y: y * 1.001)
    monkeypatch.setattr(command, "_usable", lambda: [numpy32])
    monkeypatch.setattr(command, "op_cases", lambda: [wrong])
    monkeypatch.setattr(command, "_EXAMPLES", 5)
    monkeypatch.setattr(command, "_STEPS", 5)
    monkeypatch.setattr(command, "_ENTRIES", 10**6)

    command.main([str(tmp_path / "parity.md"), "--date", "2024-02-29"])

    page = (tmp_path / "parity.md").read_text(encoding="utf-8")
    assert "Measured on 2024-02-29" in page
    assert "**Outside their bounds: `add` on NumPy in float32.**" in page
    assert "Not run: array-api-strict, PyTorch, JAX, CuPy." in page
    assert "in a sum of 1,000,000 terms" in page
    assert "| softmax_with_loss (mean) | 500,000 |" in page
    assert "| CuPy | float32 | not run |" in page


def test_the_bound_grows_with_the_length_and_the_epsilon():
    assert tolerance("float32", 10) < tolerance("float32", 100) < tolerance("bfloat16", 100)
    assert tolerance("float64", 100) == pytest.approx(62 * EPSILON["float64"])
