"""Everything once and in order: windows, slow readers, resuming, hopping, draining."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from homeserver.presentation.stream import window
from tests.support.streaming import streaming
from tests.support.sync_copy import Copy, compare

if TYPE_CHECKING:
    from tests.support.streaming import Socket
    from tests.support.syncing import Phone, SyncTown

LONG = json.dumps({"room": {"timeline": {"limit": 100}}})


async def said(romeo: Phone, room: str, first: int, last: int, size: int = 1) -> list[str]:
    """Send numbered messages of about so many bytes; their event ids."""
    return [await romeo.send(room, f"{n}".ljust(size)) for n in range(first, last)]


async def messages_to_come(socket: Socket, room: str, wanted: list[str]) -> list[str]:
    """Take in frames until the last of these events is there; the room's events that came."""
    got: list[str] = []
    async with asyncio.timeout(10):
        while wanted[-1] not in got:
            part = (await socket.sync())["rooms"]["join"].get(room, {})
            assert not part.get("timeline", {}).get("limited")
            got += [e["event_id"] for e in part.get("timeline", {}).get("events", [])]
    return got


def only_socket(town: SyncTown) -> Any:
    """The server's side of the one socket that is open."""
    (socket,) = town.stream.sockets._all()
    return socket


async def test_without_since_the_first_frame_is_everything(romeo: Phone, room: str) -> None:
    romeo.since = None
    await romeo.send(room, "before")
    async with streaming(romeo) as socket:
        body = await socket.sync()
        fresh = await romeo.fresh()
    assert {k: v for k, v in body["rooms"]["join"][room].items() if k != "ephemeral"} == {
        k: v for k, v in fresh["rooms"]["join"][room].items() if k != "ephemeral"
    }


async def test_with_since_nothing_comes_before_there_is_something(
    romeo: Phone, juliet: Phone, room: str
) -> None:
    async with streaming(juliet) as socket:
        with pytest.raises(TimeoutError):
            await socket.raw.receive(0.2)
        ids = await said(romeo, room, 0, 1)
        assert await messages_to_come(socket, room, ids) == ids


async def test_I1_who_stops_acknowledging_gets_the_rest_in_one_frame_later(
    town: SyncTown, romeo: Phone, juliet: Phone, room: str
) -> None:
    async with streaming(juliet, filter=LONG) as socket:
        ids: list[str] = []
        for n in range(window.MAX_FRAMES):
            ids += await said(romeo, room, n, n + 1)
            await socket.sync(ack=False)
        ids += await said(romeo, room, 10, 60)
        with pytest.raises(TimeoutError):
            await socket.raw.receive(0.2)
        assert only_socket(town)._session.window.sent == window.MAX_FRAMES
        await socket.send(type="ack", seq=1)
        body = await socket.sync()
        events = body["rooms"]["join"][room]["timeline"]["events"]
        assert [e["event_id"] for e in events] == ids[window.MAX_FRAMES :]
    assert [e["event_id"] for e in juliet.rooms[room].timeline][-len(ids) :] == ids


async def test_E7_a_reader_that_stops_reading_costs_no_memory(
    town: SyncTown, romeo: Phone, juliet: Phone, room: str
) -> None:
    async with streaming(juliet, filter=LONG) as socket:
        ids = await said(romeo, room, 0, 1)
        await messages_to_come(socket, room, ids)
        client: Any = socket.raw._conn.transport  # type: ignore[union-attr]
        client.pause_reading()
        ids = await said(romeo, room, 0, 90, size=40_000)  # 3.6 MB, nothing of it is read
        await asyncio.sleep(0.1)
        server = only_socket(town)
        in_flight = sum(size for size, _ in server._session.window._frames)
        assert in_flight <= window.MAX_BYTES + 90 * 42_000
        assert len(server._session.window._frames) <= window.MAX_FRAMES
        assert server._wire.unwritten <= in_flight
        sent = server._session.window.sent
        more = await said(romeo, room, 90, 95)
        assert server._session.window.sent == sent
        client.resume_reading()
        assert await messages_to_come(socket, room, more) == [*ids, *more]


async def test_I1_a_new_socket_goes_on_where_the_client_was(
    romeo: Phone, juliet: Phone, room: str
) -> None:
    async with streaming(juliet) as socket:
        first = await said(romeo, room, 0, 2)
        got = await messages_to_come(socket, room, first)
        held = juliet.since
        lost = await said(romeo, room, 2, 4)
        await socket.receive()  # arrived, but the client died before it took it in
    juliet.since = held
    async with streaming(juliet) as socket:
        got += await messages_to_come(socket, room, lost)
    assert got == [*first, *lost]


async def test_the_law_holds_for_who_hops_between_socket_and_http(
    town: SyncTown, romeo: Phone, juliet: Phone, room: str
) -> None:
    copy = Copy().apply(await juliet.fresh())
    juliet.since = None
    copy = Copy().apply(await juliet.sync())
    for turn in range(6):
        async with streaming(juliet) as socket:
            event_id = await romeo.send(room, f"over the socket {turn}")
            await romeo.read(room, event_id)
            copy.apply(await socket.sync())
            await romeo.topic(room, f"topic {turn}")
            copy.apply(await socket.sync())
        await romeo.send(room, f"over HTTP {turn}")
        await romeo.types(room, 60 if turn % 2 else 0)
        await juliet.tag(room, f"u.{turn}")
        copy.apply(await juliet.sync())
        if turn == 3:
            await town.restart()
    copy.apply(await juliet.sync())
    fresh = Copy().apply(await juliet.fresh())
    compare(copy, fresh, fresh, lazy=False)
    ids = copy.joined[room].delivered
    assert len(set(ids)) == len(ids)


async def test_two_sockets_of_one_device_both_get_everything(
    romeo: Phone, juliet: Phone, room: str
) -> None:
    since = juliet.since
    async with streaming(juliet, since=since) as one, streaming(juliet, since=since) as two:
        ids = await said(romeo, room, 0, 5)
        assert await messages_to_come(one, room, ids) == ids
        assert await messages_to_come(two, room, ids) == ids


async def test_a_filter_holds_and_full_state_comes_once(
    romeo: Phone, juliet: Phone, room: str
) -> None:
    only = json.dumps({"room": {"timeline": {"types": ["m.room.message"]}}})
    async with streaming(juliet, filter=only, full_state="true") as socket:
        body = await socket.sync()
        assert body["rooms"]["join"][room]["state"]["events"]
        await romeo.send(room, "now")
        body = await socket.sync()
        assert body["rooms"]["join"][room]["state"]["events"] == []


async def test_state_after_is_asked_for_as_in_sync(romeo: Phone, juliet: Phone, room: str) -> None:
    async with streaming(juliet, use_state_after="true") as socket:
        await romeo.topic(room, "after")
        part = (await socket.sync())["rooms"]["join"][room]
    assert [e["content"]["topic"] for e in part["state_after"]["events"]] == ["after"]


async def test_a_stopping_worker_closes_1001_after_the_last_answers(
    town: SyncTown, romeo: Phone, juliet: Phone, room: str
) -> None:
    async with streaming(juliet) as idle, streaming(romeo) as busy, streaming(juliet) as full:
        for n in range(window.MAX_FRAMES):
            await said(romeo, room, n, n + 1)
            await full.sync(ack=False)
        await busy.send(
            type="send", id="last", room_id=room, event_type="m.x", txn_id="t", content={}
        )
        await busy.ask(type="ping")
        stopping = asyncio.create_task(town.stop())
        assert (await busy.answer("last"))["status"] == 200
        for socket in (idle, busy, full):
            closed = await socket.closed()
            assert (closed.code, closed.error) == (1001, {})
        await stopping
    await town.start()
    async with streaming(juliet) as socket:
        body = await socket.sync()
    assert "m.x" in {e["type"] for e in body["rooms"]["join"][room]["timeline"]["events"]}


async def test_D5_the_end_of_a_session_closes_its_socket_at_once(
    town: SyncTown, romeo: Phone, room: str
) -> None:
    other = await town.phone("romeo")
    async with streaming(romeo) as socket, streaming(other) as stays:
        await socket.ask(type="ping")
        await stays.ask(type="ping")
        town.revoke(romeo)
        async with asyncio.timeout(1):
            closed = await socket.closed()
        assert (closed.code, closed.errcode) == (4001, "M_UNKNOWN_TOKEN")
        assert (await stays.ask(type="ping"))["type"] == "pong"


async def test_nothing_more_is_told_or_done_once_the_session_has_ended(
    town: SyncTown, romeo: Phone, juliet: Phone, room: str
) -> None:
    async with streaming(juliet) as listens, streaming(juliet) as speaks:
        await listens.ask(type="ping")
        await speaks.ask(type="ping")
        town.forget_silently(juliet)  # as where the news of the logout has not come yet
        answer = await speaks.ask(
            type="send", room_id=room, event_type="m.x", txn_id="t", content={}
        )
        assert (answer["status"], answer["body"]["errcode"]) == (401, "M_UNKNOWN_TOKEN")
        assert (await speaks.closed()).code == 4001
        await romeo.send(room, "secret")
        closed = await listens.closed()
        assert (closed.code, listens.last_seq) == (4001, 0)
