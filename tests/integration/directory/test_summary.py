"""`/room_summary`: who may see it, and what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from tests.integration.directory.test_published import refusal

if TYPE_CHECKING:
    from tests.support.syncing import Phone

V1 = "/_matrix/client/v1/room_summary/"
NOT_FOUND = (404, "M_NOT_FOUND")
HOW = ("never", "invite", "knock", "leave", "ban", "join")


def about(room: str) -> str:
    """The path of a summary."""
    return V1 + quote(room, safe="")


def rule(name: str, **content: Any) -> dict[str, Any]:
    """A join rule for `initial_state`."""
    return {"type": "m.room.join_rules", "content": {"join_rule": name, **content}}


async def make(romeo: Phone, juliet: Phone, how: str, visibility: str = "shared") -> str:
    """An invite-only room in which Juliet has a membership."""
    seen = {"type": "m.room.history_visibility", "content": {"history_visibility": visibility}}
    first = "knock" if how == "knock" else "invite"
    room = await romeo.create_room(initial_state=[rule(first), seen])
    if how == "knock":
        await juliet.call("POST", f"/knock/{quote(room, safe='')}", {})
        await romeo.state(room, "m.room.join_rules", {"join_rule": "invite"})
    elif how != "never":
        await romeo.do("invite", room, juliet)
        if how == "ban":
            await romeo.do("ban", room, juliet)
        elif how != "invite":
            await juliet.do(how, room)
    return room


async def test_everything_that_a_room_shows(romeo: Phone, juliet: Phone) -> None:
    hall = await romeo.create_room()
    admitting = {"type": "m.room_membership", "room_id": hall}
    room = await romeo.create_room(
        name="Ball",
        topic="Masks",
        room_alias_name="ball",
        room_version="11",
        initial_state=[
            rule("knock_restricted", allow=[admitting]),
            {"type": "m.room.encryption", "content": {"algorithm": "m.megolm.v1.aes-sha2"}},
            {"type": "m.room.avatar", "content": {"url": "mxc://firn.test/mask"}},
        ],
    )
    shown = {
        "room_id": room,
        "num_joined_members": 1,
        "join_rule": "knock_restricted",
        "world_readable": False,
        "guest_can_join": True,
        "name": "Ball",
        "topic": "Masks",
        "canonical_alias": "#ball:firn.test",
        "avatar_url": "mxc://firn.test/mask",
        "encryption": "m.megolm.v1.aes-sha2",
        "allowed_room_ids": [hall],
        "room_version": "11",
    }
    assert await juliet.call("GET", about(room)) == shown
    assert await juliet.call("GET", about("#ball:firn.test"), query={"via": "x.test"}) == shown
    unstable = about(room).replace("v1/room_summary", "unstable/im.nheko.summary/summary")
    assert await juliet.call("GET", unstable) == shown
    assert await romeo.call("GET", about(room)) == {**shown, "membership": "join"}
    juliet.token = ""
    assert await juliet.call("GET", about(room)) == shown


@pytest.mark.parametrize("visibility", ["shared", "world_readable"])
@pytest.mark.parametrize("how", HOW)
async def test_D8_who_may_see_the_summary_of_a_closed_room(
    romeo: Phone, juliet: Phone, how: str, visibility: str
) -> None:
    room = await make(romeo, juliet, how, visibility)
    if visibility != "world_readable" and how in {"never", "leave", "ban"}:
        assert await refusal(juliet, "GET", about(room)) == NOT_FOUND
        return
    found = await juliet.call("GET", about(room))
    assert found.get("membership") == (None if how == "never" else how)


@pytest.mark.parametrize("how", HOW)
async def test_D8_a_summary_that_anybody_may_see_is_seen_by_everybody(
    romeo: Phone, juliet: Phone, how: str
) -> None:
    room = await make(romeo, juliet, how)
    await romeo.state(room, "m.room.join_rules", {"join_rule": "public"})
    found = await juliet.call("GET", about(room))
    assert found.get("membership") == (None if how == "never" else how)


async def test_members_of_an_admitting_room_see_a_restricted_one(
    romeo: Phone, juliet: Phone
) -> None:
    hall = await romeo.create_room(preset="public_chat")
    admitting = {"type": "m.room_membership", "room_id": hall}
    room = await romeo.create_room(initial_state=[rule("restricted", allow=[admitting])])
    assert await refusal(juliet, "GET", about(room)) == NOT_FOUND
    await juliet.do("join", hall)
    assert (await juliet.call("GET", about(room)))["allowed_room_ids"] == [hall]
    await juliet.do("leave", hall)
    assert await refusal(juliet, "GET", about(room)) == NOT_FOUND
    juliet.token = ""
    assert await refusal(juliet, "GET", about(room)) == NOT_FOUND


@pytest.mark.parametrize(
    ("room", "refused"),
    [
        ("!none:firn.test", NOT_FOUND),
        ("#none:firn.test", NOT_FOUND),
        ("nonsense", (400, "M_INVALID_PARAM")),
        ("#:firn.test", (400, "M_INVALID_PARAM")),
    ],
)
async def test_no_such_room(juliet: Phone, room: str, refused: tuple[int, str]) -> None:
    assert await refusal(juliet, "GET", about(room)) == refused
