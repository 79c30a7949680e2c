"""Sync-point 12: each event by the history visibility of its own time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.syncing import bodies, types

if TYPE_CHECKING:
    from tests.support.syncing import Phone, SyncTown

SEEN = {
    "joined": ["c"],
    "invited": ["b", "c"],
    "shared": ["a", "b", "c"],
    "world_readable": ["a", "b", "c"],
}


@pytest.mark.parametrize("visibility", SEEN)
@pytest.mark.parametrize("restart", [False, True])
async def test_history_before_the_join(
    town: SyncTown, romeo: Phone, juliet: Phone, visibility: str, *, restart: bool
) -> None:
    room = await romeo.create_room(preset="private_chat")
    await romeo.visibility(room, visibility)
    await juliet.get()
    await romeo.send(room, "a")
    await romeo.do("invite", room, juliet)
    await romeo.send(room, "b")
    await juliet.do("join", room)
    await romeo.send(room, "c")
    if restart:
        await town.restart()
    for answer in (await juliet.fresh(), await juliet.get()):
        part = answer["rooms"]["join"][room]
        assert bodies(part) == SEEN[visibility]
        assert types(part)[-2] == "m.room.member"


async def test_changes_of_visibility_within_the_timeline(romeo: Phone, juliet: Phone) -> None:
    room = await romeo.create_room(preset="public_chat")
    await romeo.send(room, "shared")
    await romeo.visibility(room, "joined")
    await romeo.send(room, "joined")
    await romeo.visibility(room, "world_readable")
    await romeo.send(room, "open")
    await romeo.visibility(room, "joined")
    await romeo.send(room, "closed")
    await juliet.do("join", room)
    wanted = {"room": {"timeline": {"limit": 50}}}
    part = (await juliet.get(wanted))["rooms"]["join"][room]
    assert bodies(part) == ["shared", "open"]
    # the laxer side of a change counts: all three changes show
    assert types(part).count("m.room.history_visibility") == 4


async def test_one_s_own_membership_is_always_told(
    romeo: Phone, juliet: Phone, nurse: Phone
) -> None:
    room = await romeo.create_room(preset="public_chat")
    await romeo.visibility(room, "joined")
    await juliet.do("join", room)
    await juliet.get()
    await romeo.do("kick", room, juliet, reason="feud")
    await nurse.do("join", room)
    part = (await juliet.get())["rooms"]["leave"][room]
    assert [e["content"].get("reason") for e in part["timeline"]["events"]] == ["feud"]
    await romeo.do("invite", room, juliet)
    assert room in (await juliet.get())["rooms"]["invite"]
    await juliet.do("join", room)
    part = (await juliet.get())["rooms"]["join"][room]
    own = [e for e in part["timeline"]["events"] if e.get("state_key") == juliet.user_id]
    # the invitation itself belongs to a time when she could not see in
    assert [e["content"]["membership"] for e in own][-2:] == ["leave", "join"]
    assert nurse.user_id not in {e.get("state_key") for e in part["timeline"]["events"]}
