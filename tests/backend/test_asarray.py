"""Arrays in and out: every kind of input, into every library, with the same values."""

from __future__ import annotations

import numpy as np
import pytest

import xpnet
from xpnet.arrays import array_namespace
from xpnet.dtypes import dtype_name

VALUES = np.asarray([[1.5, -2.0, 0.25], [3.0, 0.0, -0.5]])  # exact in every float


def read_only(array: np.ndarray) -> np.ndarray:
    array = array.copy()
    array.flags.writeable = False
    return array


HOST_ARRAYS = {
    "C order": VALUES,
    "Fortran order": np.asfortranarray(VALUES),
    "read-only": read_only(VALUES),
    "read-only float32": read_only(VALUES.astype("float32")),
    "negative strides": np.flip(np.flip(VALUES).copy()),
    "negative strides, float32": np.flip(np.flip(VALUES).astype("float32", order="C")),
    "every second": np.repeat(VALUES, 2, axis=1)[:, ::2],
    "big-endian": VALUES.astype(">f8"),
    "big-endian float32": VALUES.astype(">f4"),
    "float16": VALUES.astype("float16"),
    "long double": VALUES.astype(np.longdouble),
    "nested lists": VALUES.tolist(),
    "tuples": tuple(map(tuple, VALUES.tolist())),
    "a list of arrays": list(VALUES),
    "nested lists of arrays": [[np.asarray(value) for value in row] for row in VALUES],
}


@pytest.mark.parametrize("given", HOST_ARRAYS.values(), ids=HOST_ARRAYS.keys())
def test_floats_get_the_dtype_of_the_backend(library: str, given: object) -> None:
    with xpnet.use_backend(library) as backend:
        array = xpnet.asarray(given)
    assert array_namespace(array) is backend.xp
    assert array.dtype == backend.dtype  # also tells a big-endian float32 from the native one
    np.testing.assert_array_equal(xpnet.to_numpy(array), VALUES, strict=False)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int16", "int32", ">i2", "<i4", ">i4"])
def test_integers_and_booleans_keep_theirs(library: str, dtype: str) -> None:
    given = np.asarray([0, 1, 1], dtype=dtype)
    array = xpnet.asarray(given, xp=library)
    assert dtype_name(array.dtype) == given.dtype.name
    np.testing.assert_array_equal(xpnet.to_numpy(array), given)


@pytest.mark.parametrize(
    ("scalar", "kind"), [(2.5, "f"), (np.float64(2.5), "f"), (3, "i"), (np.uint8(3), "u")]
)
def test_a_scalar_becomes_an_array_without_axes(library: str, scalar: float, kind: str) -> None:
    array = xpnet.asarray(scalar, xp=library)
    assert array.shape == ()
    host = xpnet.to_numpy(array)
    assert isinstance(host, np.ndarray)
    assert (host.dtype.kind, host) == (kind, scalar)


def test_an_empty_list_is_an_empty_array_of_floats(library: str) -> None:
    array = xpnet.asarray([], xp=library)
    assert (array.shape, dtype_name(array.dtype)) == ((0,), "float32")


@pytest.mark.parametrize("source", ["numpy", "array_api_strict", "torch", "jax"])
def test_arrays_move_between_libraries(library: str, source: str) -> None:
    pytest.importorskip(source, reason=f"{source} is not installed")
    array = xpnet.asarray(VALUES, xp=source)
    moved = xpnet.asarray(array, xp=library)
    assert array_namespace(moved) is xpnet.set_backend(library).xp
    np.testing.assert_array_equal(xpnet.to_numpy(moved), VALUES)


def test_lists_of_arrays_of_any_library_are_understood(library: str) -> None:
    rows = [xpnet.asarray(row, xp=library) for row in VALUES]
    assert xpnet.to_numpy(rows).tolist() == VALUES.tolist()
    assert xpnet.to_numpy([rows, rows]).tolist() == [VALUES.tolist()] * 2
    assert xpnet.to_numpy([rows[0], [0, 0, 0]]).tolist() == [VALUES[0].tolist(), [0, 0, 0]]


def test_lists_of_arrays_on_a_device_are_understood() -> None:
    # NumPy by itself cannot read them, as it cannot read those of a GPU.
    one, two = (xpnet.asarray(n, xp="array_api_strict", device="device1") for n in (1, 2))
    assert xpnet.to_numpy([[one, two], (two, one)]).tolist() == [[1, 2], [2, 1]]


def test_arrays_move_between_devices() -> None:
    here = xpnet.asarray([1.5], xp="array_api_strict")
    there = xpnet.asarray(here, xp="array_api_strict", device="device1")
    assert str(there.device) == "array_api_strict.Device('device1')"
    assert xpnet.to_numpy(there) == [1.5]  # NumPy itself refuses to read another device


@pytest.mark.parametrize("start", ["float32", "float64", "int32"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "bool"])
def test_a_dtype_can_be_asked_for(library: str, start: str, dtype: str) -> None:
    host = np.asarray([0, 1, 2], dtype=start)
    for given in (host, xpnet.asarray(host, xp=library, dtype=start)):
        array = xpnet.asarray(given, xp=library, dtype=dtype)
        assert dtype_name(array.dtype) == dtype
        np.testing.assert_array_equal(xpnet.to_numpy(array), host.astype(dtype))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_halves_are_made_where_the_library_has_them(library: str, dtype: str) -> None:
    has = {"numpy": ["float16"], "array_api_strict": []}.get(library, ["float16", "bfloat16"])
    if dtype not in has:
        with pytest.raises(xpnet.DTypeError, match=f"^{library} has no dtype '{dtype}'$"):
            xpnet.asarray(VALUES, xp=library, dtype=dtype)
        return
    array = xpnet.asarray(VALUES, xp=library, dtype=dtype)
    assert dtype_name(array.dtype) == dtype
    host = xpnet.to_numpy(array)
    assert host.dtype == ("float32" if dtype == "bfloat16" else dtype)  # NumPy has no bfloat16
    np.testing.assert_array_equal(host, VALUES)


def test_rounding_gives_the_same_bits_everywhere(library: str) -> None:
    given = np.random.default_rng(0).standard_normal(1000)
    array = xpnet.asarray(given, xp=library)
    np.testing.assert_array_equal(xpnet.to_numpy(array), given.astype("float32"))


REFUSED = {
    "a string": "seven",
    "strings": ["a", "b"],
    "strings in NumPy": np.asarray(["a", "b"]),
    "objects": [object()],
    "objects in NumPy": np.asarray([None, 1]),
    "nothing": None,
    "a complex number": 1j,
    "complex in NumPy": np.asarray([1j]),
    "dates": np.asarray(["2020-01-01"], dtype="datetime64[D]"),
    "ragged lists": [[1.0], [2.0, 3.0]],
    "a list of arrays of other shapes": [np.ones(2), np.ones(3)],
    "a list of complex arrays": [np.asarray([1j])],
}


@pytest.mark.parametrize("dtype", [None, "float32"])
@pytest.mark.parametrize("given", REFUSED.values(), ids=REFUSED.keys())
def test_what_holds_no_real_numbers_is_refused(library: str, given: object, dtype) -> None:
    with pytest.raises(xpnet.DTypeError, match=r"holds no real numbers|cannot be made an array"):
        xpnet.asarray(given, xp=library, dtype=dtype)
    with pytest.raises(xpnet.DTypeError):
        xpnet.to_numpy(given)


@pytest.mark.parametrize("dtype", [None, "float32"])
def test_complex_arrays_of_the_library_itself_are_refused(library: str, dtype) -> None:
    xp = xpnet.set_backend(library).xp
    with pytest.raises(xpnet.DTypeError, match="complex64 holds no real numbers"):
        xpnet.asarray(xp.asarray([1j], dtype=xp.complex64), dtype=dtype)


@pytest.mark.parametrize("dtype", ["complex64", "float", "sum", "nonsense"])
def test_an_unknown_dtype_is_answered_with_the_known_ones(library: str, dtype: str) -> None:
    for given in ([1.0], xpnet.asarray([1.0], xp=library)):
        with pytest.raises(
            xpnet.DTypeError, match=f"^unknown dtype '{dtype}'; known are .* float64"
        ):
            xpnet.asarray(given, xp=library, dtype=dtype)


def test_what_is_already_there_is_not_copied(library: str) -> None:
    array = xpnet.asarray(VALUES, xp=library)
    assert xpnet.asarray(array, xp=library) is array


def test_later_writes_to_the_source_do_not_reach_an_immutable_array() -> None:
    pytest.importorskip("jax", reason="jax is not installed")
    source = np.zeros(1000, dtype="float32")
    array = xpnet.asarray(source, xp="jax")
    source[:] = 1
    assert not xpnet.to_numpy(array).any()


@pytest.mark.parametrize("source", ["array_api_strict", "torch", "jax"])
def test_numpy_can_write_to_what_came_from_elsewhere(source: str) -> None:
    # An optimizer will; and JAX lends its memory for reading only.
    pytest.importorskip(source, reason=f"{source} is not installed")
    array = xpnet.asarray(xpnet.asarray(VALUES, xp=source), xp="numpy")
    array += 1
    assert array.tolist() == (VALUES + 1).tolist()


def test_torch_gradients_are_left_behind() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    tensor = torch.ones(2, requires_grad=True)
    assert xpnet.to_numpy(tensor).tolist() == [1.0, 1.0]


def test_jax_holds_float64_on_request_alone() -> None:
    jax = pytest.importorskip("jax", reason="jax is not installed")
    third = 1 / 3
    jax.config.update("jax_enable_x64", val=False)
    assert float(xpnet.asarray(third, xp="jax")) != third
    assert not jax.config.jax_enable_x64
    assert float(xpnet.asarray(third, xp="jax", dtype="float64")) == third


def test_jax_takes_class_indices_but_wraps_no_integer() -> None:
    jax = pytest.importorskip("jax", reason="jax is not installed")
    jax.config.update("jax_enable_x64", val=False)
    assert dtype_name(xpnet.asarray([7, 2], xp="jax").dtype) == "int32"
    with pytest.raises(xpnet.DTypeError, match="int64 values do not fit into int32; call"):
        xpnet.asarray([2**40], xp="jax")


def test_a_traced_array_is_converted_within_its_library() -> None:
    jax = pytest.importorskip("jax", reason="jax is not installed")
    as_float16 = jax.jit(lambda x: xpnet.asarray(x, xp="jax", dtype="float16"))
    assert dtype_name(as_float16(jax.numpy.ones(2)).dtype) == "float16"


def test_synchronize_waits_for_what_it_is_given(library: str) -> None:
    xpnet.set_backend(library)
    array = xpnet.asarray(VALUES)
    xpnet.synchronize()
    xpnet.synchronize(array, array)
    if library == "jax":
        assert array.is_ready()


def test_synchronize_without_arguments_waits_for_the_current_device(monkeypatch) -> None:
    backend = xpnet.set_backend("array_api_strict", device="device1")
    waited_for = []
    monkeypatch.setattr(backend.adapter, "synchronize", lambda *arrays: waited_for.extend(arrays))
    xpnet.synchronize()
    assert [array.device for array in waited_for] == [backend.device]
