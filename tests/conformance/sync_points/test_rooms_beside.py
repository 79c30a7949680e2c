"""Sync-points 9 to 11: rooms left, forgotten, invited to, knocked on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.syncing import ids, keyed, types

if TYPE_CHECKING:
    from tests.support.cluster import ClusterTown
    from tests.support.syncing import Phone, SyncTown

WITH_LEFT = {"room": {"include_leave": True}}


@pytest.mark.parametrize("how", ["leave", "kick", "ban"])
@pytest.mark.parametrize("restart", [False, True])
async def test_point_09_a_room_shows_as_left_once_and_ends_there(
    town: SyncTown | ClusterTown, romeo: Phone, juliet: Phone, how: str, *, restart: bool
) -> None:
    room = await romeo.create_room(preset="public_chat", name="Verona")
    await juliet.do("join", room)
    await juliet.get()
    heard = await romeo.send(room, "heard")
    await (juliet.do("leave", room) if how == "leave" else romeo.do(how, room, juliet))
    unheard = await romeo.send(room, "too late")
    await romeo.state(room, "m.room.name", {"name": "Mantua"})
    if restart:
        await town.restart()
    rooms = (await juliet.get())["rooms"]
    assert list(rooms) == ["leave"]
    part = rooms["leave"][room]
    assert ids(part)[0] == heard
    assert types(part) == ["m.room.message", "m.room.member"]
    membership = "ban" if how == "ban" else "leave"
    assert part["timeline"]["events"][-1]["content"]["membership"] == membership
    assert "rooms" not in await juliet.get()
    assert "leave" not in (await juliet.fresh()).get("rooms", {})
    archive = (await juliet.fresh(WITH_LEFT))["rooms"]["leave"][room]
    everything = keyed(archive) | keyed(archive, "timeline")
    assert everything["m.room.name", ""]["content"] == {"name": "Verona"}
    older = await juliet.older(room, archive["timeline"]["prev_batch"])
    assert unheard not in {*older, *ids(archive)}
    page = await juliet.room_call("GET", room, "messages", dir="b", limit=100)
    assert unheard not in {event["event_id"] for event in page["chunk"]}


@pytest.mark.parametrize("restart", [False, True])
async def test_point_10_a_rejected_invite_shows_once(
    town: SyncTown | ClusterTown, romeo: Phone, juliet: Phone, *, restart: bool
) -> None:
    room = await romeo.create_room(preset="private_chat", name="secret")
    await juliet.get()
    await romeo.do("invite", room, juliet)
    assert room in (await juliet.get())["rooms"]["invite"]
    await juliet.do("leave", room)
    if restart:
        await town.restart()
    rooms = (await juliet.get())["rooms"]
    assert list(rooms) == ["leave"]
    assert types(rooms["leave"][room]) == ["m.room.member"]
    assert rooms["leave"][room]["state"]["events"] == []
    assert "rooms" not in await juliet.get()


@pytest.mark.parametrize("restart", [False, True])
async def test_point_10_a_forgotten_room_is_gone_until_invited_again(
    town: SyncTown | ClusterTown, romeo: Phone, juliet: Phone, *, restart: bool
) -> None:
    room = await romeo.create_room(preset="public_chat")
    await juliet.do("join", room)
    await juliet.get()
    await juliet.do("leave", room)
    await juliet.get()
    await juliet.do("forget", room)
    await romeo.send(room, "into the void")
    if restart:
        await town.restart()
    assert room not in (await juliet.fresh(WITH_LEFT)).get("rooms", {}).get("leave", {})
    assert "rooms" not in await juliet.get()
    await romeo.do("invite", room, juliet)
    assert room in (await juliet.get())["rooms"]["invite"]
    assert room in (await juliet.fresh())["rooms"]["invite"]


@pytest.mark.parametrize("version", ["11", "12"])
async def test_point_11_invites_are_stripped_state_told_once(
    town: SyncTown | ClusterTown, romeo: Phone, juliet: Phone, version: str
) -> None:
    """The create event belongs to it, in version 12 too, whose room id is made of it."""
    await juliet.get()
    room = await romeo.create_room(
        preset="private_chat", name="Verona", room_version=version, invite=[juliet.user_id]
    )
    found = _stripped((await juliet.get())["rooms"]["invite"][room]["invite_state"])
    for kind in ("m.room.create", "m.room.name", "m.room.join_rules"):
        assert set(found[kind, ""]) == {"type", "state_key", "sender", "content"}
    assert found["m.room.create", ""]["content"]["room_version"] == version
    assert found["m.room.member", juliet.user_id]["content"]["membership"] == "invite"
    assert ("m.room.member", romeo.user_id) in found
    await romeo.send(room, "not for her yet")
    await romeo.topic(room, "nor this")
    assert "rooms" not in await juliet.get()
    await town.restart()
    assert "rooms" not in await juliet.get()
    assert _stripped((await juliet.fresh())["rooms"]["invite"][room]["invite_state"])
    await juliet.do("join", room)
    assert list((await juliet.get())["rooms"]) == ["join"]


async def test_point_11_a_knock_and_its_denial(romeo: Phone, juliet: Phone) -> None:
    rule = {"type": "m.room.join_rules", "content": {"join_rule": "knock"}}
    room = await romeo.create_room(name="Verona", initial_state=[rule])
    await juliet.get()
    await juliet.call("POST", f"/knock/{room}", {})
    found = _stripped((await juliet.get())["rooms"]["knock"][room]["knock_state"])
    assert {("m.room.create", ""), ("m.room.name", "")} <= set(found)
    assert found["m.room.member", juliet.user_id]["content"]["membership"] == "knock"
    assert "rooms" not in await juliet.get()
    assert room in (await juliet.fresh())["rooms"]["knock"]
    await romeo.do("kick", room, juliet)
    rooms = (await juliet.get())["rooms"]
    assert list(rooms) == ["leave"]
    assert types(rooms["leave"][room]) == ["m.room.member"]


async def test_point_11_invites_of_ignored_users_stay_away(romeo: Phone, juliet: Phone) -> None:
    await juliet.keep("m.ignored_user_list", {"ignored_users": {romeo.user_id: {}}})
    await juliet.get()
    room = await romeo.create_room(preset="private_chat", invite=[juliet.user_id])
    assert "rooms" not in await juliet.get()
    assert "rooms" not in await juliet.fresh()
    await juliet.keep("m.ignored_user_list", {"ignored_users": {}})
    assert room in (await juliet.fresh())["rooms"]["invite"]


def _stripped(part: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(e["type"], e["state_key"]): e for e in part["events"]}
