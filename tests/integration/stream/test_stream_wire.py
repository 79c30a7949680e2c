"""The connection itself: pings, silence, broken frames, clients that vanish."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp
import pytest

from homeserver.infrastructure.telemetry.metrics import render_metrics
from homeserver.presentation.stream import pulse, socket, wire
from tests.support.streaming import streaming

if TYPE_CHECKING:
    from tests.support.streaming import Socket
    from tests.support.syncing import Phone, SyncTown


async def gone(town: SyncTown) -> None:
    """Wait until the server has no socket any more."""
    async with asyncio.timeout(5):
        while len(town.stream.sockets):
            await asyncio.sleep(0.01)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Times a thousand times shorter."""
    monkeypatch.setattr(socket, "PING_SECONDS", 0.1)
    monkeypatch.setattr(pulse, "ACK_SECONDS", 0.3)
    monkeypatch.setattr(wire, "CLOSE_SECONDS", 0.1)


async def test_a_clients_ping_is_answered(romeo: Phone) -> None:
    async with streaming(romeo) as one:
        await one.raw.ping(b"are you there")
        assert (await one.ask(type="ping"))["type"] == "pong"


@pytest.mark.usefixtures("quick")
async def test_who_answers_pings_stays(town: SyncTown, romeo: Phone) -> None:
    async with streaming(romeo, since=(await romeo.sync())["next_batch"]) as one:
        asking = asyncio.create_task(one.answer("later"))  # receiving answers pings
        await asyncio.sleep(1.0)
        assert len(town.stream.sockets) == 1
        await one.send(type="ping", id="later")
        assert (await asking)["type"] == "pong"


@pytest.mark.usefixtures("quick")
async def test_E7_who_answers_no_ping_is_cut_off(town: SyncTown, romeo: Phone) -> None:
    async with streaming(romeo, since=(await romeo.sync())["next_batch"]) as one:
        one.raw._autoping = False
        async with asyncio.timeout(3):
            while (message := await one.raw.receive()).type is aiohttp.WSMsgType.PING:
                pass
        assert message.data == 4008
    await gone(town)


@pytest.mark.usefixtures("quick")
async def test_who_acknowledges_nothing_is_cut_off(romeo: Phone) -> None:
    async with streaming(romeo) as one:
        await one.sync(ack=False)
        async with asyncio.timeout(3):
            assert (await one.closed()).code == 4008


async def test_a_client_that_vanishes_leaves_nothing(town: SyncTown, romeo: Phone) -> None:
    async with streaming(romeo) as one:
        await one.sync()
        client_of(one).abort()
        await gone(town)
    feed = town.core.hub.feeds[town.requester(romeo).user_nid]
    await asyncio.sleep(0)
    assert not feed.waiting


async def test_closing_is_answered(town: SyncTown, romeo: Phone) -> None:
    async with streaming(romeo) as one:
        await one.sync()
        await one.raw.close(code=1000)
        assert one.raw.close_code == 1000
    await gone(town)


def client_of(one: Socket) -> asyncio.Transport:
    """The client's side of the connection."""
    transport: asyncio.Transport = one.raw._conn.transport  # type: ignore[union-attr,assignment]
    return transport


async def cut_short(one: Socket, data: bytes) -> int | None:
    """Write raw bytes; how the server closes."""
    client_of(one).write(data)
    return (await one.closed()).code


@pytest.mark.parametrize(
    "data",
    [b"\x81\x01x", b"\xf1\x81\0\0\0\0x", b"\x83\x80\0\0\0\0", b"\x80\x80\0\0\0\0"],
    ids=["unmasked", "reserved bits", "unknown opcode", "fragment of nothing"],
)
async def test_A1_broken_frames_close_1002(romeo: Phone, data: bytes) -> None:
    async with streaming(romeo) as one:
        await one.sync()
        assert await cut_short(one, data) == 1002


async def test_a_message_in_fragments_is_one(romeo: Phone) -> None:
    async with streaming(romeo) as one:
        client = client_of(one)
        text = b'{"type":"ping","id":"cut"}'
        client.write(b"\x01\x85\0\0\0\0" + text[:5] + b"\x80" + bytes((0x80 | len(text[5:]),)))
        client.write(b"\0\0\0\0" + text[5:])
        assert (await one.answer("cut"))["type"] == "pong"


async def test_aiohttp_forgets_a_connection_that_was_upgraded(town: SyncTown, romeo: Phone) -> None:
    assert town._server is not None
    before = town._server.connection_count
    async with streaming(romeo) as one:
        await one.sync()
        assert town._server.connection_count == before
        assert len(town.stream.sockets) == 1


async def test_frames_are_counted(romeo: Phone, room: str) -> None:
    async with streaming(romeo) as one:
        await one.say(room, "counted")
    page = render_metrics().decode()
    assert 'firn_stream_frames_total{direction="in",type="text"}' in page
    assert 'firn_stream_frames_total{direction="out",type="response"}' in page
    assert 'firn_requests_total{method="FRAME",route="stream/send",status="200"}' in page
