"""Request bodies, read within limits of size and time.

aiohttp's own decompression is switched off (see `connection.py`): what a small compressed
body may grow to is decided here.
"""

from __future__ import annotations

import asyncio
import zlib
from typing import TYPE_CHECKING

from aiohttp.web import RequestPayloadError

from homeserver.domain.shared.errors import TooLargeError
from homeserver.presentation.http_errors import (
    MalformedRequestError,
    RequestTimedOutError,
    UnsupportedEncodingError,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import StreamReader
    from aiohttp.web import BaseRequest

_GZIP = 31
_ZLIB = 15
_RAW_DEFLATE = -15
_ZLIB_METHOD = 8


async def read_body(raw: BaseRequest, limit: int, seconds: float) -> bytes:
    """Give the whole body, decompressed: at most `limit` bytes, within `seconds`.

    Raises TooLargeError (before reading, where Content-Length tells), RequestTimedOutError,
    MalformedRequestError, UnsupportedEncodingError, and ConnectionError when the client goes
    away.
    """
    coding = raw.headers.get("Content-Encoding", "identity").strip().lower()
    if coding not in {"identity", "gzip", "deflate"}:
        raise UnsupportedEncodingError("Content-Encoding must be gzip, deflate or identity")
    _accept_length(raw, limit)
    if raw.content.is_eof():
        body = raw.content.read_nowait()
        if len(body) > limit:
            raise _too_large(limit)
    else:
        body = await _collect(raw, limit, seconds)
    return body if coding == "identity" else inflate(body, coding, limit)


async def stream_body(raw: BaseRequest, limit: int, stall: float) -> AsyncIterator[bytes]:
    """Give the body in pieces as they come: at most `limit` bytes, `stall` seconds between two.

    For bodies that are stored, not parsed; they may not be compressed. Raises as
    `read_body` does.
    """
    if raw.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise UnsupportedEncodingError("This body may not be compressed")
    _accept_length(raw, limit)
    size = 0
    while True:
        try:
            async with asyncio.timeout(stall):
                piece = await _next_piece(raw)
        except TimeoutError:
            raise RequestTimedOutError("The request body stalled") from None
        if not piece:
            return
        size += len(piece)
        if size > limit:
            raise _too_large(limit)
        yield piece


def inflate(body: bytes, coding: str, limit: int) -> bytes:
    """Decompress a `gzip` or `deflate` body of which at most `limit` bytes may come out."""
    if coding == "gzip":
        window = _GZIP
    else:  # most senders of "deflate" mean zlib, as they should; some send it raw
        window = _ZLIB if body and body[0] & 0x0F == _ZLIB_METHOD else _RAW_DEFLATE
    decoder = zlib.decompressobj(window)
    try:
        plain = decoder.decompress(body, limit + 1)
    except zlib.error:
        raise MalformedRequestError(f"The body is not {coding}") from None
    if len(plain) > limit:
        raise _too_large(limit)
    if not decoder.eof or decoder.unused_data:
        raise MalformedRequestError(f"The body is not one whole {coding} stream")
    return plain


def _accept_length(raw: BaseRequest, limit: int) -> None:
    """Refuse a body that says it is too long; let a client that asked first go ahead."""
    length = raw.content_length
    if length is not None and length > limit:
        raise _too_large(limit)
    expect = raw.headers.get("Expect")
    if expect is not None and expect.lower() == "100-continue" and not raw.content.is_eof():
        transport = raw.transport
        if transport is not None:
            transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")


async def _collect(raw: BaseRequest, limit: int, seconds: float) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            while piece := await _next_piece(raw):
                body += piece
                if len(body) > limit:
                    raise _too_large(limit)
    except TimeoutError:
        raise RequestTimedOutError("The request body took too long") from None
    return bytes(body)


async def _next_piece(raw: BaseRequest) -> bytes:
    content: StreamReader = raw.content
    if raw.transport is None and not content.is_eof():
        raise ConnectionResetError("The client has gone")
    try:
        return await content.readany()
    except RequestPayloadError:
        if raw.transport is None:
            raise ConnectionResetError("The client has gone") from None
        raise MalformedRequestError("Broken transfer encoding") from None


def _too_large(limit: int) -> TooLargeError:
    return TooLargeError(f"The body may have at most {limit} bytes")
