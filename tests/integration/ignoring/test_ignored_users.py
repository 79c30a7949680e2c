"""Ignoring users (client-server API, "Ignoring Users"): their events but state are kept away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
import pytest_asyncio

from tests.support.syncing import bodies, types

if TYPE_CHECKING:
    from tests.support.syncing import Phone, SyncTown

IGNORED = "m.ignored_user_list"


async def ignore(phone: Phone, *users: Phone) -> None:
    """Ignore exactly these."""
    await phone.keep(IGNORED, {"ignored_users": {user.user_id: {} for user in users}})


def texts(events: list[dict[str, Any]]) -> list[str]:
    """What messages say, what topics are."""
    contents = [event["content"] for event in events]
    return [t for c in contents if (t := c.get("body") or c.get("topic"))]


@pytest_asyncio.fixture
async def room(romeo: Phone, juliet: Phone, nurse: Phone) -> str:
    """A room of three who talked, and in which the nurse set the topic."""
    room = await romeo.create_room(preset="public_chat")
    await romeo.state(room, "m.room.power_levels", {"users": {nurse.user_id: 50}})
    for phone in (juliet, nurse):
        await phone.do("join", room)
    for number in range(3):
        await romeo.send(room, f"romeo {number}")
        await nurse.send(room, f"nurse {number}")
    await nurse.topic(room, "Herbs")
    return room


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize("direction", ["b", "f"])
async def test_pages_leave_out_what_they_say_but_not_state(
    town: SyncTown,
    romeo: Phone,
    juliet: Phone,
    nurse: Phone,
    room: str,
    direction: str,
    *,
    restart: bool,
) -> None:
    await ignore(juliet, nurse)
    if restart:
        await town.restart()
    page = await juliet.room_call("GET", room, "messages", dir=direction, limit=100)
    expected = ["romeo 0", "romeo 1", "romeo 2", "Herbs"]
    assert texts(page["chunk"]) == (expected[::-1] if direction == "b" else expected)
    entered = [e["sender"] for e in page["chunk"] if e["type"] == "m.room.member"]
    assert nurse.user_id in entered
    theirs = await romeo.room_call("GET", room, "messages", dir=direction, limit=100)
    assert len(texts(theirs["chunk"])) == 7


async def test_pages_go_on_over_a_stretch_of_nothing_else(
    romeo: Phone, juliet: Phone, nurse: Phone, room: str
) -> None:
    await ignore(juliet, nurse)
    for number in range(120):
        await nurse.send(room, f"more {number}")
    await romeo.send(room, "at last")
    found: list[str] = []
    end: str | None = None
    while True:
        query = {"from": end} if end is not None else {}
        page = await juliet.room_call("GET", room, "messages", dir="b", limit=2, **query)
        found += texts(page["chunk"])
        end = page.get("end")
        if end is None:
            break
    assert found == ["at last", "Herbs", "romeo 2", "romeo 1", "romeo 0"]


async def test_context_leaves_them_out_around_an_event_that_was_asked_for(
    romeo: Phone, juliet: Phone, nurse: Phone, room: str
) -> None:
    page = await romeo.room_call("GET", room, "messages", dir="f", limit=100)
    by_text = {e["content"].get("body"): e["event_id"] for e in page["chunk"]}
    await ignore(juliet, nurse)
    around = await juliet.room_call("GET", room, f"context/{quote(by_text['romeo 1'])}", limit=20)
    assert texts(around["events_before"]) == ["romeo 0"]
    assert texts(around["events_after"]) == ["romeo 2", "Herbs"]
    # asked for by its id: a client that shows a reply may want what it replies to
    asked = await juliet.room_call("GET", room, f"context/{quote(by_text['nurse 1'])}", limit=20)
    assert texts([asked["event"], *asked["events_before"]]) == ["nurse 1", "romeo 1", "romeo 0"]
    alone = await juliet.room_call("GET", room, f"event/{quote(by_text['nurse 1'])}")
    assert texts([alone]) == ["nurse 1"]


async def test_syncs_begin_and_end_to_leave_them_out_at_once(
    romeo: Phone, juliet: Phone, nurse: Phone, room: str
) -> None:
    await juliet.get()
    await ignore(juliet, nurse)
    await nurse.send(room, "unheard")
    await nurse.topic(room, "Ropes")
    await romeo.send(room, "heard")
    part = (await juliet.get())["rooms"]["join"][room]
    assert bodies(part) == ["heard"]
    assert types(part) == ["m.room.topic", "m.room.message"]
    await ignore(juliet)
    await nurse.send(room, "again")
    assert bodies((await juliet.get())["rooms"]["join"][room]) == ["again"]
    wanted = {"room": {"timeline": {"limit": 100}}}
    assert "unheard" in bodies((await juliet.fresh(wanted))["rooms"]["join"][room])


async def test_members_show_them_and_typing_does_not(
    romeo: Phone, juliet: Phone, nurse: Phone, room: str
) -> None:
    await ignore(juliet, nurse)
    await juliet.get()
    await nurse.types(room, 20)
    await romeo.types(room, 20)
    await juliet.get()
    await romeo.get()
    assert juliet.rooms[room].typing == [romeo.user_id]
    assert romeo.rooms[room].typing == [nurse.user_id, romeo.user_id]
    joined = await juliet.room_call("GET", room, "joined_members")
    assert nurse.user_id in joined["joined"]


async def test_their_invitations_are_not_sent(romeo: Phone, juliet: Phone, nurse: Phone) -> None:
    await juliet.get()
    await ignore(juliet, nurse)
    secret, open_one = await nurse.create_room(), await romeo.create_room()
    await nurse.do("invite", secret, juliet)
    await romeo.do("invite", open_one, juliet)
    for answer in (await juliet.get(), await juliet.fresh()):
        assert list(answer["rooms"]["invite"]) == [open_one]
    await ignore(juliet)
    assert set((await juliet.fresh())["rooms"]["invite"]) == {secret, open_one}
    await juliet.do("join", secret)


async def test_one_cannot_ignore_oneself(juliet: Phone, room: str) -> None:
    await ignore(juliet, juliet)
    await juliet.send(room, "my own words")
    page = await juliet.room_call("GET", room, "messages", dir="b", limit=2)
    assert texts(page["chunk"]) == ["my own words", "Herbs"]


async def test_who_types_is_told_anew_where_the_list_changes(
    romeo: Phone, juliet: Phone, nurse: Phone, room: str
) -> None:
    await nurse.types(room, 20)
    await romeo.types(room, 20)
    await juliet.get()
    assert juliet.rooms[room].typing == [nurse.user_id, romeo.user_id]
    await ignore(juliet, nurse)
    await juliet.get()
    assert juliet.rooms[room].typing == [romeo.user_id]
    await ignore(juliet)
    await juliet.get()
    assert juliet.rooms[room].typing == [nurse.user_id, romeo.user_id]


async def test_counts_that_fall_by_an_event_of_theirs_are_told(
    romeo: Phone, juliet: Phone, nurse: Phone, room: str
) -> None:
    await ignore(juliet, nurse)
    said = await romeo.send(room, "word")
    before = (await juliet.get())["rooms"]["join"][room]["unread_notifications"]
    await nurse.send(room, "not counted")
    assert "rooms" not in await juliet.get()
    await nurse.redact(room, said)
    part = (await juliet.get())["rooms"]["join"][room]
    assert part["timeline"]["events"] == []
    now = part["unread_notifications"]
    assert now["notification_count"] == before["notification_count"] - 1


@pytest.mark.parametrize("restart", [False, True])
async def test_an_invitation_that_is_not_sent_still_ends_what_was_before(
    town: SyncTown, romeo: Phone, juliet: Phone, nurse: Phone, room: str, *, restart: bool
) -> None:
    """Kicked and invited between two syncs: the client must not take itself for joined."""
    await ignore(juliet, nurse)
    await juliet.get()
    await romeo.send(room, "last")
    kick = await romeo.room_call("GET", room, "messages", dir="b", limit=1)
    await romeo.do("kick", room, juliet)
    await nurse.do("invite", room, juliet)
    await romeo.send(room, "unheard")
    if restart:
        await town.restart()
    rooms = (await juliet.get())["rooms"]
    assert list(rooms) == ["leave"]
    part = rooms["leave"][room]
    assert bodies(part) == ["last"]
    ended = part["timeline"]["events"][-1]
    assert (ended["sender"], ended["content"]["membership"]) == (romeo.user_id, "leave")
    assert kick["chunk"][0]["event_id"] == part["timeline"]["events"][0]["event_id"]
    assert "rooms" not in await juliet.get()
    await ignore(juliet)
    assert list((await juliet.fresh())["rooms"]["invite"]) == [room]


async def test_an_invitation_that_is_not_sent_takes_back_the_one_before(
    romeo: Phone, juliet: Phone, nurse: Phone, room: str
) -> None:
    await romeo.do("kick", room, juliet)
    await romeo.do("invite", room, juliet)
    await juliet.get()
    assert room in juliet.invited
    await ignore(juliet, nurse)
    await juliet.get()
    await romeo.do("kick", room, juliet)
    await nurse.do("invite", room, juliet)
    rooms = (await juliet.get())["rooms"]
    assert list(rooms) == ["leave"]
    assert bodies(rooms["leave"][room]) == []
