"""From the mirrors into the cache; every mirror is on the loopback interface."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr
from dataclasses import astuple
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from xpnet.datasets import download, transfer
from xpnet.datasets.fingerprint import Fingerprint
from xpnet.errors import DatasetError

NAME = "data.bin"
CONTENT = bytes(range(256)) * 1000


KNOWN = Fingerprint(len(CONTENT), hashlib.sha256(CONTENT).hexdigest())


@pytest.fixture
def fetch(mirror: Any, tmp_path: Path) -> Callable[..., bytes]:
    """Download ``data.bin``, from the loopback mirror unless told otherwise."""
    mirror.files[NAME] = CONTENT

    def call(*mirrors: str) -> bytes:
        return download.download(tmp_path / "new" / NAME, mirrors or (mirror.url,), KNOWN)

    return call


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "new"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_file_and_nothing_else_is_left(fetch: Any, folder: Path, mirror: Any) -> None:
    assert fetch() == CONTENT
    assert names(folder) == [NAME]
    assert (folder / NAME).read_bytes() == CONTENT
    assert mirror.requests == [(f"/{NAME}", None)]


@pytest.mark.parametrize("times", [1, 2])
def test_a_broken_transfer_is_resumed(fetch: Any, folder: Path, mirror: Any, times: int) -> None:
    mirror.break_offs = times
    fetch()
    ranges = [wanted for _, wanted in mirror.requests]
    assert ranges == [None, "bytes=128000-", "bytes=192000-"][: times + 1]
    assert (folder / NAME).read_bytes() == CONTENT


def test_a_later_call_resumes_too(fetch: Any, folder: Path, mirror: Any) -> None:
    mirror.break_offs = 3
    with pytest.raises(DatasetError, match="broke off after 32000 of 64000 bytes"):
        fetch()
    assert names(folder) == [f"{NAME}.part"]
    fetch()
    assert mirror.requests[-1] == (f"/{NAME}", "bytes=224000-")
    assert names(folder) == [NAME]


def test_another_mirror_goes_on_where_one_broke_off(fetch: Any, mirror: Any) -> None:
    mirror.break_offs = 3
    mirror.files[f"second/{NAME}"] = CONTENT
    fetch(mirror.url, f"{mirror.url}second/")
    assert mirror.requests[-1] == (f"/second/{NAME}", "bytes=224000-")


def test_without_ranges_a_transfer_starts_again(fetch: Any, folder: Path, mirror: Any) -> None:
    mirror.break_offs, mirror.knows_ranges = 1, False
    fetch()
    assert [wanted for _, wanted in mirror.requests] == [None, "bytes=128000-"]
    assert (folder / NAME).read_bytes() == CONTENT


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("resumed", [False, True])
def test_a_terminal_shows_how_far_it_is(fetch: Any, mirror: Any, resumed: bool) -> None:
    mirror.break_offs = int(resumed)
    with redirect_stderr(Terminal()) as screen:
        fetch()
    shown = screen.getvalue()
    assert f"{NAME}: 100%" in shown
    assert (f"{NAME}:  50%" in shown) == resumed


def test_a_length_need_not_be_told(fetch: Any, folder: Path, mirror: Any) -> None:
    mirror.tells_length = False
    fetch()
    assert (folder / NAME).read_bytes() == CONTENT


def test_a_whole_left_over_is_taken(fetch: Any, folder: Path, mirror: Any) -> None:
    folder.mkdir()
    (folder / f"{NAME}.part").write_bytes(CONTENT)
    fetch()
    assert mirror.requests == [(f"/{NAME}", f"bytes={len(CONTENT)}-")]
    assert names(folder) == [NAME]


@pytest.mark.parametrize("left_over", [b"wrong", b"w" * len(CONTENT)], ids=["short", "long"])
def test_a_wrong_left_over_is_dropped(
    fetch: Any, folder: Path, mirror: Any, left_over: bytes
) -> None:
    folder.mkdir()
    (folder / f"{NAME}.part").write_bytes(left_over)
    fetch()
    assert [wanted for _, wanted in mirror.requests] == [f"bytes={len(left_over)}-", None]
    assert (folder / NAME).read_bytes() == CONTENT
    assert names(folder) == [NAME]


def test_a_busy_mirror_is_asked_again(fetch: Any, mirror: Any) -> None:
    mirror.errors = [503, 500]
    fetch()
    assert len(mirror.requests) == 3


def test_a_mirror_without_the_file_is_asked_once(fetch: Any, mirror: Any) -> None:
    fetch(f"{mirror.url}nowhere/", mirror.url)
    assert [path for path, _ in mirror.requests] == [f"/nowhere/{NAME}", f"/{NAME}"]


def test_wrong_content_is_not_kept(fetch: Any, folder: Path, mirror: Any) -> None:
    mirror.files[f"wrong/{NAME}"] = b"wrong"
    with pytest.raises(DatasetError, match=f"of {len(CONTENT)} bytes .* found 5 bytes"):
        fetch(f"{mirror.url}wrong/")
    assert len(mirror.requests) == 1
    assert names(folder) == []
    fetch(f"{mirror.url}wrong/", mirror.url)
    assert (folder / NAME).read_bytes() == CONTENT


def test_every_mirror_says_why_it_failed(fetch: Any, folder: Path, mirror: Any) -> None:
    mirror.files[f"wrong/{NAME}"] = b"wrong"
    closed = "http://127.0.0.1:1/"
    with pytest.raises(DatasetError) as info:
        fetch(f"{mirror.url}nowhere/", f"{mirror.url}wrong/", closed, "no-url/")
    _, nowhere, wrong, refused, no_url, advice = str(info.value).splitlines()
    assert str(folder / NAME) in str(info.value)
    assert f"{mirror.url}nowhere/{NAME}" in nowhere
    assert "404" in nowhere
    assert "found 5" in wrong
    assert f"{closed}{NAME}" in refused
    assert "refused" in refused
    assert "unknown url type" in no_url
    assert "XPNET_DATA" in advice
    assert "load_digits()" in advice


def test_pauses_grow(fetch: Any, mirror: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr(download, "PAUSES", (0.0, 0.5, 1.0))
    monkeypatch.setattr("time.sleep", waited.append)
    mirror.break_offs = 2
    fetch()
    assert waited == [0.0, 0.5, 1.0]


def test_a_silent_mirror_is_given_up(
    fetch: Any, mirror: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "TIMEOUT", 0.05)
    mirror.meeting = Barrier(2, timeout=5)  # nobody else comes
    with pytest.raises(DatasetError, match="timed out"):
        fetch()
    mirror.meeting.abort()
    assert len(mirror.requests) == 1


def test_a_cache_that_cannot_be_made_is_named(fetch: Any, folder: Path) -> None:
    folder.write_bytes(b"a file, where the folder should be")
    with pytest.raises(DatasetError, match="set XPNET_CACHE") as info:
        fetch()
    assert str(folder) in str(info.value)


def test_a_data_set_is_downloaded_once(tiny: Any, mirror: Any, cache: Path) -> None:
    first = tiny.load()
    assert [path for path, _ in mirror.requests] == [f"/{name}.gz" for name in tiny.files]
    assert names(cache / tiny.collection.name) == sorted(f"{name}.gz" for name in tiny.files)
    mirror.requests.clear()
    second = tiny.load()
    assert (first[0][0] == second[0][0]).all()
    assert mirror.requests == []


def test_the_users_mirror_comes_first(
    tiny: Any, mirror: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XPNET_MIRROR", f"{mirror.url}own")
    images = "train-images-idx3-ubyte.gz"
    mirror.files[f"own/{tiny.collection.name}/{images}"] = mirror.files.pop(images)
    tiny.load()
    assert [path for path, _ in mirror.requests[:3]] == [
        f"/own/{tiny.collection.name}/{images}",
        f"/own/{tiny.collection.name}/train-labels-idx1-ubyte.gz",
        "/train-labels-idx1-ubyte.gz",
    ]


def test_a_mirror_that_breaks_off_half_way_is_asked_for_the_rest(tiny: Any, mirror: Any) -> None:
    mirror.break_offs = 1
    (x_train, _), _ = tiny.load(normalize=False)
    assert (x_train == tiny.images[:30].reshape(30, 784)).all()
    images = "/train-images-idx3-ubyte.gz"
    half = len(mirror.files[images[1:]]) // 2
    assert mirror.requests[:2] == [(images, None), (images, f"bytes={half}-")]


def test_a_mirror_that_always_breaks_off_gives_way_to_the_next(
    tiny: Any, mirror: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XPNET_MIRROR", f"{mirror.url}own")
    for name in tiny.files:
        own = f"own/{tiny.collection.name}/{name}.gz"
        mirror.files[own] = mirror.files[f"{name}.gz"]
    mirror.break_offs = len(download.PAUSES)
    tiny.load()
    served = [path.startswith("/own/") for path, _ in mirror.requests]
    assert served == [True] * 3 + [False] + [True] * 3


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_damage_in_the_cache_is_mended(tiny: Any, mirror: Any, cache: Path, suffix: str) -> None:
    tiny.save(cache / tiny.collection.name, compress=suffix == ".gz")
    damaged = cache / tiny.collection.name / f"train-images-idx3-ubyte{suffix}"
    damaged.write_bytes(b"damaged")
    tiny.load()
    tiny.load()
    assert mirror.requests == [("/train-images-idx3-ubyte.gz", None)]


def test_a_failure_leaves_the_cache_as_it_was(tiny: Any, mirror: Any, cache: Path) -> None:
    tiny.save(cache / tiny.collection.name, compress=True)
    damaged = cache / tiny.collection.name / "train-images-idx3-ubyte.gz"
    damaged.write_bytes(b"damaged")
    before = {path: path.read_bytes() for path in (cache / tiny.collection.name).iterdir()}
    mirror.files["train-images-idx3-ubyte.gz"] = b"wrong"
    with pytest.raises(DatasetError, match="every mirror failed"):
        tiny.load()
    assert {path: path.read_bytes() for path in (cache / tiny.collection.name).iterdir()} == before


LOAD_IN_ANOTHER_PROCESS = """
import json, sys
from dataclasses import replace
from xpnet.datasets import mnist
from xpnet.datasets.fingerprint import Fingerprint
loader, constant, known, url = json.loads(sys.argv[1])
files = {name: Fingerprint(*args) for name, args in known.items()}
tiny = replace(getattr(mnist, constant), files=files, mirrors=(url,))
setattr(mnist, constant, tiny)
print(getattr(mnist, loader)()[0][0].shape)
"""


def test_two_processes_may_load_at_once(tiny: Any, mirror: Any, cache: Path) -> None:
    mirror.meeting = Barrier(2, timeout=30)
    known = {name: astuple(known) for name, known in tiny.collection.files.items()}
    settings = json.dumps([tiny.load.__name__, tiny.constant, known, mirror.url])
    command = [sys.executable, "-W", "error", "-c", LOAD_IN_ANOTHER_PROCESS, settings]
    processes = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    assert [process.communicate() for process in processes] == [("(30, 784)\n", "")] * 2
    assert len(mirror.requests) == 8
    assert names(cache / tiny.collection.name) == sorted(f"{name}.gz" for name in tiny.files)
