"""Where the files come from and what they become; the network's part is in test_download."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xpnet import backend
from xpnet.datasets import load_fashion_mnist, load_mnist, mnist
from xpnet.errors import DatasetError

IMAGES = "train-images-idx3-ubyte"
DATA = os.environ.get("XPNET_DATA")


@pytest.mark.parametrize("compress", [False, True], ids=["raw", "gz"])
def test_a_folder_is_read(tiny: Any, tmp_path: Path, compress: bool) -> None:
    folder = tiny.save(tmp_path / "mine", compress=compress)
    (x_train, t_train), (x_test, t_test) = tiny.load(normalize=False, folder=folder)
    np.testing.assert_array_equal(x_train, tiny.images[:30].reshape(30, 784))
    np.testing.assert_array_equal(x_test, tiny.images[30:].reshape(20, 784))
    np.testing.assert_array_equal(t_train, tiny.labels[:30])
    np.testing.assert_array_equal(t_test, tiny.labels[30:])
    assert x_train.dtype == np.uint8
    assert t_train.dtype == np.int64


def test_images_keep_their_shape_unless_flattened(tiny: Any, tmp_path: Path) -> None:
    folder = tiny.save(tmp_path)
    (x_train, _), (x_test, _) = tiny.load(normalize=False, flatten=False, folder=folder)
    np.testing.assert_array_equal(x_train[:, 0], tiny.images[:30])
    assert x_test.shape == (20, 1, 28, 28)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_normalized_pixels_are_rounded_once(tiny: Any, tmp_path: Path, dtype: Any) -> None:
    folder = tiny.save(tmp_path)
    with backend.use_backend("numpy", dtype=dtype):
        x_train = tiny.load(folder=folder)[0][0]
    assert x_train.dtype == dtype
    exact = tiny.images[:30].reshape(30, 784).astype(dtype) / np.asarray(255, dtype)
    np.testing.assert_array_equal(x_train, exact)


def test_labels_become_one_hot_rows(tiny: Any, tmp_path: Path) -> None:
    (_, t_train), _ = tiny.load(one_hot_label=True, folder=tiny.save(tmp_path))
    assert t_train.dtype == np.float32
    np.testing.assert_array_equal(t_train, tiny.labels[:30, np.newaxis] == np.arange(10))


def test_nothing_but_the_given_folder_is_looked_at(
    tiny: Any, mirror: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XPNET_DATA", str(tiny.save(tmp_path / "elsewhere")))
    folder = tiny.save(tmp_path / "mine")
    (folder / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DatasetError, match="is missing") as info:
        tiny.load(folder=folder)
    assert str(folder / "t10k-labels-idx1-ubyte") in str(info.value)
    assert "XPNET_DATA" in str(info.value)
    assert mirror.requests == []


@pytest.mark.parametrize("below", [False, True])
def test_xpnet_data_is_searched(
    tiny: Any, mirror: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, below: bool
) -> None:
    monkeypatch.setenv("XPNET_DATA", str(tmp_path / "data"))
    tiny.save(tmp_path / "data" / (tiny.collection.name if below else ""), compress=True)
    assert tiny.load()[0][0].shape == (30, 784)
    assert mirror.requests == []


def test_what_xpnet_data_lacks_is_downloaded(
    tiny: Any, mirror: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    monkeypatch.setenv("XPNET_DATA", str(tmp_path / "data"))
    (tiny.save(tmp_path / "data") / IMAGES).unlink()
    assert tiny.load()[0][0].shape == (30, 784)
    assert mirror.requests == [(f"/{IMAGES}.gz", None)]
    assert [path.name for path in (cache / tiny.collection.name).iterdir()] == [f"{IMAGES}.gz"]


def test_damage_in_xpnet_data_is_not_passed_over(
    tiny: Any, mirror: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XPNET_DATA", str(tmp_path))
    tiny.save(tmp_path)
    (tmp_path / IMAGES).write_bytes(b"something else")
    with pytest.raises(DatasetError) as info:
        tiny.load()
    for part in (
        str(tmp_path / IMAGES),
        tiny.collection.files[IMAGES].sha256,
        "14 bytes",
        "delete it",
    ):
        assert part in str(info.value)
    assert mirror.requests == []


def test_a_system_folder_is_searched_before_the_cache(
    tiny: Any, mirror: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    system = tiny.save(tmp_path / "system", compress=True)
    tiny.save(cache / tiny.collection.name)
    (system / f"{IMAGES}.gz").write_bytes(b"damaged")
    monkeypatch.setattr(mnist, tiny.constant, replace(tiny.collection, system_folders=(system,)))
    with pytest.raises(DatasetError, match="system"):
        tiny.load()
    monkeypatch.setenv("XPNET_DATA", str(tmp_path / "nothing"))
    with pytest.raises(DatasetError, match="system"):
        tiny.load()
    (system / f"{IMAGES}.gz").unlink()
    assert tiny.load()[0][0].shape == (30, 784)
    assert mirror.requests == []


def test_a_truncated_gz_is_refused(tiny: Any, tmp_path: Path) -> None:
    folder = tiny.save(tmp_path, compress=True)
    path = folder / f"{IMAGES}.gz"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DatasetError, match="whole gzip file") as info:
        tiny.load(folder=folder)
    assert str(path) in str(info.value)
    assert info.value.__cause__ is not None


@pytest.mark.parametrize(
    "position", [pytest.param(10, id="block type"), pytest.param(-5, id="checksum")]
)
def test_a_gz_with_a_changed_byte_is_refused(tiny: Any, tmp_path: Path, position: int) -> None:
    folder = tiny.save(tmp_path, compress=True)
    path = folder / f"{IMAGES}.gz"
    stored = bytearray(path.read_bytes())
    stored[position] ^= 0xFF
    path.write_bytes(stored)
    with pytest.raises(DatasetError, match="whole gzip file"):
        tiny.load(folder=folder)


def test_a_folder_named_like_a_file_is_passed_over(tiny: Any, tmp_path: Path) -> None:
    folder = tiny.save(tmp_path, compress=True)
    (folder / IMAGES).mkdir()
    assert tiny.load(folder=folder)[0][0].shape == (30, 784)


def test_a_gz_that_a_browser_unpacked_is_read(tiny: Any, tmp_path: Path) -> None:
    folder = tiny.save(tmp_path)
    (folder / IMAGES).rename(folder / f"{IMAGES}.gz")
    assert tiny.load(folder=folder)[0][0].shape == (30, 784)


def test_data_that_is_not_idx_is_refused(tiny: Any, tmp_path: Path) -> None:
    # With the right hash, as a wrong entry in the table would have it.
    folder = tiny.save(tmp_path)
    tiny.collection.files[IMAGES] = tiny.collection.files["train-labels-idx1-ubyte"]
    (folder / IMAGES).write_bytes(tiny.files["train-labels-idx1-ubyte"])
    with pytest.raises(DatasetError, match="magic number 0x00000803, found 0x00000801"):
        tiny.load(folder=folder)


def test_the_cache_is_where_the_environment_says(
    tiny: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mirror: Any
) -> None:
    monkeypatch.delenv("XPNET_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    tiny.save(tmp_path / "xdg" / "xpnet" / tiny.collection.name)
    tiny.load()
    monkeypatch.delenv("XDG_CACHE_HOME")
    tiny.save(tmp_path / "home" / ".cache" / "xpnet" / tiny.collection.name, compress=True)
    tiny.load()
    assert mirror.requests == []


def test_a_folder_that_was_searched_in_vain_is_named(
    tiny: Any, mirror: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XPNET_DATA", str(tmp_path / "misspelt"))
    mirror.files.clear()
    with pytest.raises(DatasetError, match=f"XPNET_DATA is {tmp_path}/misspelt, where it is not"):
        tiny.load()


@pytest.mark.parametrize(
    ("load", "other"), [(load_mnist, "fashion-mnist"), (load_fashion_mnist, "mnist")]
)
def test_one_data_set_never_stands_in_for_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, load: Any, other: str
) -> None:
    monkeypatch.setenv("XPNET_DATA", str(tmp_path))
    (tmp_path / other).mkdir()
    (tmp_path / other / IMAGES).write_bytes(b"of the other")
    with pytest.raises(DatasetError, match="cannot be downloaded") as info:
        load()
    assert other not in Path(str(info.value).split()[0]).parts


needs_mnist = pytest.mark.skipif(
    not (DATA and Path(DATA, "mnist").is_dir()),
    reason="real MNIST not found: set XPNET_DATA to the folder that holds mnist/",
)


@needs_mnist
def test_real_mnist(monkeypatch: pytest.MonkeyPatch) -> None:
    assert DATA
    monkeypatch.setenv("XPNET_DATA", DATA)
    (x_train, t_train), (x_test, t_test) = load_mnist()
    assert (x_train.shape, x_test.shape) == ((60000, 784), (10000, 784))
    assert np.bincount(t_train).tolist() == [
        5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949,
    ]  # fmt: skip
    assert np.bincount(t_test).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert x_train.dtype == np.float32
    assert x_train.mean(dtype=np.float64) == pytest.approx(0.13066, abs=5e-6)
    assert x_train.std(dtype=np.float64) == pytest.approx(0.30811, abs=5e-6)
