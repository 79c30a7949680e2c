"""Room previews: `/rooms/{roomId}/initialSync` and `/events?room_id=…` for who is not there."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from homeserver.application.rooms import log_scan
from tests.support.client import MatrixRefusal
from tests.support.cluster import open_cluster

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.syncing import Phone, SyncTown

FORBIDDEN = (403, "M_FORBIDDEN")


def texts(events: list[dict[str, Any]]) -> list[str]:
    """What messages say."""
    return [e["content"]["body"] for e in events if e["type"] == "m.room.message"]


async def open_room(romeo: Phone) -> str:
    """A room that the world may read."""
    room = await romeo.create_room(preset="public_chat", topic="Verona")
    await romeo.send(room, "shared")
    await romeo.visibility(room, "world_readable")
    await romeo.send(room, "open")
    return room


async def look(phone: Phone, room: str, **query: Any) -> dict[str, Any]:
    """A room's initial sync."""
    found: dict[str, Any] = await phone.room_call("GET", room, "initialSync", **query)
    return found


async def peek(phone: Phone, room: str, start: str, timeout_ms: int = 0) -> dict[str, Any]:
    """The next part of its event stream."""
    query = {"room_id": room, "from": start, "timeout": timeout_ms}
    found: dict[str, Any] = await phone.call("GET", "/events", query=query)
    return found


async def test_a_stranger_looks_into_an_open_room_and_follows_it(
    romeo: Phone, juliet: Phone
) -> None:
    room = await open_room(romeo)
    seen = await look(juliet, room, limit=50)
    assert "membership" not in seen
    assert (seen["room_id"], seen["visibility"], seen["account_data"]) == (room, "private", [])
    assert texts(seen["messages"]["chunk"]) == ["open"]  # what came before was for members
    state = {(e["type"], e["state_key"]): e["content"] for e in seen["state"]}
    assert state["m.room.topic", ""]["topic"] == "Verona"
    end = seen["messages"]["end"]
    waiting = asyncio.create_task(peek(juliet, room, end, 20_000))
    await romeo.send(room, "first")
    async with asyncio.timeout(5):
        found = await waiting
    assert (found["start"], texts(found["chunk"])) == (end, ["first"])
    assert {e["room_id"] for e in found["chunk"]} == {room}
    assert (await peek(juliet, room, found["end"]))["chunk"] == []
    await romeo.send(room, "second")
    assert texts((await peek(juliet, room, found["end"]))["chunk"]) == ["second"]


async def test_members_look_with_what_is_theirs(romeo: Phone, juliet: Phone) -> None:
    room = await open_room(romeo)
    await juliet.do("join", room)
    await juliet.tag(room, "u.work")
    await romeo.call("PUT", f"/directory/list/room/{quote(room)}", {"visibility": "public"})
    seen = await look(juliet, room, limit=2)
    assert (seen["membership"], seen["visibility"]) == ("join", "public")
    assert [e["type"] for e in seen["account_data"]] == ["m.tag"]
    assert len(seen["messages"]["chunk"]) == 2
    older = await juliet.room_call(
        "GET", room, "messages", dir="b", **{"from": seen["messages"]["start"]}
    )
    assert texts(older["chunk"]) == ["shared"]
    assert "start" not in (await look(juliet, room, limit=50))["messages"]


async def test_whoever_waits_is_sent_away_when_the_room_closes(romeo: Phone, juliet: Phone) -> None:
    room = await open_room(romeo)
    end = (await look(juliet, room))["messages"]["end"]
    waiting = asyncio.create_task(peek(juliet, room, end, 20_000))
    await romeo.visibility(room, "shared")
    with pytest.raises(MatrixRefusal) as refused:
        async with asyncio.timeout(5):
            await waiting
    assert (refused.value.status, refused.value.errcode) == FORBIDDEN
    await romeo.send(room, "among ourselves")
    for attempt in (look(juliet, room), peek(juliet, room, end)):
        with pytest.raises(MatrixRefusal) as refused:
            await attempt
        assert (refused.value.status, refused.value.errcode) == FORBIDDEN


async def test_a_long_gap_comes_in_pages(romeo: Phone, juliet: Phone) -> None:
    room = await open_room(romeo)
    end = (await look(juliet, room))["messages"]["end"]
    sent = [str(number) for number in range(130)]
    for text in sent:
        await romeo.send(room, text)
    found: list[str] = []
    while len(found) < len(sent):
        page = await peek(juliet, room, end)
        assert page["chunk"]
        found, end = found + texts(page["chunk"]), page["end"]
    assert found == sent


async def test_a_long_stretch_of_ignored_users_ends(
    romeo: Phone, juliet: Phone, nurse: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_scan, "MAX_SCAN", 10)
    room = await open_room(romeo)
    await nurse.do("join", room)
    await juliet.keep("m.ignored_user_list", {"ignored_users": {nurse.user_id: {}}})
    end = (await look(juliet, room))["messages"]["end"]
    for number in range(70):
        await nurse.send(room, str(number))
    await romeo.send(room, "at last")
    assert texts((await peek(juliet, room, end))["chunk"]) == ["at last"]


async def test_a_server_that_stops_answers_who_waits(
    town: SyncTown, romeo: Phone, juliet: Phone
) -> None:
    room = await open_room(romeo)
    end = (await look(juliet, room))["messages"]["end"]
    waiting = asyncio.create_task(peek(juliet, room, end, 60_000))
    nid = (await town.core.rooms.get(room)).nid
    async with asyncio.timeout(5):
        while not town.core.hub.watchers(nid):
            await asyncio.wait({waiting}, timeout=0.01)
        town.core.hub.drain()
        assert (await waiting)["chunk"] == []
    assert not town.core.hub.watchers(nid)


async def test_what_another_worker_wrote_is_seen(tmp_path: Path) -> None:
    async with open_cluster(tmp_path, "a", "b") as town:
        romeo, juliet = await town.phone("romeo", 0), await town.phone("juliet", 1)
        room = await open_room(romeo)
        end = (await look(juliet, room))["messages"]["end"]
        for text in ("first", "second"):
            waiting = asyncio.create_task(peek(juliet, room, end, 20_000))
            await romeo.send(room, text)
            async with asyncio.timeout(5):
                found = await waiting
            assert texts(found["chunk"]) == [text]
            end = found["end"]
        await juliet.get()
