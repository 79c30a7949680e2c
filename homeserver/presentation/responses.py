"""Responses, written with as little work and kept with as little memory as possible.

aiohttp holds a connection's last response while it waits for the next request, so every
idle client would pin its last sync. `Response` therefore forgets everything once it is
written. It also writes its head from precomputed bytes instead of a header table.
"""

from __future__ import annotations

import asyncio
import time
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING

import msgspec
from aiohttp import HttpVersion10, web

if TYPE_CHECKING:
    from aiohttp.abc import AbstractStreamWriter
    from aiohttp.web import BaseRequest

JSON = "application/json"

# Client-Server API, section "Web browser clients". Retry-After is exposed so that a
# browser's client can read it.
CORS_HEADERS = MappingProxyType(
    {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS",
        "Access-Control-Allow-Headers": "X-Requested-With, Content-Type, Authorization",
        "Access-Control-Expose-Headers": "Retry-After",
    }
)
_COMMON = "".join(f"{name}: {value}\r\n" for name, value in CORS_HEADERS.items())
_BODILESS = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})
_LARGE = 64 * 1024
_encode = msgspec.json.Encoder().encode


class Response(web.StreamResponse):
    """A whole response in memory.

    Further headers go into `headers` before it is returned. `send_stall_seconds` bounds how
    long a client may take nothing of it.
    """

    def __init__(self, status: int, body: bytes, content_type: str = JSON) -> None:
        """Take the body as it is."""
        super().__init__(status=status)
        self.payload = body
        self.send_stall_seconds = 30.0
        self._type = content_type
        self._request: BaseRequest | None = None

    async def prepare(self, request: BaseRequest) -> AbstractStreamWriter:
        """Remember the connection; everything is written at the end, in one piece."""
        self._request = request
        if self._keep_alive is None:
            self._keep_alive = request.keep_alive
        return request.writer

    async def write_eof(self, data: bytes = b"") -> None:
        """Write head and body; ConnectionResetError when the client has gone."""
        request = self._request
        if request is None or self._eof_sent:
            return
        self._eof_sent = True
        head = self._head(request)
        body = b"" if request.method == "HEAD" else self.payload + data
        self._request = None
        self.payload = b""
        self._headers.clear()
        await _send(request, head, body, self.send_stall_seconds)

    def _head(self, request: BaseRequest) -> bytes:
        if self._keep_alive and not self._headers and request.version != HttpVersion10:
            start = _start(self.status, self._type, _second())
            if self.status not in _BODILESS:
                return b"%bContent-Length: %d\r\n\r\n" % (start, len(self.payload))
        lines = [_fixed_head(self.status, self._type), _date(_second())]
        for name, value in self._headers.items():
            lines.append(_header(name, value))
        if not self._keep_alive:
            lines.append("Connection: close\r\n")
        elif request.version == HttpVersion10:
            lines.append("Connection: keep-alive\r\n")
        if self.status not in _BODILESS:
            lines.append(f"Content-Length: {len(self.payload)}\r\n")
        lines.append("\r\n")
        return "".join(lines).encode()


def json_bytes(body: bytes, status: int = 200) -> Response:
    """Answer with JSON that is serialised already."""
    return Response(status, body)


def json_response(value: object, status: int = 200) -> Response:
    """Answer with a JSON value or msgspec struct."""
    return Response(status, _encode(value))


def empty_object() -> Response:
    """Answer `{}`."""
    return Response(200, b"{}")


def preflight() -> Response:
    """Answer OPTIONS, on whatever path."""
    response = Response(200, b"{}")
    response.headers["Access-Control-Max-Age"] = "86400"
    return response


@lru_cache(maxsize=256)
def _fixed_head(status: int, content_type: str) -> str:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown"
    head = f"HTTP/1.1 {status} {phrase}\r\n{_COMMON}"
    return head if status in _BODILESS else head + _header("Content-Type", content_type)


@lru_cache(maxsize=16)
def _start(status: int, content_type: str, second: int) -> bytes:
    """What the heads of most answers of one second begin with."""
    return (_fixed_head(status, content_type) + _date(second)).encode()


def _second() -> int:
    return int(time.time())  # noqa: TID251 (`Date` is wall time, whatever the Clock port says)


@lru_cache(maxsize=2)
def _date(second: int) -> str:
    return f"Date: {formatdate(second, usegmt=True)}\r\n"


def _header(name: str, value: str) -> str:
    """One header line; ValueError for what would end it early (E1)."""
    if not (name.isascii() and (name + value).isprintable() and value.isascii()):
        msg = f"Header {name!r} has characters that are not allowed"
        raise ValueError(msg)
    return f"{name}: {value}\r\n"


async def _send(request: BaseRequest, head: bytes, body: bytes, stall: float) -> None:
    transport = request.transport
    if transport is None or transport.is_closing():
        raise ConnectionResetError("The client has gone")
    if len(body) < _LARGE:
        transport.write(head + body)
    else:
        transport.writelines((head, body))
    if request.protocol.writing_paused:
        await _drained(request, transport, stall)


async def _drained(request: BaseRequest, transport: asyncio.Transport, stall: float) -> None:
    """Wait until the client has taken most of it; cut it off when it takes nothing (E7)."""
    while True:
        left = transport.get_write_buffer_size()
        try:
            async with asyncio.timeout(stall):
                await request.writer.drain()
        except TimeoutError:
            if transport.get_write_buffer_size() >= left:
                transport.abort()
                raise ConnectionResetError("The client does not read") from None
        else:
            return
