"""`/initialSync`, `/events` and `/events/{eventId}`: what there was before /sync."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from tests.support.client import MatrixRefusal

if TYPE_CHECKING:
    from tests.support.syncing import Phone


def texts(events: list[dict[str, Any]]) -> list[str]:
    """What messages say."""
    return [e["content"]["body"] for e in events if e["type"] == "m.room.message"]


async def room_of_two(romeo: Phone, juliet: Phone) -> str:
    """A room with five messages."""
    room = await romeo.create_room(preset="public_chat", topic="Verona")
    await juliet.do("join", room)
    for number in range(5):
        await romeo.send(room, str(number))
    return room


async def test_an_initial_sync_tells_rooms_in_the_old_shape(romeo: Phone, juliet: Phone) -> None:
    room = await room_of_two(romeo, juliet)
    await juliet.tag(room, "u.work")
    await juliet.keep("m.x", {"a": 1})
    asked = await romeo.create_room()
    await romeo.do("invite", asked, juliet)
    left = await romeo.create_room(preset="public_chat")
    await juliet.do("join", left)
    await juliet.do("leave", left)
    found = await juliet.call("GET", "/initialSync", query={"limit": 2})
    assert {e["type"]: e["content"] for e in found["account_data"]}["m.x"] == {"a": 1}
    rooms = {entry["room_id"]: entry for entry in found["rooms"]}
    assert set(rooms) == {room, asked}
    entry = rooms[room]
    assert entry["membership"] == "join"
    assert texts(entry["messages"]["chunk"]) == ["3", "4"]
    assert {e["room_id"] for e in entry["messages"]["chunk"] + entry["state"]} == {room}
    state = {(e["type"], e["state_key"]): e["content"] for e in entry["state"]}
    assert state["m.room.topic", ""]["topic"] == "Verona"
    assert state["m.room.member", juliet.user_id]["membership"] == "join"
    assert [e["type"] for e in entry["account_data"]] == ["m.tag"]
    older = await juliet.room_call(
        "GET", room, "messages", dir="b", **{"from": entry["messages"]["start"]}
    )
    assert texts(older["chunk"])[:3] == ["2", "1", "0"]
    invitation = rooms[asked]["invite"]
    assert (invitation["sender"], invitation["room_id"]) == (romeo.user_id, asked)
    assert rooms[asked]["membership"] == "invite"
    assert {entry["visibility"] for entry in found["rooms"]} == {"private"}


async def test_an_initial_sync_tells_which_rooms_are_published(romeo: Phone, juliet: Phone) -> None:
    published, hidden = [await room_of_two(romeo, juliet) for _ in range(2)]
    asked, left = await romeo.create_room(), await room_of_two(romeo, juliet)
    await romeo.do("invite", asked, juliet)
    await juliet.keep("m.x", {"a": 1}, asked)
    await juliet.do("leave", left)
    for room in (published, asked, left):
        path = f"/directory/list/room/{quote(room)}"
        await romeo.call("PUT", path, {"visibility": "public"})
    query = {"archived": "true"}
    found = (await juliet.call("GET", "/initialSync", query=query))["rooms"]
    told = {entry["room_id"]: entry["visibility"] for entry in found}
    assert told == {published: "public", asked: "public", left: "public", hidden: "private"}
    [invited] = [entry for entry in found if entry["room_id"] == asked]
    assert invited["account_data"] == [{"type": "m.x", "content": {"a": 1}}]
    assert "messages" not in invited


async def test_an_initial_sync_has_rooms_that_were_left_where_that_is_wanted(
    romeo: Phone, juliet: Phone
) -> None:
    room, other = [await room_of_two(romeo, juliet) for _ in range(2)]
    await juliet.do("leave", room)
    await romeo.do("ban", other, juliet)
    await romeo.topic(room, "after she left")
    found = await juliet.call("GET", "/initialSync", query={"limit": 3, "archived": "true"})
    rooms = {entry["room_id"]: entry for entry in found["rooms"]}
    assert rooms[room]["membership"] == "leave"
    assert rooms[other]["membership"] == "ban"
    assert texts(rooms[room]["messages"]["chunk"]) == ["3", "4"]
    assert "after she left" not in str(found)


async def test_the_event_stream_goes_on_from_the_initial_sync(romeo: Phone, juliet: Phone) -> None:
    room = await room_of_two(romeo, juliet)
    end = (await juliet.call("GET", "/initialSync"))["end"]
    found = await juliet.call("GET", "/events", query={"from": end})
    assert (found["start"], found["chunk"]) == (end, [])
    sent = await romeo.send(room, "five")
    await romeo.topic(room, "Mantua")
    found = await juliet.call("GET", "/events", query={"from": found["end"]})
    assert [e["type"] for e in found["chunk"]] == ["m.room.message", "m.room.topic"]
    assert (found["chunk"][0]["event_id"], found["chunk"][0]["room_id"]) == (sent, room)
    asked = await romeo.create_room()
    await romeo.do("invite", asked, juliet)
    found = await juliet.call("GET", "/events", query={"from": found["end"]})
    assert [(e["type"], e["room_id"]) for e in found["chunk"]] == [("m.room.member", asked)]


async def test_the_event_stream_waits_for_the_first_event(romeo: Phone, juliet: Phone) -> None:
    room = await room_of_two(romeo, juliet)
    start = (await juliet.call("GET", "/events"))["end"]
    query = {"from": start, "timeout": 20_000}
    waiting = asyncio.create_task(juliet.call("GET", "/events", query=query))
    await romeo.send(room, "at last")
    async with asyncio.timeout(5):
        assert texts((await waiting)["chunk"]) == ["at last"]


async def test_messages_to_a_device_wait_for_a_client_that_takes_them(
    romeo: Phone, juliet: Phone
) -> None:
    end = (await juliet.call("GET", "/initialSync"))["end"]
    body = {"messages": {juliet.user_id: {juliet.device_id: {"x": 1}}}}
    await romeo.call("PUT", "/sendToDevice/m.x/t", body)
    for _ in range(2):
        end = (await juliet.call("GET", "/events", query={"from": end}))["end"]
    assert [e["content"] for e in (await juliet.get())["to_device"]["events"]] == [{"x": 1}]


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/events", {"from": "nonsense"}),
        ("/events", {"from": "t1_5-0a"}),
        ("/events", {"timeout": "x"}),
        ("/initialSync", {"limit": "x"}),
        ("/initialSync", {"archived": "perhaps"}),
    ],
)
async def test_parameters_that_make_no_sense(juliet: Phone, path: str, query: Any) -> None:
    with pytest.raises(MatrixRefusal) as refused:
        await juliet.call("GET", path, query=query)
    assert (refused.value.status, refused.value.errcode) == (400, "M_INVALID_PARAM")


async def test_an_event_is_found_without_its_room(
    romeo: Phone, juliet: Phone, nurse: Phone
) -> None:
    room = await room_of_two(romeo, juliet)
    for _ in range(70):  # more rooms than one statement asks about
        await juliet.do("join", await romeo.create_room(preset="public_chat"))
    sent = await romeo.send(room, "five")
    found = await juliet.call("GET", f"/events/{quote(sent)}")
    assert (found["content"]["body"], found["room_id"]) == ("five", room)
    for phone, event in ((nurse, sent), (juliet, "$" + "A" * 43), (juliet, "nonsense")):
        with pytest.raises(MatrixRefusal) as refused:
            await phone.call("GET", f"/events/{quote(event)}")
        assert (refused.value.status, refused.value.errcode) == (404, "M_NOT_FOUND")
