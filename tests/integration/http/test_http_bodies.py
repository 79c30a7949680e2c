"""Request bodies: size, time, encoding, shape."""

from __future__ import annotations

import asyncio
import gzip
import tracemalloc
import zlib
from typing import Any

import pytest

from homeserver.presentation.settings import HttpSettings
from tests.support.wire import request_bytes

pytestmark = pytest.mark.asyncio
# without a time: bodies are part of the tests' ids, which must be the same everywhere
_ZIPPED = gzip.compress(b'{"a":1}', mtime=0)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": NaN}',
        b'\xef\xbb\xbf{"a": 1}',
        b'{"a": ',
        b"",
        '{"a": "é"}'.encode("latin-1"),
        rb'{"a": "\ud800"}',
    ],
)
async def test_A1_what_is_not_json_is_400(serve: Any, body: bytes) -> None:
    answer = await (await serve()).ask("POST", "/object", body)
    assert answer.error == (400, "M_NOT_JSON")


async def test_A2_deep_nesting_is_400(serve: Any) -> None:
    answer = await (await serve()).ask("POST", "/object", b"[" * 100_000 + b"]" * 100_000)
    assert answer.error == (400, "M_NOT_JSON")


@pytest.mark.parametrize("body", [b"[]", b'"x"', b"1", b"null", b"true"])
async def test_A4_another_type_than_an_object_is_400(serve: Any, body: bytes) -> None:
    site = await serve()
    assert (await site.ask("POST", "/object", body)).error == (400, "M_BAD_JSON")
    assert (await site.ask("POST", "/optional", body)).error == (400, "M_BAD_JSON")


async def test_no_body_is_an_object_only_where_optional(serve: Any) -> None:
    site = await serve()
    assert (await site.ask("POST", "/optional")).json == {"got": {}}
    assert (await site.ask("POST", "/optional", b"")).json == {"got": {}}
    assert (await site.ask("POST", "/object")).error == (400, "M_NOT_JSON")


async def test_A5_a_length_over_the_limit_is_413_at_once(serve: Any) -> None:
    wire = await (await serve()).connect()
    wire.send(request_bytes("POST", "/object", Content_Length=str(10 * 2**30)))
    async with asyncio.timeout(1):
        answer = await wire.receive()
    assert answer.error == (413, "M_TOO_LARGE")
    assert answer.headers["connection"] == "close"


async def test_A5_chunks_over_the_limit_are_413(serve: Any) -> None:
    wire = await (await serve()).connect()
    wire.send(request_bytes("POST", "/small", Transfer_Encoding="chunked"))
    for _ in range(20):
        wire.send(b"a\r\n0123456789\r\n")
        await asyncio.sleep(0)
    assert (await wire.receive()).error == (413, "M_TOO_LARGE")


async def test_chunked_body_is_read_whole(serve: Any) -> None:
    wire = await (await serve()).connect()
    wire.send(request_bytes("POST", "/object", Transfer_Encoding="chunked"))
    for piece in (b'{"a"', b": ", b"1}"):
        wire.send(b"%x\r\n%b\r\n" % (len(piece), piece))
        await asyncio.sleep(0.01)
    wire.send(b"0\r\n\r\n")
    assert (await wire.receive()).json == {"got": {"a": 1}}


async def test_broken_chunks_are_cut_at_the_read_timeout(serve: Any) -> None:
    site = await serve(settings=HttpSettings(body_seconds=0.2, linger_seconds=0))
    wire = await site.connect()
    wire.send(request_bytes("POST", "/object", Transfer_Encoding="chunked"))
    wire.send(b'2\r\n{"\r\n')
    await asyncio.sleep(0.05)
    wire.send(b"what?\r\n")
    answer = await wire.receive()
    assert (answer.status, answer.headers["connection"]) == (408, "close")
    assert await wire.at_end()


async def test_a_route_has_its_own_limit(serve: Any) -> None:
    site = await serve()
    fits = b'{"a":"' + b"x" * 92 + b'"}'
    assert (await site.ask("POST", "/small", fits)).status == 200
    assert (await site.ask("POST", "/small", fits + b" ")).error == (413, "M_TOO_LARGE")


async def test_A5_a_body_that_drips_is_cut(serve: Any) -> None:
    site = await serve(settings=HttpSettings(body_seconds=0.4, linger_seconds=0))
    wire = await site.connect()
    wire.send(request_bytes("POST", "/object", Content_Length="1000"))

    async def drip() -> None:
        while True:
            wire.send(b" ")
            await asyncio.sleep(0.05)

    dripping = asyncio.create_task(drip())
    try:
        async with asyncio.timeout(1):
            answer = await wire.receive()
        assert answer.status == 408
        assert answer.headers["connection"] == "close"
        assert await wire.at_end()
    finally:
        dripping.cancel()


async def test_A5_a_bomb_is_refused_in_little_memory(serve: Any) -> None:
    site = await serve()
    bomb = gzip.compress(b" " * (100 * 2**20), 9)
    tracemalloc.start()
    try:
        answer = await site.ask("POST", "/object", bomb, Content_Encoding="gzip")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert answer.error == (413, "M_TOO_LARGE")
    assert peak < 10 * 2**20


@pytest.mark.parametrize(
    ("coding", "pack"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", lambda b: zlib.compress(b, wbits=-15)),
        ("identity", lambda b: b),
    ],
)
async def test_compressed_bodies_are_read(serve: Any, coding: str, pack: Any) -> None:
    body = pack(b'{"a":1}')
    answer = await (await serve()).ask("POST", "/object", body, Content_Encoding=coding)
    assert answer.json == {"got": {"a": 1}}


@pytest.mark.parametrize(
    ("coding", "body", "status"),
    [
        ("gzip", b'{"a":1}', 400),
        ("gzip", _ZIPPED[:-4], 400),
        ("gzip", _ZIPPED + b"more", 400),
        ("deflate", b"", 400),
        ("br", b"x", 415),
        ("gzip, gzip", gzip.compress(_ZIPPED, mtime=0), 415),
    ],
)
async def test_wrong_encodings_are_refused(
    serve: Any, coding: str, body: bytes, status: int
) -> None:
    answer = await (await serve()).ask("POST", "/object", body, Content_Encoding=coding)
    assert answer.status == status


async def test_a_client_that_asks_first_is_told_to_go_ahead(serve: Any) -> None:
    wire = await (await serve()).connect()
    wire.send(request_bytes("POST", "/object", Content_Length="7", Expect="100-continue"))
    assert await wire.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    wire.send(b'{"a":1}')
    assert (await wire.receive()).json == {"got": {"a": 1}}


async def test_a_client_that_asks_first_with_too_much_is_refused(serve: Any) -> None:
    wire = await (await serve()).connect()
    wire.send(request_bytes("POST", "/object", Content_Length="9999999", Expect="100-continue"))
    assert (await wire.receive()).error == (413, "M_TOO_LARGE")


async def test_the_connection_goes_on_after_a_refused_body(serve: Any) -> None:
    wire = await (await serve()).connect()
    wire.send(request_bytes("POST", "/object", b"[]"))
    assert (await wire.receive()).error == (400, "M_BAD_JSON")
    wire.send(request_bytes("POST", "/nowhere", b"{}"))
    assert (await wire.receive()).status == 404
    wire.send(request_bytes("POST", "/object", b"{}"))
    assert (await wire.receive()).status == 200
