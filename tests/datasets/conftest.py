"""A mirror on the loopback interface, tiny data sets for it, and no way to any other mirror."""

from __future__ import annotations

import gzip
import hashlib
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Barrier, BrokenBarrierError, Thread
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from xpnet.datasets import download, mnist
from xpnet.datasets.files import Collection
from xpnet.datasets.fingerprint import Fingerprint

TRAIN, TEST = 30, 20
ENDLESS = 1 << 26  # where even the server has enough


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache's folder, empty; the user's settings and the real mirrors are out of reach."""
    for variable in ("XPNET_DATA", "XPNET_MIRROR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("XPNET_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    for name in ("MNIST", "FASHION_MNIST"):
        unreachable = replace(getattr(mnist, name), mirrors=(), system_folders=())
        monkeypatch.setattr(mnist, name, unreachable)
    monkeypatch.setattr(download, "PAUSES", (0.0,) * 3)
    return tmp_path / "cache"


@dataclass
class Mirror:
    """What the server has, how it misbehaves, and what it was asked for."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    break_offs: int = 0  # how many more transfers end half way
    errors: list[int] = field(default_factory=list)  # status codes of the next answers
    knows_ranges: bool = True
    tells_length: bool = True
    meeting: Barrier | None = None  # no transfer ends before so many have begun
    endless: str | None = None  # what never ends: "body", "chunks" or "headers"
    pause: float = 0.0  # before each byte of a body
    redirects: dict[str, str] = field(default_factory=dict)
    sent: int = 0  # bytes of what never ends
    requests: list[tuple[str, str | None]] = field(default_factory=list)

    def put(self, files: dict[str, bytes]) -> None:
        self.files.update({f"{name}.gz": gzip.compress(raw) for name, raw in files.items()})


def _handler(mirror: Mirror) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers["Range"]
            mirror.requests.append((self.path, wanted))
            if mirror.errors:
                self.send_error(mirror.errors.pop(0))
                return
            if self.path in mirror.redirects:
                self.send_response(302)
                self.send_header("Location", mirror.redirects[self.path])
                self.end_headers()
                if mirror.endless:
                    self.send_without_end(b"x" * 50_000)
                return
            if mirror.endless:
                self.send_endless(mirror.endless)
                return
            if self.path.lstrip("/") not in mirror.files:
                self.send_error(404)
                return
            body = mirror.files[self.path.lstrip("/")]
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
            if mirror.knows_ranges and start:
                if start >= len(body):
                    self.send_error(416)
                    return
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
                body = body[start:]
            else:
                self.send_response(200)
            if mirror.tells_length:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if mirror.pause:
                self.trickle(body)
                return
            with suppress(ConnectionError, BrokenBarrierError):
                self.send_halves(body)

        def send_halves(self, body: bytes) -> None:
            half = len(body) // 2
            self.wfile.write(body[:half])
            if mirror.meeting:
                mirror.meeting.wait()
            if mirror.break_offs:
                mirror.break_offs -= 1
            else:
                self.wfile.write(body[half:])

        def send_endless(self, what: str) -> None:
            if what == "headers":
                self.send_without_end(b"HTTP/1.1 100 Continue\r\n\r\n")
                return
            self.send_response(200)
            if what == "chunks":
                self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            content = b"x" * 50_000
            self.send_without_end(b"c350\r\n%s\r\n" % content if what == "chunks" else content)

        def send_without_end(self, block: bytes) -> None:
            with suppress(ConnectionError):
                while mirror.sent < ENDLESS:
                    mirror.sent += self.connection.send(block)
                    time.sleep(mirror.pause)

        def trickle(self, body: bytes) -> None:
            with suppress(ConnectionError):
                for byte in body:
                    self.wfile.write(bytes([byte]))
                    time.sleep(mirror.pause)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    mirror = Mirror()
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(mirror)) as server:
        mirror.url = f"http://127.0.0.1:{server.server_port}/"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield mirror
        server.shutdown()
        thread.join()


def idx(array: NDArray[np.uint8]) -> bytes:
    return struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def fingerprint(content: bytes) -> Fingerprint:
    return Fingerprint(len(content), hashlib.sha256(content).hexdigest())


@dataclass(frozen=True)
class Tiny:
    """A stand-in for a data set, of 30 and 20 images, 28x28 pixels each.

    ``load`` is the data set's loader and ``constant`` what it reads in ``xpnet.datasets.mnist``.
    """

    load: Callable[..., Any]
    constant: str
    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    files: dict[str, bytes]
    collection: Collection

    def save(self, folder: Path, *, compress: bool = False) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        for name, raw in self.files.items():
            if compress:
                (folder / f"{name}.gz").write_bytes(gzip.compress(raw))
            else:
                (folder / name).write_bytes(raw)
        return folder


LOADERS = {"MNIST": mnist.load_mnist, "FASHION_MNIST": mnist.load_fashion_mnist}


@pytest.fixture(params=LOADERS)
def tiny(request: pytest.FixtureRequest, mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> Tiny:
    """Each data set with other files and hashes; the loopback mirror alone has the files."""
    constant = request.param
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (TRAIN + TEST, 28, 28), dtype=np.uint8)
    labels = rng.integers(0, 10, TRAIN + TEST, dtype=np.uint8)
    files = {
        "train-images-idx3-ubyte": idx(images[:TRAIN]),
        "train-labels-idx1-ubyte": idx(labels[:TRAIN]),
        "t10k-images-idx3-ubyte": idx(images[TRAIN:]),
        "t10k-labels-idx1-ubyte": idx(labels[TRAIN:]),
    }
    known = {name: fingerprint(raw) for name, raw in files.items()}
    collection = replace(getattr(mnist, constant), files=known, mirrors=(mirror.url,))
    monkeypatch.setattr(mnist, constant, collection)
    mirror.put(files)
    return Tiny(LOADERS[constant], constant, images, labels, files, collection)
