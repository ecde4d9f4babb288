"""Servers that mean harm, and folders in which somebody has left traps."""

from __future__ import annotations

import gzip
import hashlib
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request

import pytest

from xpnet.datasets import download, mnist, storage, transfer
from xpnet.datasets.fingerprint import Fingerprint
from xpnet.errors import DatasetError

NAME = "data.bin"
CONTENT = os.urandom(1 << 14)
KNOWN = Fingerprint(len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
IMAGES = "train-images-idx3-ubyte"
MEGABYTE = 1 << 20


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "shared"
    path.mkdir()
    return path


@pytest.fixture
def fetch(mirror: Any, folder: Path) -> Callable[..., bytes]:
    mirror.files[NAME] = CONTENT

    def call(*mirrors: str) -> bytes:
        return download.download(folder / NAME, mirrors or (mirror.url,), KNOWN)

    return call


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def peak(function: Callable[[], Any]) -> int:
    """Return how much memory a function took at once."""
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


# Servers -------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["body", "chunks", "headers"])
def test_a_server_that_never_stops_is_left(
    fetch: Any, folder: Path, mirror: Any, what: str
) -> None:
    mirror.endless = what

    def fail() -> None:
        with pytest.raises(DatasetError, match=r"sends more than \d+ bytes"):
            fetch()

    assert peak(fail) < 4 * MEGABYTE
    assert len(mirror.requests) == 1
    assert names(folder) == []


def test_a_file_that_is_announced_too_large_is_not_fetched(
    fetch: Any, folder: Path, mirror: Any
) -> None:
    mirror.files[NAME] = bytes(2 * MEGABYTE)
    with pytest.raises(DatasetError, match=rf"has {2 * MEGABYTE} bytes, where at most"):
        fetch()
    assert names(folder) == []


def test_the_rest_of_a_file_may_not_make_it_too_large(
    fetch: Any, folder: Path, mirror: Any
) -> None:
    (folder / f"{NAME}.part").write_bytes(b"x" * KNOWN.most_stored)
    mirror.files[NAME] = bytes(KNOWN.most_stored + 1)
    with pytest.raises(DatasetError, match="where at most"):
        fetch()
    assert mirror.requests == [(f"/{NAME}", f"bytes={KNOWN.most_stored}-")]
    assert names(folder) == []


@pytest.mark.parametrize("pause", [0.0004, 0.01])  # with 0.01, 16 kB take three minutes
def test_a_trickling_server_is_left(
    fetch: Any, folder: Path, mirror: Any, monkeypatch: pytest.MonkeyPatch, pause: float
) -> None:
    monkeypatch.setattr(transfer, "GRACE", 0.2)
    mirror.pause = pause
    with pytest.raises(DatasetError, match="timed out: less than 10 kB came per second"):
        fetch()
    assert len(mirror.requests) == 1
    left_over = (folder / f"{NAME}.part").read_bytes()
    assert CONTENT.startswith(left_over)
    assert 0 < len(left_over) < 1000


def test_a_server_that_trickles_its_headers_is_left(
    fetch: Any, mirror: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "GRACE", 0.2)
    mirror.endless, mirror.pause = "headers", 0.01
    with pytest.raises(DatasetError, match="timed out: less than"):
        fetch()


def test_a_redirect_is_followed(fetch: Any, mirror: Any) -> None:
    mirror.redirects[f"/old/{NAME}"] = f"/{NAME}"
    assert fetch(f"{mirror.url}old/") == CONTENT


@pytest.mark.parametrize("scheme", ["file", "ftp", "data"])
def test_a_redirect_out_of_the_web_is_not_followed(
    fetch: Any, mirror: Any, tmp_path: Path, scheme: str
) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(CONTENT)
    mirror.redirects[f"/{NAME}"] = f"{scheme}://{secret}"
    with pytest.raises(DatasetError, match="302"):
        fetch()
    assert len(mirror.requests) == 1


def test_a_redirect_may_not_give_up_tls() -> None:
    def follow(here: str, there: str) -> Request | None:
        return transfer._Redirects().redirect_request(
            Request(here), sys.stdin.buffer, 302, "Found", Message(), there
        )

    assert follow("http://a/", "http://b/") is not None
    assert follow("http://a/", "https://b/") is not None
    assert follow("https://a/", "https://b/") is not None
    with pytest.raises(HTTPError, match="from https to http is not followed"):
        follow("https://a/", "http://b/")


def test_a_redirect_that_never_ends_is_left(fetch: Any, mirror: Any) -> None:
    mirror.redirects[f"/{NAME}"] = "/elsewhere"
    mirror.endless = "body"  # urllib reads it before it goes on

    def fail() -> None:
        with pytest.raises(DatasetError, match=r"sends more than \d+ bytes"):
            fetch()

    assert peak(fail) < 8 * MEGABYTE


@pytest.mark.parametrize("url", ["file:///", "ftp://127.0.0.1/", "data:,"])
def test_a_mirror_is_on_the_web(fetch: Any, url: str) -> None:
    with pytest.raises(DatasetError, match="unknown url type: it must begin with https://"):
        fetch(url)


def test_mirrors_without_tls_come_last() -> None:
    for collection in (mnist.MNIST, mnist.FASHION_MNIST):
        with_tls = [url.startswith("https://") for url in REAL_MIRRORS[collection.name]]
        assert with_tls == sorted(with_tls, reverse=True)
        assert with_tls[0]


REAL_MIRRORS = {known.name: known.mirrors for known in (mnist.MNIST, mnist.FASHION_MNIST)}


# What is packed ------------------------------------------------------------------------------


def test_sizes_are_those_of_the_published_files() -> None:
    published = {
        "train-images-idx3-ubyte": (47_040_016, 9_912_422, 26_421_880),
        "train-labels-idx1-ubyte": (60_008, 28_881, 29_515),
        "t10k-images-idx3-ubyte": (7_840_016, 1_648_877, 4_422_102),
        "t10k-labels-idx1-ubyte": (10_008, 4_542, 5_148),
    }
    for collection in (mnist.MNIST, mnist.FASHION_MNIST):
        assert collection.files.keys() == published.keys()
        for name, (raw, *packed) in published.items():
            assert collection.files[name].size == raw
            assert max(packed) < collection.files[name].most_stored < 1.002 * raw + 1100


@pytest.mark.parametrize("size", [0, 1, 10_008, 1_000_000])
@pytest.mark.parametrize("level", [0, 1, 9])
def test_no_gzip_of_the_content_is_too_large(size: int, level: int) -> None:
    content = os.urandom(size)
    known = Fingerprint(size, hashlib.sha256(content).hexdigest())
    stored = gzip.compress(content, level)
    assert len(stored) <= known.most_stored
    assert known.unpack(stored) == content


def test_what_unpacks_to_too_much_is_not_unpacked(tiny: Any, mirror: Any, tmp_path: Path) -> None:
    bomb = gzip.compress(bytes(16 * MEGABYTE))
    assert len(bomb) < tiny.collection.files[IMAGES].most_stored
    folder = tiny.save(tmp_path / "mine", compress=True)
    (folder / f"{IMAGES}.gz").write_bytes(bomb)
    mirror.files[f"{IMAGES}.gz"] = bomb

    def fail() -> None:
        with pytest.raises(DatasetError, match="found more bytes"):
            tiny.load(folder=folder)
        with pytest.raises(DatasetError, match="found more bytes"):
            tiny.load()

    assert peak(fail) < 2 * MEGABYTE


@pytest.mark.parametrize(
    "garbage",
    [b"\0" * 9 + b"garbage", b"\x1f\x8b", gzip.compress(b"more")],
    ids=["bytes", "half a header", "another file"],
)
def test_what_follows_a_gz_is_refused(tiny: Any, tmp_path: Path, garbage: bytes) -> None:
    folder = tiny.save(tmp_path, compress=True)
    path = folder / f"{IMAGES}.gz"
    path.write_bytes(path.read_bytes() + garbage)
    with pytest.raises(DatasetError, match=r"cannot be used: expected .* load again"):
        tiny.load(folder=folder)


# The user's folder ---------------------------------------------------------------------------


def endless_zeros(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)  # has no blocks on the disk


TRAPS: dict[str, tuple[Callable[[Path], object], str]] = {
    "folder": (Path.mkdir, "Is a directory"),
    "pipe": (lambda path: os.mkfifo(path), "it is no regular file"),
    "device": (lambda path: path.symlink_to("/dev/zero"), "it is no regular file"),
    "link to nothing": (lambda path: path.symlink_to("nothing"), "No such file"),
    "link to itself": (lambda path: path.symlink_to(path), "symbolic links"),
    "link to no possible name": (lambda path: path.symlink_to("x" * 300), "File name too long"),
    "huge": (endless_zeros, f"it has {1 << 40} bytes, where at most"),
    "empty": (Path.touch, "found 0 bytes"),
    "longer": (lambda path: path.write_bytes(bytes(23_537)), "found more bytes"),
    "huge sizes": (
        lambda path: path.write_bytes(bytes([0, 0, 8, 3]) + b"\xff" * 12),
        "found 16 bytes",
    ),
}


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX files")
@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("source", ["folder", "XPNET_DATA"])
@pytest.mark.parametrize("trap", TRAPS)
def test_what_is_no_good_file_is_named(
    tiny: Any,
    mirror: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    trap: str,
    source: str,
    suffix: str,
) -> None:
    lay, says = TRAPS[trap]
    folder = tiny.save(tmp_path / "mine", compress=bool(suffix))
    path = folder / f"{IMAGES}{suffix}"
    path.unlink()
    lay(path)
    monkeypatch.setenv("XPNET_DATA", str(folder))
    given = {"folder": folder} if source == "folder" else {}

    def fail() -> None:
        with pytest.raises(DatasetError) as info:
            tiny.load(**given)
        assert str(info.value).startswith(f"{path} cannot be used: ")
        assert says in str(info.value)
        assert "put a good copy in its place that you may read" in str(info.value)

    assert peak(fail) < MEGABYTE
    assert mirror.requests == []


@pytest.mark.parametrize("source", ["folder", "XPNET_DATA", "XPNET_CACHE"])
def test_a_home_that_nobody_has_is_told(
    tiny: Any, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    nobody = "~nobody-of-that-name/mnist"
    if source != "folder":
        monkeypatch.setenv(source, nobody)
    with pytest.raises(DatasetError, match=f"^{nobody} has no meaning here .* set {source}"):
        tiny.load(**({"folder": nobody} if source == "folder" else {}))


def test_a_folder_that_cannot_be_looked_into_is_named(tiny: Any, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="cannot be used: File name too long"):
        tiny.load(folder=tmp_path / ("x" * 300))
    with pytest.raises(DatasetError, match=r"cannot be used: .*embedded null"):
        tiny.load(folder="x\0y")


def test_a_link_in_the_users_folder_is_read(tiny: Any, tmp_path: Path) -> None:
    folder = tiny.save(tmp_path / "mine")
    (folder / IMAGES).rename(tmp_path / "images")
    (folder / IMAGES).symlink_to(tmp_path / "images")
    assert tiny.load(folder=folder)[0][0].shape == (30, 784)


AS_NOBODY = """
import os, sys
from pathlib import Path
from xpnet.datasets import download, files, fingerprint, mnist
from xpnet.errors import DatasetError
if os.getuid() == 0:
    os.setgroups([])
    os.setuid(65534)
known = fingerprint.Fingerprint(1, "")
for use in (
    lambda: download.download(Path("/usr/data.bin"), ["http://127.0.0.1:1/"], known),
    lambda: mnist.load_mnist(folder=sys.argv[1]),
):
    try:
        use()
    except DatasetError as error:
        print(error)
"""


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX permissions")
def test_what_is_not_permitted_is_told(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o000)
    done = subprocess.run(
        [sys.executable, "-c", AS_NOBODY, str(closed)], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    unwritable, unreadable = done.stdout.splitlines()
    assert unwritable.startswith("cannot write to /usr; set XPNET_CACHE to a folder")
    assert unreadable.startswith(f"{closed / IMAGES} cannot be used: Permission denied; put a good")


# The cache -----------------------------------------------------------------------------------


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    path = tmp_path / "victim"
    path.write_bytes(b"dear to somebody")
    return path


LINKS = {"symbolic": Path.symlink_to, "hard": Path.hardlink_to}


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("suffix", ["", ".part"])
@pytest.mark.parametrize("broken", [False, True], ids=["whole", "broken"])
def test_what_a_planted_link_leads_to_is_not_written(
    fetch: Any, folder: Path, mirror: Any, victim: Path, link: str, suffix: str, broken: bool
) -> None:
    LINKS[link](folder / f"{NAME}{suffix}", victim)
    mirror.break_offs = 3 if broken else 0
    if broken:
        with pytest.raises(DatasetError, match="broke off"):
            fetch()
        assert not (folder / f"{NAME}.part").is_symlink()
    else:
        fetch()
        assert names(folder) == [NAME]
        assert not (folder / NAME).is_symlink()
    assert victim.read_bytes() == b"dear to somebody"


def test_a_planted_link_is_not_read(fetch: Any, folder: Path, mirror: Any, victim: Path) -> None:
    (folder / f"{NAME}.part").symlink_to(victim)
    fetch()
    assert mirror.requests == [(f"/{NAME}", None)]  # and no range that tells the victim's size


def test_a_link_in_the_cache_is_replaced(
    tiny: Any, mirror: Any, cache: Path, tmp_path: Path
) -> None:
    folder = tiny.save(cache / tiny.collection.name, compress=True)
    planted = folder / f"{IMAGES}.gz"
    planted.rename(tmp_path / "elsewhere")
    planted.symlink_to(tmp_path / "elsewhere")
    tiny.load()
    assert mirror.requests == [(f"/{IMAGES}.gz", None)]
    assert not planted.is_symlink()


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX files")
@pytest.mark.parametrize("trap", ["pipe", "huge", "folder"])
def test_a_trap_in_place_of_a_left_over_is_passed_over(
    fetch: Any, folder: Path, mirror: Any, trap: str
) -> None:
    TRAPS[trap][0](folder / f"{NAME}.part")
    assert fetch() == CONTENT
    assert mirror.requests == [(f"/{NAME}", None)]


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX files")
def test_a_pipe_in_the_cache_is_replaced(tiny: Any, mirror: Any, cache: Path) -> None:
    folder = tiny.save(cache / tiny.collection.name, compress=True)
    (folder / f"{IMAGES}.gz").unlink()
    os.mkfifo(folder / f"{IMAGES}.gz")
    tiny.load()
    assert (folder / f"{IMAGES}.gz").is_file()


def test_a_folder_in_place_of_the_file_is_named(fetch: Any, folder: Path) -> None:
    (folder / NAME).mkdir()
    with pytest.raises(DatasetError, match=r"cannot write .*data\.bin: .*; set XPNET_CACHE"):
        fetch()
    # What was fetched is not lost.
    assert names(folder) == [NAME, f"{NAME}.part"]


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX limits")
def test_a_full_disk_is_told_and_nothing_half_written_is_left(fetch: Any, folder: Path) -> None:
    import resource

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(DatasetError, match=r"cannot write .* set XPNET_CACHE") as info:
            fetch()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert str(folder / NAME) in str(info.value)
    assert names(folder) == []


def test_a_name_that_somebody_foresaw_is_not_written_through(
    folder: Path, victim: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "urandom", bytes)
    (folder / f"{NAME}.{'00' * 16}.new").symlink_to(victim)
    with pytest.raises(FileExistsError):
        storage.write_file(folder / NAME, CONTENT)
    assert victim.read_bytes() == b"dear to somebody"
