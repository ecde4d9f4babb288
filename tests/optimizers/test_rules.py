"""The update rules: exact, pure, and alike on every backend."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from optimizers.catalog import OPTIMIZERS

import xpnet
from xpnet import ops
from xpnet.backend import resolve_backend
from xpnet.backends import adapter_of
from xpnet.dtypes import FLOATS, dtype_name, is_half
from xpnet.ops.updates.adam import share_seen
from xpnet.testing import no_host_sync, tolerance

SHAPE = (3, 5)
STEP = 4


def host_arrays(entry, shape=SHAPE):
    """Return a parameter, its gradient and what is remembered of earlier ones."""
    rng = np.random.default_rng(5)
    memory = {}
    for name in entry.kind.memory:
        normal = rng.standard_normal(shape)
        memory[name] = normal**2 if "square" in name else normal
    memory.pop("step", None)
    return {"param": rng.standard_normal(shape), "grad": rng.standard_normal(shape)} | memory


def arrays_of(entry, backend, shape=SHAPE, *, wide=True):
    """Return the same where a backend lives; memories are wide, if only parameters are 16-bit."""
    homes = {}
    for name, array in host_arrays(entry, shape).items():
        is_memory = name not in ("param", "grad")
        dtype = "float32" if wide and is_memory and is_half(backend.dtype) else backend.dtype
        homes[name] = xpnet.asarray(array, xp=backend, dtype=dtype)
    return homes


def numbers_of(entry):
    return entry.settings | ({"step": STEP} if "step" in entry.kind.memory else {})


def run(entry, arrays, numbers=None):
    """Return what the rule returns by the names of what it takes."""
    results = entry.rule(**arrays, **(numbers or numbers_of(entry)))
    results = results if isinstance(results, tuple) else (results,)
    names = [name for name in host_arrays(entry) if name != "grad"]
    return dict(zip(names, results, strict=True))


def assert_exact(entry, arrays, found, numbers=None):
    exact = {name: xpnet.to_numpy(x).astype("longdouble") for name, x in arrays.items()}
    numbers = {name: np.longdouble(x) for name, x in (numbers or numbers_of(entry)).items()}
    param, grad = exact.pop("param"), exact.pop("grad")
    param_terms, memory_terms = entry.exact(param, grad, **exact, **numbers)
    for name, terms in {"param": param_terms, **memory_terms}.items():
        allowed = tolerance(found[name].dtype, 2, stored=1) * sum(abs(term) for term in terms)
        error = abs(xpnet.to_numpy(found[name]).astype("longdouble") - sum(terms))
        assert np.all(error <= allowed), (name, (error / allowed).max())


def test_every_rule_belongs_to_an_optimizer():
    rules = {name for name in ops.__all__ if name.endswith("_update")}

    assert rules == {entry.rule.__name__ for entry in OPTIMIZERS.values()}


def test_a_step_is_the_formula(entry, xpnet_backend):
    arrays = arrays_of(entry, xpnet_backend)

    assert_exact(entry, arrays, run(entry, arrays))


def test_a_memory_may_have_the_16_bits_of_its_parameter(entry, xpnet_backend):
    arrays = arrays_of(entry, xpnet_backend, wide=False)

    found = run(entry, arrays)

    assert_exact(entry, arrays, found)
    assert {dtype_name(x.dtype) for x in found.values()} == {dtype_name(xpnet_backend.dtype)}


@pytest.mark.parametrize("shape", [(), (0,), (3, 0), (2, 1, 3)])
def test_any_shape(entry, shape, xpnet_backend):
    arrays = arrays_of(entry, xpnet_backend, shape)

    found = run(entry, arrays)

    assert {tuple(x.shape) for x in found.values()} == {shape}
    assert_exact(entry, arrays, found)


def test_results_live_where_the_arguments_do_and_arguments_are_unchanged(entry, xpnet_backend):
    arrays = arrays_of(entry, xpnet_backend)
    before = {name: xpnet.to_numpy(x).copy() for name, x in arrays.items()}

    found = run(entry, arrays)

    for name, array in found.items():
        assert adapter_of(array) is xpnet_backend.adapter
        assert array.device == xpnet_backend.device
        assert array.dtype == arrays[name].dtype
        assert not np.array_equal(xpnet.to_numpy(array), before[name])
    for name, array in arrays.items():
        assert_array_equal(xpnet.to_numpy(array), before[name], strict=True)


def test_a_step_reads_nothing_on_the_host(entry):
    pytest.importorskip("array_api_strict")
    with xpnet.use_backend("array_api_strict", device="device1") as backend:
        arrays = arrays_of(entry, backend)
        with no_host_sync():
            found = run(entry, arrays)
    assert_exact(entry, arrays, found)


def test_settings_may_be_arrays_of_one_number(entry, xpnet_backend):
    arrays = arrays_of(entry, xpnet_backend)
    # In 16 bits 1 - 0.3 is rounded, whereas 1 - 0.8 is not.
    numbers = {
        name: xpnet.asarray(np.asarray(min(setting, 0.3)), xp=xpnet_backend)
        for name, setting in entry.settings.items()
    }
    exact = {name: float(xpnet.to_numpy(x)) for name, x in numbers.items()}
    step = {"step": STEP} if "step" in entry.kind.memory else {}

    found = run(entry, arrays, numbers | step)

    for name, array in found.items():
        assert array.dtype == arrays[name].dtype
    assert_exact(entry, arrays, found, exact | step)


@pytest.mark.parametrize("wide", [np.float64, np.asarray])
def test_wide_numbers_of_numpy_do_not_widen_the_result(entry, wide):
    arrays = arrays_of(entry, xpnet.set_backend("numpy", dtype="float32"))

    found = run(entry, arrays, numbers_of(entry) | {"lr": wide(0.25)})

    assert {x.dtype.name for x in found.values()} == {"float32"}


@pytest.mark.parametrize("kind", ["number", "integers", "floats"])
def test_the_correction_of_adam_keeps_its_digits(kind, xpnet_backend):
    entry = OPTIMIZERS["Adam"]
    arrays = arrays_of(entry, xpnet_backend)
    floats = "float32" if is_half(xpnet_backend.dtype) else xpnet_backend.dtype
    dtype = {"integers": "int32", "floats": floats}.get(kind)

    for step, beta in product([1, 2, 1000, 10**6], [0.0, 0.5, 0.999, 1 - 2.0**-20]):
        exact = numbers_of(entry) | {"beta1": beta, "beta2": beta, "step": step}
        numbers = dict(exact)
        if dtype is not None:
            numbers["step"] = xpnet.asarray(np.asarray(step), xp=xpnet_backend, dtype=dtype)
        assert_exact(entry, arrays, run(entry, arrays, numbers), exact)


def test_the_correction_of_adam_may_be_computed_of_arrays():
    """Where numbers are traced, as by jax.jit, nothing may ask for the one number they hold."""
    betas, steps = np.asarray([0.5, 0.75, 0.999]), np.asarray([1.0, 2.0, 3.0])
    exact = 1 - betas.astype("longdouble") ** steps

    np.testing.assert_allclose(share_seen(np, betas, steps, np.float64), exact, rtol=1e-15)
    np.testing.assert_allclose(share_seen(np, betas, 1, np.float64), 1 - betas, rtol=1e-15)


@pytest.mark.parametrize("strange", [np.nan, np.inf, -np.inf])
def test_nan_and_inf_do_not_come_out_finite(entry, strange, xpnet_backend):
    arrays = arrays_of(entry, xpnet_backend)
    xp = xpnet_backend.xp
    here = xpnet.asarray(np.arange(15).reshape(SHAPE) == 7, xp=xpnet_backend)
    arrays["grad"] = xp.where(here, xp.full_like(arrays["grad"], strange), arrays["grad"])

    found = run(entry, arrays)

    for array in found.values():
        assert_array_equal(~np.isfinite(xpnet.to_numpy(array)), xpnet.to_numpy(here))


@pytest.mark.parametrize("dtype", FLOATS)
def test_lr_and_step_may_be_traced(entry, dtype):
    jax = pytest.importorskip("jax")
    arrays = arrays_of(entry, resolve_backend("jax", dtype=dtype))
    numbers = numbers_of(entry)
    traced = {name: numbers.pop(name) for name in ("lr", "step") if name in numbers}
    compiled = jax.jit(lambda arrays, traced: run(entry, arrays, numbers | traced))

    found = compiled(arrays, traced)

    assert_exact(entry, arrays, found)
    assert {name: x.dtype for name, x in found.items()} == {
        name: x.dtype for name, x in arrays.items() if name != "grad"
    }


# Mistakes ------------------------------------------------------------------------------------


def spoiled(entry, backend, name, spoil):
    arrays = arrays_of(entry, backend)
    return arrays | {name: spoil(arrays[name])}


def title_of(entry):
    """Return how its errors name a rule."""
    return f"xpnet.ops.{entry.rule.__name__}"


def names_of(entry):
    return [name for name in host_arrays(entry) if name != "param"]


def test_every_array_must_have_the_shape_of_the_parameter(entry, xpnet_backend):
    for name in names_of(entry):
        arrays = spoiled(entry, xpnet_backend, name, lambda x: x[0, ...])
        with pytest.raises(
            xpnet.ShapeError, match=rf"^{title_of(entry)}: param .*\(3, 5\).* {name} .*\(5,\)"
        ):
            run(entry, arrays)


def test_every_array_must_be_of_floats(entry, xpnet_backend):
    xp = xpnet_backend.xp
    for name in names_of(entry):
        arrays = spoiled(entry, xpnet_backend, name, lambda x: xp.astype(x, xp.int32))
        with pytest.raises(xpnet.DTypeError, match=f"^{title_of(entry)}: {name} is int32"):
            run(entry, arrays)


def test_every_array_must_be_one(entry, xpnet_backend):
    for name in names_of(entry):
        arrays = spoiled(entry, xpnet_backend, name, lambda _: None)
        with pytest.raises(xpnet.BackendMismatchError, match=f"{name} is None"):
            run(entry, arrays)


def test_every_array_must_come_from_the_same_library(entry, xpnet_backend):
    other = "array_api_strict" if xpnet_backend.name == "numpy" else "numpy"
    for name in names_of(entry):
        arrays = spoiled(entry, xpnet_backend, name, lambda x: xpnet.asarray(x, xp=other))
        with pytest.raises(xpnet.BackendMismatchError, match=f"{name} is {other}"):
            run(entry, arrays)


@pytest.mark.parametrize(("param", "memory"), [("float32", "float16"), ("float16", "float64")])
def test_a_memory_of_another_dtype(entry, param, memory):
    backend = xpnet.set_backend("numpy", dtype=param)
    for name in names_of(entry)[1:]:
        arrays = spoiled(entry, backend, name, lambda x: x.astype(memory))
        words = f"^{title_of(entry)}: param is {param}, but {name} is {memory}"
        with pytest.raises(xpnet.DTypeError, match=words):
            run(entry, arrays)
