from __future__ import annotations

import numpy as np
import pytest

from xpnet import arrays, backend
from xpnet.datasets import load_digits


def test_every_fifth_image_of_each_digit_is_for_testing() -> None:
    (x_train, t_train), (x_test, t_test) = load_digits()
    assert (x_train.shape, t_train.shape) == ((1438, 64), (1438,))
    assert (x_test.shape, t_test.shape) == ((359, 64), (359,))
    counts = np.bincount(np.concatenate([t_train, t_test]))
    assert np.abs(np.bincount(t_test) - counts / 5).max() < 1


def test_the_first_image_is_the_well_known_zero() -> None:
    (x_train, _), _ = load_digits(normalize=False, flatten=False)
    assert x_train.shape == (1438, 1, 8, 8)
    assert x_train.dtype == np.uint8
    assert x_train[0, 0, 0].tolist() == [0, 0, 5, 13, 9, 1, 0, 0]
    assert x_train.max() == 16


def test_normalized_pixels_are_sixteenths() -> None:
    pixels = load_digits(normalize=False)[0][0]
    x_train = load_digits()[0][0]
    assert x_train.dtype == np.float32
    assert (x_train * 16 == pixels).all()


def test_labels_are_indices_or_one_hot_rows() -> None:
    indices = load_digits()[1][1]
    rows = load_digits(one_hot_label=True)[1][1]
    assert indices.dtype == np.int64
    assert rows.shape == (359, 10)
    assert rows.dtype == np.float32
    assert (rows.argmax(axis=1) == indices).all()
    assert (rows.sum(axis=1) == 1).all()
    assert set(np.unique(rows)) == {0, 1}


def test_two_calls_share_no_memory() -> None:
    first = load_digits()[0][0]
    first[:] = -1
    assert load_digits()[0][0].min() == 0


@pytest.mark.parametrize("name", ["torch", "jax", "array_api_strict"])
def test_arrays_are_of_the_selected_backend(name: str) -> None:
    pytest.importorskip(name)
    expected = load_digits()
    with backend.use_backend(name) as chosen:
        found = load_digits()
    for part, host_part in zip(found, expected, strict=True):
        for array, host_array in zip(part, host_part, strict=True):
            assert arrays.array_namespace(array) is chosen.xp
            np.testing.assert_array_equal(arrays.to_numpy(array), host_array)
