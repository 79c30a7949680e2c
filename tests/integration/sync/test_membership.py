"""Sync-points 9, 10, 11: rooms left, invites, knocks, forgotten rooms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from tests.support.client import MatrixRefusal
from tests.support.syncing import ids, keyed, types

if TYPE_CHECKING:
    from homeserver.domain.rooms.room import Room
    from tests.support.syncing import Phone, SyncTown

WITH_LEFT = {"room": {"include_leave": True}}


@pytest.mark.parametrize("how", ["leave", "kick", "ban"])
@pytest.mark.parametrize("visibility", ["shared", "joined", "world_readable"])
async def test_a_room_shows_as_left_once_up_to_the_end(
    romeo: Phone, juliet: Phone, how: str, visibility: str
) -> None:
    room = await romeo.create_room(preset="public_chat")
    await romeo.visibility(room, visibility)
    await juliet.do("join", room)
    await juliet.get()
    heard = await romeo.send(room, "heard")
    if how == "leave":
        await juliet.do("leave", room)
    else:
        await romeo.do(how, room, juliet)
    await romeo.send(room, "too late")
    rooms = (await juliet.get())["rooms"]
    assert list(rooms) == ["leave"]
    part = rooms["leave"][room]
    assert ids(part)[0] == heard
    assert len(ids(part)) == 2
    own = part["timeline"]["events"][-1]
    assert own["state_key"] == juliet.user_id
    assert own["content"]["membership"] == ("ban" if how == "ban" else "leave")
    await romeo.send(room, "still too late")
    assert "rooms" not in await juliet.get()


async def test_a_left_room_s_archive_ends_with_the_leave(romeo: Phone, juliet: Phone) -> None:
    room = await romeo.create_room(preset="public_chat")
    await juliet.do("join", room)
    heard = await romeo.send(room, "heard")
    await juliet.do("leave", room)
    await romeo.send(room, "too late")
    await romeo.topic(room, "changed later")
    assert "leave" not in (await juliet.fresh()).get("rooms", {})
    for name, query in (("state", {}), ("state_after", {"use_state_after": "true"})):
        part = (await juliet.fresh(WITH_LEFT, **query))["rooms"]["leave"][room]
        assert ids(part)[-2] == heard
        assert types(part)[-1] == "m.room.member"
        everything = keyed(part, name) | keyed(part, "timeline")
        assert ("m.room.create", "") in everything
        assert ("m.room.topic", "") not in everything
        own = everything["m.room.member", juliet.user_id]
        assert own["content"]["membership"] == "leave"
        older = await juliet.older(room, part["timeline"]["prev_batch"])
        assert not set(older) & set(ids(part))


async def test_rooms_left_have_the_account_data_too(romeo: Phone, juliet: Phone) -> None:
    room = await romeo.create_room(preset="public_chat")
    await juliet.do("join", room)
    await juliet.keep("org.early", {"n": 1}, room)
    await juliet.get()
    await juliet.keep("org.late", {"n": 2}, room)
    await juliet.do("leave", room)
    late = {"type": "org.late", "content": {"n": 2}}
    left = (await juliet.get())["rooms"]["leave"][room]
    assert left["account_data"]["events"] == [late]
    archived = (await juliet.fresh(WITH_LEFT))["rooms"]["leave"][room]
    assert {e["type"] for e in archived["account_data"]["events"]} == {"org.early", "org.late"}
    wanted = {"room": {"include_leave": True, "account_data": {"types": ["org.late"]}}}
    filtered = (await juliet.fresh(wanted))["rooms"]["leave"][room]
    assert filtered["account_data"]["events"] == [late]


async def test_banned_after_having_left_tells_of_the_ban_alone(romeo: Phone, juliet: Phone) -> None:
    room = await romeo.create_room(preset="public_chat")
    await romeo.visibility(room, "world_readable")
    await juliet.do("join", room)
    await juliet.do("leave", room)
    await juliet.get()
    await romeo.send(room, "among us")
    await romeo.topic(room, "ours")
    await romeo.do("ban", room, juliet)
    part = (await juliet.get())["rooms"]["leave"][room]
    assert [e["content"].get("membership") for e in part["timeline"]["events"]] == ["ban"]
    assert part["state"]["events"] == []
    archive = (await juliet.fresh(WITH_LEFT))["rooms"]["leave"][room]
    assert "m.room.message" not in types(archive)
    assert archive["timeline"]["events"][-1]["content"]["membership"] == "ban"


async def test_a_rejected_invite_shows_once_and_gives_nothing_away(
    romeo: Phone, juliet: Phone
) -> None:
    room = await romeo.create_room(preset="private_chat")
    await romeo.visibility(room, "invited")
    await juliet.get()
    secret = await romeo.topic(room, "secret")
    await romeo.do("invite", room, juliet)
    await juliet.do("leave", room)
    part = (await juliet.get())["rooms"]["leave"][room]
    assert types(part) == ["m.room.member"]
    assert secret not in ids(part, "state")
    assert part["state"]["events"] == []
    assert "rooms" not in await juliet.get()


async def test_forgotten_rooms_are_gone_until_invited_again(
    town: SyncTown, romeo: Phone, juliet: Phone
) -> None:
    room = await romeo.create_room(preset="public_chat")
    await juliet.do("join", room)
    await juliet.get()
    await juliet.do("leave", room)
    await juliet.get()
    await juliet.do("forget", room)
    await romeo.send(room, "into the void")
    for restart in (False, True):
        if restart:
            await town.restart()
        assert room not in (await juliet.fresh(WITH_LEFT)).get("rooms", {}).get("leave", {})
        assert "rooms" not in await juliet.get()
    await romeo.do("invite", room, juliet)
    assert room in (await juliet.get())["rooms"]["invite"]


@pytest.mark.parametrize("ended", ["leave", "ban"])
async def test_I8_who_forgot_a_room_reads_nothing_of_it(
    town: SyncTown, romeo: Phone, juliet: Phone, ended: str
) -> None:
    """On no read path, until the room is entered again; what the world may read, it may."""
    room = await romeo.create_room(preset="public_chat")
    await juliet.do("join", room)
    event = quote(await juliet.send(room, "a rose"))
    leaver = (juliet, "leave", room) if ended == "leave" else (romeo, "ban", room, juliet)
    await leaver[0].do(*leaver[1:])
    at = f"/_matrix/client/v1/rooms/{quote(room)}/timestamp_to_event"
    one = f"event/{event}"
    paths = ("messages", one, f"context/{event}", "state", "state/m.room.create/", "members", at)

    async def read(path: str) -> Any:
        if path == at:
            return await juliet.call("GET", path, None, {"dir": "f", "ts": 0})
        return await juliet.room_call("GET", room, path, dir="b")

    for path in paths:
        assert await read(path)
    await juliet.do("forget", room)
    for restart in (False, True):
        if restart:
            await town.restart()
        for path in paths:
            with pytest.raises(MatrixRefusal) as refused:
                await read(path)
            gone = (404, "M_NOT_FOUND") if path == one else (403, "M_FORBIDDEN")
            assert (refused.value.status, refused.value.errcode) == gone, path
    await romeo.visibility(room, "world_readable")
    assert await juliet.room_call("GET", room, "state")
    await romeo.visibility(room, "shared")
    if ended == "ban":
        await romeo.do("unban", room, juliet)
    await juliet.do("join", room)
    for path in paths:
        assert await read(path)


@pytest.mark.parametrize("restart", [False, True])
async def test_who_forgot_on_one_device_has_left_on_the_other(
    town: SyncTown, romeo: Phone, juliet: Phone, *, restart: bool
) -> None:
    other = await town.phone("juliet")
    room = await romeo.create_room(preset="public_chat")
    await juliet.do("join", room)
    await other.get()
    await juliet.do("leave", room)
    await juliet.do("forget", room)
    if restart:
        await town.restart()
    assert room in (await other.get())["rooms"]["leave"]
    assert "rooms" not in await other.get()


async def test_invites_come_as_stripped_state_and_once(
    town: SyncTown, romeo: Phone, juliet: Phone
) -> None:
    room = await romeo.create_room(preset="private_chat", name="Verona", is_direct=True)
    await juliet.get()
    await romeo.do("invite", room, juliet)
    events = (await juliet.get())["rooms"]["invite"][room]["invite_state"]["events"]
    found = {(e["type"], e["state_key"]): e for e in events}
    for key in (("m.room.create", ""), ("m.room.name", ""), ("m.room.join_rules", "")):
        assert set(found[key]) == {"type", "state_key", "sender", "content"}
    assert found["m.room.member", juliet.user_id]["content"]["membership"] == "invite"
    assert ("m.room.member", romeo.user_id) in found
    await romeo.send(room, "not for her yet")
    assert "rooms" not in await juliet.get()
    await town.restart()
    assert "rooms" not in await juliet.get()
    assert room in (await juliet.fresh())["rooms"]["invite"]
    await juliet.do("join", room)
    rooms = (await juliet.get())["rooms"]
    assert list(rooms) == ["join"]


async def test_invites_and_messages_of_ignored_users_stay_away(
    romeo: Phone, juliet: Phone, nurse: Phone
) -> None:
    room = await nurse.create_room(preset="public_chat")
    await juliet.do("join", room)
    await romeo.do("join", room)
    await juliet.keep("m.ignored_user_list", {"ignored_users": {romeo.user_id: {}}})
    await juliet.get()
    await romeo.send(room, "sweet nothings")
    spoken = await nurse.send(room, "child!")
    named = await nurse.state(room, "m.room.name", {"name": "Verona"})
    part = (await juliet.get())["rooms"]["join"][room]
    assert ids(part) == [spoken, named]
    other = await romeo.create_room(preset="private_chat", invite=[juliet.user_id])
    assert "rooms" not in await juliet.get()
    assert other not in (await juliet.fresh())["rooms"].get("invite", {})
    await romeo.do("leave", room)
    assert types((await juliet.get())["rooms"]["join"][room]) == ["m.room.member"]


async def test_knocks(romeo: Phone, juliet: Phone) -> None:
    rule = {"type": "m.room.join_rules", "content": {"join_rule": "knock"}}
    room = await romeo.create_room(name="Verona", initial_state=[rule])
    await juliet.get()
    await juliet.call("POST", f"/knock/{room}", {})
    part = (await juliet.get())["rooms"]["knock"][room]
    found = {(e["type"], e["state_key"]): e for e in part["knock_state"]["events"]}
    assert ("m.room.create", "") in found
    assert ("m.room.name", "") in found
    assert found["m.room.member", juliet.user_id]["content"]["membership"] == "knock"
    assert "rooms" not in await juliet.get()
    assert room in (await juliet.fresh())["rooms"]["knock"]
    await romeo.do("kick", room, juliet)  # denied
    rooms = (await juliet.get())["rooms"]
    assert types(rooms["leave"][room]) == ["m.room.member"]


async def test_a_leave_amid_the_making_of_an_answer_loses_nothing(
    town: SyncTown, romeo: Phone, juliet: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = await town.phone("juliet")
    room = await romeo.create_room(preset="public_chat")
    await juliet.do("join", room)
    await juliet.get()
    last = await romeo.send(room, "last words")
    get = town.core.rooms.get_by_nid
    left: list[object] = []

    async def get_late(nid: int) -> Room:
        if not left:
            left.append(await other.do("leave", room))
        return await get(nid)

    monkeypatch.setattr(town.core.rooms, "get_by_nid", get_late)
    monkeypatch.setattr(town.core.rooms, "cached", lambda _nid: None)  # it has to be waited for
    heard: list[str] = []
    for _ in range(2):
        rooms = (await juliet.get()).get("rooms", {})
        for parts in rooms.values():
            heard += ids(parts.get(room, {}))
    assert left
    assert heard[0] == last
    assert len(heard) == 2
