"""Stopping, leaving, not reading, and what an idle connection costs."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from typing import Any

import pytest

from homeserver.presentation.responses import Response, empty_object, json_bytes
from homeserver.presentation.routing import Auth, Route
from homeserver.presentation.settings import HttpSettings
from tests.support.wire import request_bytes

pytestmark = pytest.mark.asyncio


async def test_stop_lets_a_request_finish_and_wakes_long_polls(serve: Any) -> None:
    started = asyncio.Semaphore(0)

    async def slow(request: Any) -> Response:
        started.release()
        await asyncio.sleep(0.3)
        return json_bytes(b'"done"')

    async def poll(request: Any) -> Response:
        started.release()
        await request.drain.wait()
        return json_bytes(b'"woken"')

    site = await serve(
        Route("GET", "/slow", slow, Auth.NONE),
        Route("GET", "/poll", poll, Auth.NONE, long_poll=True),
    )
    wires = [await site.connect() for _ in range(2)]
    for wire, path in zip(wires, ("/slow", "/poll"), strict=True):
        wire.send(request_bytes("GET", path))
        await started.acquire()
    await site.server.stop()
    answers = [await wire.receive() for wire in wires]
    assert [answer.json for answer in answers] == ["done", "woken"]
    assert [answer.headers["connection"] for answer in answers] == ["close", "close"]
    with pytest.raises(OSError, match=r"refused|Connect call failed"):
        await site.connect()


async def test_while_draining_kept_connections_are_answered_once_more(serve: Any) -> None:
    site = await serve(settings=HttpSettings(linger_seconds=0.3, drain_seconds=1))
    wire, idle = await site.connect(), await site.connect()
    wire.send(request_bytes("GET", "/open/x"))
    assert "connection" not in (await wire.receive()).headers
    stopping = asyncio.create_task(site.server.stop())
    await asyncio.sleep(0.05)
    wire.send(request_bytes("GET", "/open/y"))
    answer = await wire.receive()
    assert (answer.status, answer.headers["connection"]) == (200, "close")
    assert await wire.at_end()
    await stopping
    assert await idle.at_end()


async def test_stop_does_not_wait_for_ever(serve: Any) -> None:
    cancelled = asyncio.Event()

    async def stuck(request: Any) -> Response:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        return empty_object()

    settings = HttpSettings(linger_seconds=0, drain_seconds=0.1)
    site = await serve(Route("GET", "/stuck", stuck, Auth.NONE), settings=settings)
    wire = await site.connect()
    wire.send(request_bytes("GET", "/stuck"))
    await asyncio.sleep(0.05)
    async with asyncio.timeout(4):
        await site.server.stop()
        await cancelled.wait()


async def test_a_long_poll_ends_when_its_client_leaves_but_a_write_goes_on(serve: Any) -> None:
    log: list[str] = []
    started = asyncio.Semaphore(0)

    async def work(request: Any) -> Response:
        started.release()
        try:
            await asyncio.sleep(0.3)
        except asyncio.CancelledError:
            log.append(f"cancelled {request.path}")
            raise
        log.append(f"finished {request.path}")
        return empty_object()

    site = await serve(
        Route("GET", "/poll", work, Auth.NONE, long_poll=True),
        Route("PUT", "/write", work, Auth.NONE),
    )
    for method, path in (("GET", "/poll"), ("PUT", "/write")):
        wire = await site.connect()
        wire.send(request_bytes(method, path))
        await started.acquire()
        wire.writer.transport.abort()
    await asyncio.sleep(0.1)
    assert log == ["cancelled /poll"]
    await asyncio.sleep(0.4)
    assert log == ["cancelled /poll", "finished /write"]
    assert site.server.connection_count == 0


async def test_a_client_that_leaves_in_its_body_makes_no_noise(
    serve: Any, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[int] = []

    class Watch:
        def begin(self, request: Any) -> None: ...

        def end(self, request: Any, status: int, seconds: float) -> None:
            seen.append(status)

    site = await serve(observer=Watch())
    for half in (
        request_bytes("POST", "/object", Content_Length="100"),
        request_bytes("POST", "/object", Transfer_Encoding="chunked"),
    ):
        wire = await site.connect()
        wire.send(half)
        await asyncio.sleep(0.05)
        wire.writer.transport.abort()
    await asyncio.sleep(0.1)
    assert seen == [499, 499]
    assert not [r for r in caplog.records if r.levelname in ("ERROR", "WARNING")]


async def test_E7_a_client_that_does_not_read_is_cut_off(serve: Any) -> None:
    async def big(request: Any) -> Response:
        return json_bytes(b" " * (8 * 2**20))

    settings = HttpSettings(send_stall_seconds=0.2, linger_seconds=0)
    site = await serve(Route("GET", "/big", big, Auth.NONE), settings=settings)
    wire = await site.connect()
    wire.writer.transport.pause_reading()
    wire.send(request_bytes("GET", "/big") * 3)
    async with asyncio.timeout(3):
        while site.server.connection_count == 0:
            await asyncio.sleep(0.01)
        while site.server.connection_count:
            await asyncio.sleep(0.05)


async def test_a_large_response_arrives_whole(serve: Any) -> None:
    async def big(request: Any) -> Response:
        return json_bytes(b" " * (8 * 2**20) + b"1")

    site = await serve(Route("GET", "/big", big, Auth.NONE))
    wire = await site.connect()
    for _ in range(2):
        wire.send(request_bytes("GET", "/big"))
        assert (await wire.receive()).json == 1


async def test_HTTP_1_0_is_spoken(serve: Any) -> None:
    wire = await (await serve()).connect()
    wire.send(b"GET /open/x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    assert (await wire.receive()).headers["connection"] == "keep-alive"
    wire.send(b"GET /open/x HTTP/1.0\r\n\r\n")
    assert (await wire.receive()).status == 200
    assert await wire.at_end()


async def test_idle_connections_keep_little_of_their_last_response(serve: Any) -> None:
    number, size = 200, 20_000
    made = 0

    async def sync(request: Any) -> Response:
        nonlocal made
        made += 1
        return json_bytes(b'"%d' % made + b"x" * size + b'"')

    site = await serve(Route("GET", "/sync", sync, Auth.NONE))
    warm = await site.connect()
    warm.send(request_bytes("GET", "/sync"))
    await warm.receive()
    socks = [await site.connect() for _ in range(number)]
    gc.collect()
    tracemalloc.start()
    try:
        for wire in socks:
            wire.send(request_bytes("GET", "/sync"))
            await wire.receive()
        gc.collect()
        kept = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert made == number + 1
    assert kept / number < 10_000  # with aiohttp's own response it is over 20,000
