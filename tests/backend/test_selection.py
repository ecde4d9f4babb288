"""set_backend: what it accepts, what it returns, and what it refuses."""

from __future__ import annotations

import copy
import pickle
import sys
from importlib import import_module
from types import ModuleType

import array_api_compat.numpy
import numpy as np
import pytest

import xpnet
from xpnet.arrays import array_namespace
from xpnet.backend import resolve_backend


def conforming(name: str) -> ModuleType:
    """Make an array namespace of that name, which computes as NumPy does."""
    module = ModuleType(name)
    own = {key: value for key, value in vars(array_api_compat.numpy).items() if key[0] != "_"}
    vars(module).update(own)
    module.__array_namespace_info__ = array_api_compat.numpy.__array_namespace_info__
    return module


def test_the_default_is_numpy_in_float32() -> None:
    backend = xpnet.get_backend()
    assert (backend.name, backend.device, backend.dtype) == ("numpy", "cpu", np.dtype("float32"))
    assert backend.xp is array_api_compat.numpy


def test_what_was_set_is_current_and_decides_where_arrays_are_born(library: str) -> None:
    backend = xpnet.set_backend(library, dtype="float64")
    assert xpnet.get_backend() is backend
    assert backend.name == library
    array = xpnet.asarray([1.0])
    assert array_namespace(array) is backend.xp
    assert array.dtype == backend.dtype
    assert array.device == backend.device


@pytest.mark.parametrize(
    "module",
    [
        "numpy",
        "array_api_compat.numpy",
        "array_api_strict",
        "torch",
        "array_api_compat.torch",
        "jax",
        "jax.numpy",
    ],
)
def test_a_module_means_the_same_as_its_name(module: str) -> None:
    name = module.removeprefix("array_api_compat.").removesuffix(".numpy")
    pytest.importorskip(name, reason=f"{name} is not installed")
    assert xpnet.set_backend(import_module(module)) == xpnet.set_backend(name)


def test_a_copy_of_array_api_compat_inside_another_library_is_understood() -> None:
    inside = ModuleType("some.externals.array_api_compat.numpy")
    assert xpnet.set_backend(inside) == xpnet.set_backend("numpy")


def test_a_conforming_namespace_needs_no_name_here() -> None:
    backend = xpnet.set_backend(conforming("unheard_of.arrays"), dtype="float64")
    assert backend.name == "unheard_of"
    assert backend.dtype == np.float64


def test_a_device_by_name_or_by_object_is_the_same(library: str) -> None:
    given = resolve_backend(library)
    assert xpnet.set_backend(library, device=given.device) == given
    assert xpnet.set_backend(library, device=given.device_name) == given


@pytest.mark.parametrize("dtype", ["float64", np.float64, np.dtype("float64"), float])
def test_a_dtype_may_come_from_numpy_or_python(library: str, dtype: object) -> None:
    assert xpnet.set_backend(library, dtype=dtype) == xpnet.set_backend(library, dtype="float64")


def test_equal_records_are_equal_and_hash_equal(library: str) -> None:
    one, same = resolve_backend(library), resolve_backend(library)
    other = resolve_backend(library, dtype="float64")
    assert one is not same
    assert len({one, same, other}) == 2
    assert one == same != other


def test_records_of_other_devices_and_libraries_differ() -> None:
    numpy, strict = resolve_backend("numpy"), resolve_backend("array_api_strict")
    assert numpy != strict
    assert strict != resolve_backend("array_api_strict", device="device1")


def test_a_record_can_be_set_again_and_varied() -> None:
    record = resolve_backend("array_api_strict", device="device1")
    assert xpnet.set_backend(record) is record
    varied = xpnet.set_backend(record, dtype="float64")
    assert varied == resolve_backend("array_api_strict", device="device1", dtype="float64")


def test_its_repr_says_everything() -> None:
    record = resolve_backend("array_api_strict", device="device1", dtype="float64")
    assert repr(record) == "Backend('array_api_strict', device='device1', dtype='float64')"


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))])
def test_a_record_survives_copying_and_pickling(library: str, copied) -> None:
    record = resolve_backend(library, dtype="float64")
    again = copied(record)
    assert again == record
    assert again.adapter is record.adapter  # by which layers know their own arrays


def test_pickling_keeps_the_device() -> None:
    record = resolve_backend("array_api_strict", device="device1")
    assert pickle.loads(pickle.dumps(record)).device == record.device


def test_a_record_without_a_name_here_is_unpickled_by_its_module(monkeypatch) -> None:
    module = conforming("unheard_of.arrays")
    monkeypatch.setitem(sys.modules, "unheard_of", ModuleType("unheard_of"))
    monkeypatch.setitem(sys.modules, "unheard_of.arrays", module)
    record = resolve_backend(module)
    assert pickle.loads(pickle.dumps(record)) == record


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="unknown backend 'numppy'") as caught:
        xpnet.set_backend("numppy")
    assert all(repr(name) in str(caught.value) for name in ["numpy", "cupy", "torch", "jax"])


@pytest.mark.parametrize("thing", [sys, np.ndarray, 3, [1.0]])
def test_what_is_no_namespace_is_refused(thing: object) -> None:
    with pytest.raises(TypeError, match="is no array namespace: pass a backend's name"):
        xpnet.set_backend(thing)


@pytest.mark.parametrize("dtype", ["int32", "complex64", "float", "nonsense"])
def test_a_dtype_that_layers_do_not_compute_in_is_refused(library: str, dtype: str) -> None:
    with pytest.raises(xpnet.DTypeError, match=f"'{dtype}' is not one .* float32, float64"):
        xpnet.set_backend(library, dtype=dtype)


def test_a_dtype_that_the_library_lacks_is_refused() -> None:
    with pytest.raises(xpnet.DTypeError, match=r"^numpy has no dtype 'bfloat16'$"):
        xpnet.set_backend("numpy", dtype="bfloat16")


def test_a_device_that_is_not_here_is_answered_with_those_that_are(library: str) -> None:
    here = resolve_backend(library).device_name
    with pytest.raises(
        xpnet.BackendUnavailableError,
        match=f"backend '{library}' cannot use device 'nope' .*; here are {here}",
    ):
        xpnet.set_backend(library, device="nope")


@pytest.mark.parametrize(
    ("name", "device"), [("torch", "cuda:99"), ("torch", "meta"), ("jax", "cpu:99"), ("jax", "gpu")]
)
def test_a_device_that_only_the_library_knows_is_tried(name: str, device: str) -> None:
    library = pytest.importorskip(name, reason=f"{name} is not installed")
    if name == "jax" and library.default_backend() == device:
        pytest.skip(f"jax has a {device}")
    with pytest.raises(xpnet.BackendUnavailableError, match=f"cannot use device '{device}'"):
        xpnet.set_backend(name, device=device)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("numppy", {}),
        (sys, {}),
        ("numpy", {"device": "cuda"}),
        ("numpy", {"dtype": "int32"}),
        ("numpy", {"dtype": "bfloat16"}),
        ("array_api_strict", {"device": "nope"}),
    ],
)
def test_after_an_error_everything_is_as_it_was(name, options) -> None:
    before = xpnet.set_backend("array_api_strict", device="device1", dtype="float64")
    with pytest.raises((ValueError, TypeError, ImportError)):
        xpnet.set_backend(name, **options)
    assert xpnet.get_backend() is before


def test_an_error_leaves_the_x64_mode_of_jax_alone() -> None:
    jax = pytest.importorskip("jax", reason="jax is not installed")
    jax.config.update("jax_enable_x64", val=False)
    with pytest.raises(xpnet.BackendUnavailableError):
        xpnet.set_backend("jax", device="nope", dtype="float64")
    assert not jax.config.jax_enable_x64


def test_a_device_that_computes_wrongly_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    strict = resolve_backend("array_api_strict")
    monkeypatch.setattr(strict.xp, "sum", lambda x: x[0])
    with pytest.raises(xpnet.BackendUnavailableError, match=r"1 \+ 2 \+ 3 came out as 1"):
        xpnet.set_backend("array_api_strict")


def test_jax_can_be_chosen_inside_a_traced_function() -> None:
    jax = pytest.importorskip("jax", reason="jax is not installed")

    @jax.jit
    def double(x):
        with xpnet.use_backend("jax"):
            return x * xpnet.asarray([2.0])

    assert xpnet.to_numpy(double(xpnet.asarray([3.0], xp="jax"))) == [6.0]
