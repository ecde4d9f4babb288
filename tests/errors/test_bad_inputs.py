"""The same mistake raises the same error, with a text that helps, on every backend."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from errors.mistakes.arrays import (
    affine,
    floats,
    foreign,
    integers,
    labels,
    nested_list,
    other_library,
    probabilities,
)
from errors.mistakes.catalog import BAD_INPUTS
from errors.mistakes.devices import BAD_ON_STRICT
from errors.mistakes.mistake import Mistake
from errors.mistakes.not_floats import BACKWARD, FORWARD
from errors.mistakes.targets import BAD_LABELS

import xpnet
from xpnet.backends import adapter_of, backend_names

INSTALLED = [name for name, status in xpnet.available_backends().items() if status.available]

WHO = {place.layer for place in FORWARD + BACKWARD} | {"accuracy", "Sequential", "TwoLayerNet"}
"""What a text begins with."""

each_backend = pytest.mark.parametrize("backend", INSTALLED)
each_mistake = pytest.mark.parametrize("mistake", BAD_INPUTS, ids=lambda mistake: mistake.name)


@pytest.fixture(autouse=True)
def jax_as_it_was() -> Iterator[None]:
    """Take back that float64 switches JAX's x64 mode on, for the whole process."""
    if "jax" not in INSTALLED:
        yield
        return
    import jax

    before = jax.config.jax_enable_x64
    yield
    jax.config.update("jax_enable_x64", before)


def error_text(mistake: Mistake) -> str:
    """Commit a mistake on the current backend and return the text and notes of its error."""
    if mistake in BAD_LABELS and not adapter_of(floats()).is_readable(floats()):
        pytest.skip("a layer does not wait for a device to read the labels")
    with pytest.raises(mistake.error) as caught:
        mistake.commit()
    assert caught.type is mistake.error, f"it is a {caught.type.__name__}: {caught.value}"
    return "\n".join([str(caught.value), *getattr(caught.value, "__notes__", [])])


def missing(words: tuple[str, ...], text: str) -> list[str]:
    return [word for word in words if word not in text]


@each_backend
@each_mistake
def test_the_error_is_the_right_one_and_says_what_is_wrong(backend: str, mistake: Mistake) -> None:
    with xpnet.use_backend(backend, dtype="float64"):
        text = error_text(mistake)
    assert missing(mistake.says, text) == [], text
    first = mistake.says[0]
    if first in WHO:
        # A KeyError quotes its text, and a net puts the layer's name on a note.
        assert re.search(rf"^\W?{first}: ", text, re.MULTILINE), text


@each_mistake
def test_the_text_is_the_same_on_every_backend(mistake: Mistake) -> None:
    texts = {}
    for backend in INSTALLED:
        with xpnet.use_backend(backend, dtype="float64"):
            texts[backend] = without_names(error_text(mistake))
    assert len(set(texts.values())) == 1, texts


def without_names(text: str) -> str:
    """Replace what may differ: the names of libraries and devices, and a library's own words."""
    library = "|".join(backend_names())
    text = re.sub(f"({library}) on [^,;]+", "LIBRARY on DEVICE", text)
    text = re.sub(library, "LIBRARY", text)
    text = re.sub("device='[^']+'", "device='DEVICE'", text)
    return re.sub("(device 'nowhere').*", r"\1", text)


@each_backend
@pytest.mark.parametrize(
    "mistake",
    [mistake for mistake in BAD_INPUTS if "foreign" in mistake.name],
    ids=lambda mistake: mistake.name,
)
def test_two_libraries_are_both_named(backend: str, mistake: Mistake) -> None:
    with xpnet.use_backend(other_library_of(backend)) as other:
        there = f"{other.name} on {other.device_name}"
    with xpnet.use_backend(backend, dtype="float64") as here:
        text = error_text(mistake)
    assert missing((f"{here.name} on {here.device_name}", there), text) == [], text


def other_library_of(backend: str) -> str:
    with xpnet.use_backend(backend):
        return other_library()


def cured(array: object, name: str, call: Callable[[Any], object]) -> object:
    """Make a mistake with an array, and do what the text says."""
    with pytest.raises(xpnet.XpnetError) as caught:
        call(array)
    (cure,) = re.findall(r"xpnet\.asarray\(.*?\)", str(caught.value))
    return call(eval(cure, {"xpnet": xpnet, name: array}))


@each_backend
@pytest.mark.parametrize("make", [nested_list, integers, foreign])
def test_the_cure_for_an_input_works(backend: str, make: Callable[..., object]) -> None:
    with xpnet.use_backend(backend):
        y = cured(make(2, 3), "x", affine().forward)
    np.testing.assert_array_equal(xpnet.to_numpy(y), 4)


@each_backend
@pytest.mark.parametrize(
    "make",
    [list, lambda t: labels(t, dtype="float32"), lambda t: labels(t, xp=other_library())],
    ids=["list", "floats", "foreign"],
)
def test_the_cure_for_labels_works(backend: str, make: Callable[[list[int]], object]) -> None:
    with xpnet.use_backend(backend):
        loss = cured(make([0, 2]), "t", lambda t: xpnet.SoftmaxWithLoss().forward(floats(2, 3), t))
    np.testing.assert_allclose(xpnet.to_numpy(loss), np.log(3), rtol=1e-6)


@pytest.mark.parametrize("mistake", BAD_ON_STRICT, ids=lambda mistake: mistake.name)
def test_two_devices_are_both_named(mistake: Mistake) -> None:
    pytest.importorskip("array_api_strict")
    with xpnet.use_backend("array_api_strict", dtype="float64"):
        text = error_text(mistake)
    assert missing(mistake.says, text) == [], text


# device1 stands for a GPU: nothing there may be read by the host, so a bad label cannot raise. It
# must not pass for a class either, as it does in CuPy, where -1 is the last class.
@pytest.mark.parametrize("label", [-1, 3, -(2**31), 2**31 - 1])
def test_a_bad_label_on_a_device_gives_nan_and_never_a_number(label: int) -> None:
    pytest.importorskip("array_api_strict")
    with xpnet.use_backend("array_api_strict", device="device1", dtype="float64"):
        t = labels([0, label])
        layer = xpnet.SoftmaxWithLoss()
        loss = layer.forward(floats(2, 3), t)
        dx = xpnet.to_numpy(layer.backward())
        error = xpnet.cross_entropy_error(probabilities(2, 3), t)
        dy = xpnet.to_numpy(xpnet.ops.cross_entropy_error_backward(1.0, probabilities(2, 3), t))
        with pytest.raises(xpnet.LabelError, match=f"label {label} at index \\(1,\\)"):
            xpnet.check_labels(t, classes=3)
    assert np.isnan(xpnet.to_numpy(loss))
    assert np.isnan(xpnet.to_numpy(error))
    assert np.isnan(dx[1]).all()
    assert np.isnan(dy[1]).all()
    # The other sample learns as if nothing had happened.
    np.testing.assert_allclose(dx[0], [-1 / 3, 1 / 6, 1 / 6], rtol=1e-15)
    np.testing.assert_allclose(dy[0], [-3 / 2, 0, 0], rtol=1e-15)


def test_no_two_mistakes_have_one_name() -> None:
    names = [mistake.name for mistake in BAD_INPUTS + BAD_ON_STRICT]
    assert len(set(names)) == len(names) > 100
