"""One transfer over HTTP, bounded in size, in time and in where it may be sent.

A server may send without end, a byte a minute, or to another place. ``TIMEOUT`` bounds silence,
but each byte ends a silence; so the rate is bounded, too, from the first byte of the answer on.
"""

from __future__ import annotations

import io
import time
from functools import partial
from http import HTTPStatus
from http.client import HTTPConnection, HTTPMessage, HTTPResponse, HTTPSConnection
from socket import socket
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import (
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    Request,
    build_opener,
)

from xpnet.progress import progress

__all__ = ["HopelessError", "transfer"]

TIMEOUT = 20.0
"""Seconds of silence after which a transfer has failed."""

GRACE = 30.0
"""Seconds that an answer may take however slow it is."""

SLOWEST = 10_000
"""Bytes per second that must come on the average after the seconds of grace."""

_CHUNK = 1 << 16
_SILENT = "timed out: nothing came for {:g} seconds"
_TOO_SLOW = "timed out: less than {:g} kB came per second"


class HopelessError(OSError):
    """Why it is of no use to ask the same server again now."""


def transfer(url: str, received: bytearray, most: int) -> None:
    """Fetch what is missing of a file.

    Parameters
    ----------
    url : str
        Where the file is.
    received : bytearray
        The beginning of the file, or nothing; is extended, also where the transfer breaks off.
    most : int
        How many bytes the file has at most.

    Raises
    ------
    HopelessError
        If the server does not have the file, sends too much, is too slow, or refers to another
        place that is not as safe.
    OSError, http.client.HTTPException, ValueError
        If the transfer failed otherwise.
    """
    if urlsplit(url).scheme not in ("http", "https"):
        msg = "unknown url type: it must begin with https:// or http://"
        raise HopelessError(msg)
    try:
        _transfer(url, received, most)
    except HTTPError as error:
        error.close()
        if error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and received:
            return  # it has no more than is here already; whether that is right, the hash tells
        if error.code < HTTPStatus.INTERNAL_SERVER_ERROR:
            raise HopelessError(str(error)) from error
        raise
    except TimeoutError as error:
        raise HopelessError(str(error)) from error
    except URLError as error:
        if isinstance(error.reason, TimeoutError):
            raise HopelessError(str(error)) from error
        raise


def _transfer(url: str, received: bytearray, most: int) -> None:
    request = Request(url, headers={"Range": f"bytes={len(received)}-"} if received else {})
    with _opener(most).open(request, timeout=TIMEOUT) as response:
        if response.status != HTTPStatus.PARTIAL_CONTENT:
            received.clear()
        present, length = len(received), response.length or 0
        if present + length > most:
            received.clear()
            msg = f"it has {present + length} bytes, where at most {most} can be right"
            raise HopelessError(msg)
        with progress(present + length, url.rpartition("/")[2], unit="B") as line:
            line.update(present)
            while chunk := response.read1(_CHUNK):
                received += chunk
                line.update(len(chunk))
                if len(received) > most:
                    received.clear()
                    msg = f"it sends more than {most} bytes, which cannot be right"
                    raise HopelessError(msg)
        # http.client takes the end of a connection for the end of a file.
        if response.length:
            msg = f"the connection broke off after {length - response.length} of {length} bytes"
            raise ConnectionError(msg)


def _opener(most: int) -> OpenerDirector:
    return build_opener(_Http(most), _Https(most), _Redirects)


class _Http(HTTPHandler):
    def __init__(self, most: int) -> None:
        super().__init__()
        self._connection: Any = partial(_connection, HTTPConnection, most)

    def http_open(self, req: Request) -> HTTPResponse:
        return self.do_open(self._connection, req)


class _Https(HTTPSHandler):
    def __init__(self, most: int) -> None:
        super().__init__()
        self._connection: Any = partial(_connection, HTTPSConnection, most)

    def https_open(self, req: Request) -> HTTPResponse:
        return self.do_open(self._connection, req)


def _connection(
    kind: type[HTTPConnection], most: int, host: str, **settings: Any
) -> HTTPConnection:
    connection = kind(host, **settings)
    connection.response_class = partial(_Response, most=most)  # type: ignore[assignment]
    return connection


class _Redirects(HTTPRedirectHandler):
    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        here, there = req.type, urlsplit(newurl).scheme
        if there not in (here, "https"):
            msg = f"a redirect from {here} to {there} is not followed"
            raise HTTPError(req.full_url, code, msg, headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class _Response(HTTPResponse):
    """An answer that is read through a :class:`_Wire`, from its first byte on."""

    def __init__(self, sock: socket, *args: Any, most: int, **settings: Any) -> None:
        super().__init__(sock, *args, **settings)
        self.fp.close()
        self.fp = io.BufferedReader(_Wire(sock, most))


class _Wire(io.RawIOBase):
    """What comes over a socket, as long as it is not too slow and not too much."""

    def __init__(self, sock: socket, most: int) -> None:
        self._socket = sock
        self._raw: Any = sock.makefile("rb", buffering=0)
        self._most = 2 * most + (1 << 16)  # with headers, and with what is between chunks
        self._received = 0
        self._start = time.monotonic()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._start + GRACE + self._received / SLOWEST - time.monotonic()
        if left <= 0:
            raise TimeoutError(_TOO_SLOW.format(SLOWEST / 1000))
        self._socket.settimeout(min(TIMEOUT, left))
        try:
            count: int | None = self._raw.readinto(buffer)
        except TimeoutError as error:
            msg = _TOO_SLOW.format(SLOWEST / 1000) if left < TIMEOUT else _SILENT.format(TIMEOUT)
            raise TimeoutError(msg) from error
        self._received += count or 0
        if self._received > self._most:
            msg = f"it sends more than {self._most} bytes, which cannot be right"
            raise HopelessError(msg)
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()
