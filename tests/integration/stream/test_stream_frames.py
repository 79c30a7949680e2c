"""Handshakes, bad frames, floods: how the socket refuses."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from homeserver.application.ports.rate_limiter import Limit
from tests.support.streaming import PATH, streaming
from tests.support.syncing import Phone

if TYPE_CHECKING:
    from tests.support.syncing import SyncTown

UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Protocol": "firn.v1",
}


async def test_a_browser_brings_its_token_as_a_subprotocol(romeo: Phone, room: str) -> None:
    async with streaming(romeo, browser=True) as socket:
        assert (await socket.ask(type="ping", id="p"))["id"] == "p"
        assert await socket.say(room, "from a browser")


async def test_the_token_in_the_header_wins(romeo: Phone) -> None:
    async with streaming(romeo, protocols=("firn.token.bm9uc2Vuc2U", "firn.v1")) as socket:
        assert (await socket.ask(type="ping"))["type"] == "pong"


@pytest.mark.parametrize(
    ("changed", "status", "errcode"),
    [
        ({"Upgrade": None, "Connection": None}, 426, "M_UNRECOGNIZED"),
        ({"Sec-WebSocket-Protocol": None}, 400, "M_INVALID_PARAM"),
        ({"Sec-WebSocket-Protocol": "firn.v2, chat"}, 400, "M_INVALID_PARAM"),
        ({"Sec-WebSocket-Version": "12"}, 400, "M_INVALID_PARAM"),
        ({"Sec-WebSocket-Key": "short"}, 400, "M_INVALID_PARAM"),
    ],
)
async def test_what_is_no_handshake_is_answered_in_http(
    romeo: Phone, changed: dict[str, str | None], status: int, errcode: str
) -> None:
    headers = {k: v for k, v in {**UPGRADE, **changed}.items() if v is not None}
    headers["Authorization"] = f"Bearer {romeo.token}"
    async with (
        aiohttp.ClientSession() as http,
        http.get(romeo.base + PATH, headers=headers) as answer,
    ):
        assert answer.status == status
        assert (await answer.json())["errcode"] == errcode


@pytest.mark.parametrize("browser", [False, True])
async def test_an_unknown_token_closes_4001(town: SyncTown, *, browser: bool) -> None:
    stranger = Phone(town.base)
    stranger.token = "of nobody"
    async with streaming(stranger, browser=browser) as socket:
        closed = await socket.closed()
    assert (closed.code, closed.errcode) == (4001, "M_UNKNOWN_TOKEN")


@pytest.mark.parametrize("offered", [(), ("firn.token.",), ("firn.token._",)])
async def test_no_token_closes_4001(town: SyncTown, offered: tuple[str, ...]) -> None:
    nobody, protocols = Phone(town.base), ("firn.v1", *offered)
    async with streaming(nobody, protocols=protocols) as socket:
        closed = await socket.closed()
    assert (closed.code, closed.errcode) == (4001, "M_MISSING_TOKEN")


@pytest.mark.parametrize(
    ("query", "errcode"),
    [
        ({"since": "garbage"}, "M_INVALID_PARAM"),
        ({"filter": "{"}, "M_NOT_JSON"),
        ({"filter": "4711"}, "M_INVALID_PARAM"),
        ({"full_state": "maybe"}, "M_INVALID_PARAM"),
        ({"set_presence": "dancing"}, "M_INVALID_PARAM"),
    ],
)
async def test_a_bad_query_closes_4000(romeo: Phone, query: dict[str, Any], errcode: str) -> None:
    async with streaming(romeo, **query) as socket:
        closed = await socket.closed()
    assert (closed.code, closed.errcode) == (4000, errcode)


async def test_A7_anothers_token_is_no_place_to_begin(romeo: Phone, juliet: Phone) -> None:
    await romeo.sync()
    async with streaming(juliet, since=romeo.since) as socket:
        closed = await socket.closed()
    assert (closed.code, closed.errcode) == (4000, "M_INVALID_PARAM")


@pytest.mark.parametrize(
    ("text", "errcode"),
    [
        ("", "M_NOT_JSON"),
        ("{", "M_NOT_JSON"),
        ('{"type":"ping","id":1,"x":' + "[" * 100_000, "M_NOT_JSON"),
        ("[]", "M_BAD_JSON"),
        ('"ping"', "M_BAD_JSON"),
        ("{}", "M_BAD_JSON"),
        ('{"type":"ping"}', "M_BAD_JSON"),
        ('{"type":"dance"}', "M_BAD_JSON"),
        ('{"type":7,"id":"a"}', "M_BAD_JSON"),
        ('{"type":"ping","id":{}}', "M_BAD_JSON"),
        ('{"type":"ping","id":"%s"}' % ("x" * 256), "M_BAD_JSON"),
        ('{"type":"ack","seq":-1}', "M_BAD_JSON"),
        ('{"type":"ack","seq":"1"}', "M_BAD_JSON"),
        ('{"type":"ack","seq":5}', "M_INVALID_PARAM"),
    ],
)
async def test_A1_a_bad_frame_closes_4000(romeo: Phone, text: str, errcode: str) -> None:
    async with streaming(romeo) as socket:
        await socket.sync()
        await socket.raw.send_str(text)
        closed = await socket.closed()
    assert (closed.code, closed.errcode) == (4000, errcode)


async def test_A1_a_binary_frame_closes_4000(romeo: Phone) -> None:
    async with streaming(romeo) as socket:
        await socket.raw.send_bytes(b'{"type":"ping","id":1}')
        closed = await socket.closed()
    assert (closed.code, closed.errcode) == (4000, "M_NOT_JSON")


async def test_A3_text_that_is_not_utf8_closes(romeo: Phone) -> None:
    async with streaming(romeo) as socket:
        await socket.raw.send_frame(b'{"type":"ping","id":"\xff"}', aiohttp.WSMsgType.TEXT)
        closed = await socket.closed()
    assert closed.code in (1007, 4000)


async def test_E7_a_frame_above_the_limit_closes_1009(town: SyncTown, romeo: Phone) -> None:
    limit = town.http_settings.max_body
    async with streaming(romeo) as socket:
        await socket.send(type="ping", id="big", padding="x" * (limit - 100))
        assert (await socket.answer("big"))["type"] == "pong"
        await socket.send(type="ping", id="big", padding="x" * limit)
        closed = await socket.closed()
    assert closed.code == 1009


async def test_a_flood_closes_4029(town: SyncTown, romeo: Phone) -> None:
    town.limiter.configure({"stream_frames": Limit(0.01, 20)})
    async with streaming(romeo) as socket:
        for n in range(200):
            await socket.send(type="ping", id=n)
        closed = await socket.closed()
    assert (closed.code, closed.errcode) == (4029, "M_LIMIT_EXCEEDED")
    assert closed.error["retry_after_ms"] > 0


async def test_acknowledging_news_is_no_flood(
    town: SyncTown, romeo: Phone, juliet: Phone, room: str
) -> None:
    town.limiter.configure({"stream_frames": Limit(0.01, 3)})
    async with streaming(juliet) as socket:
        for n in range(12):
            await romeo.send(room, str(n))
            await socket.until(lambda n=n: len(juliet.rooms[room].bodies) == n + 1)  # type: ignore[misc]


async def test_a_user_has_so_many_sockets_and_no_more(town: SyncTown, romeo: Phone) -> None:
    town.stream.sockets.per_user = lambda: 2
    async with streaming(romeo) as one, streaming(romeo):
        await one.ask(type="ping")
        async with streaming(romeo) as third:
            closed = await third.closed()
        assert (closed.code, closed.errcode) == (4029, "M_LIMIT_EXCEEDED")
        assert (await one.ask(type="ping"))["type"] == "pong"
    async with streaming(romeo) as socket:
        assert (await socket.ask(type="ping"))["type"] == "pong"


async def test_unknown_members_are_ignored(romeo: Phone, room: str) -> None:
    frame: dict[str, Any] = {"type": "send", "id": 1, "room_id": room, "event_type": "m.x"}
    frame |= {"txn_id": "t", "content": {}, "colour": {"deep": ["blue"]}}
    frame["traceparent"] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    async with streaming(romeo) as socket:
        await socket.raw.send_str(json.dumps(frame))
        assert (await socket.answer(1))["status"] == 200


async def test_nothing_is_left_behind(town: SyncTown, romeo: Phone, room: str) -> None:
    async with streaming(romeo) as socket:
        await socket.say(room, "hello")
        assert len(town.stream.sockets) == 1
    async with asyncio.timeout(5):
        while len(town.stream.sockets):
            await asyncio.sleep(0.01)
    feed = town.core.hub.feeds[town.requester(romeo).user_nid]
    assert not feed.waiting
