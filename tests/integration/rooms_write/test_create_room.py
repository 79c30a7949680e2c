"""`POST /createRoom`: all first events in one batch, or nothing."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from homeserver.application.ports.profiles import MemberProfile
from homeserver.domain.events.hashes import event_id_of
from homeserver.domain.rooms.presets import CreateRoomRequest, NewState
from homeserver.domain.rooms.versions import ROOM_VERSIONS
from homeserver.domain.shared.canonical_json import decode_object
from homeserver.domain.shared.errors import (
    BadJsonError,
    ForbiddenError,
    InvalidParamError,
    InvalidRoomStateError,
    MatrixError,
    NotFoundError,
    RoomInUseError,
    UnsupportedRoomVersionError,
)

if TYPE_CHECKING:
    from tests.support.town import Town

PRESETS = {
    "private_chat": ("invite", "can_join"),
    "trusted_private_chat": ("invite", "can_join"),
    "public_chat": ("public", "forbidden"),
}


@pytest.mark.parametrize("version", ROOM_VERSIONS)
@pytest.mark.parametrize("preset", PRESETS)
async def test_each_preset_in_each_version(town: Town, preset: str, version: str) -> None:
    alice, bob = await town.user("alice"), await town.user("bob")
    town.profiles[alice.user_nid] = MemberProfile("Alice", "mxc://firn.test/a")
    town.profiles[bob.user_nid] = MemberProfile("Bob", None)
    batches = len(await town.store.dump("writer_batch"))
    room = await town.room(
        alice,
        version,
        preset=preset,
        name="Lobby",
        topic="All",
        invite=(bob.user_id,),
        is_direct=True,
        initial_state=(NewState("m.room.encryption", "", {"algorithm": "m.megolm.v1.aes-sha2"}),),
    )
    assert len(await town.store.dump("writer_batch")) == batches + 1
    rule, guests = PRESETS[preset]
    assert room.content_of(("m.room.join_rules", ""), "join_rule") == rule
    assert room.content_of(("m.room.guest_access", ""), "guest_access") == guests
    assert room.content_of(("m.room.name", ""), "name") == "Lobby"
    assert ("m.room.encryption", "") in room.state
    create = room.create
    assert create is not None
    assert create.content["room_version"] == version
    assert event_id_of(decode_object(create.json), room.version) == create.event_id
    if version == "12":
        assert room.room_id == "!" + create.event_id[1:]
    else:
        assert room.room_id.endswith(":firn.test")
    assert room.state["m.room.member", alice.user_id].content == {
        "membership": "join",
        "displayname": "Alice",
        "avatar_url": "mxc://firn.test/a",
    }
    assert room.state["m.room.member", bob.user_id].content == {
        "membership": "invite",
        "displayname": "Bob",
        "is_direct": True,
    }
    equal = room.levels.of_user(bob.user_id) == room.levels.of_user(alice.user_id)
    assert equal == (preset == "trusted_private_chat")
    again = await town.stored(room)
    assert again.state == room.state
    assert again.head == room.head
    assert again.members == room.members
    (invited,) = await town.memberships.places(bob.user_nid)
    assert (invited.room_nid, invited.membership) == (room.nid, "invite")


async def test_default_version_and_unknown_version(town: Town) -> None:
    alice = await town.user("alice")
    assert (await town.room(alice)).version.id == "12"
    town.default_version = "11"  # as by a reload of the settings
    assert (await town.room(alice)).version.id == "11"
    for unknown in ("1", "5", "13", ""):
        with pytest.raises(UnsupportedRoomVersionError):
            await town.create(alice, CreateRoomRequest(), unknown)


@pytest.mark.parametrize("version", ROOM_VERSIONS)
async def test_each_version_has_its_own_ways_in(town: Town, version: str) -> None:
    alice, bob, carol = [await town.user(name) for name in ("alice", "bob", "carol")]
    hall = await town.room(alice, preset="public_chat")
    await town.join(bob, hall.room_id, {})
    allow = [{"type": "m.room_membership", "room_id": hall.room_id}]
    ways: dict[str, set[str]] = {}
    for rule in ("public", "invite", "knock", "restricted", "knock_restricted"):
        rules = NewState("m.room.join_rules", "", {"join_rule": rule, "allow": allow})
        room = await town.room(alice, version, initial_state=(rules,))
        assert room.version.id == version
        knock, join = town.knock(carol, room.room_id, {}), town.join(bob, room.room_id, {})
        for name, attempt in (("knock", knock), ("join", join)):
            with suppress(ForbiddenError):
                await attempt
                ways.setdefault(rule, set()).add(name)
    number = int(version)
    expected = {"public": {"join"}}
    expected |= {"knock": {"knock"}} if number >= 7 else {}
    expected |= {"restricted": {"join"}} if number >= 8 else {}
    expected |= {"knock_restricted": {"knock", "join"}} if number >= 10 else {}
    assert ways == expected


async def test_rooms_made_at_once_in_one_millisecond_are_different_rooms(town: Town) -> None:
    alice = await town.user("alice")
    town.store.clock.now_ms = lambda: 1_700_000_000_000  # type: ignore[method-assign]
    rooms = await asyncio.gather(*[town.room(alice) for _ in range(10)])
    assert len({room.room_id for room in rooms}) == 10
    assert len(await town.store.dump("room")) == 10


async def test_alias_and_directory(town: Town) -> None:
    alice = await town.user("alice")
    room = await town.room(alice, visibility="public", room_alias_name="lobby")
    assert await town.resolve("#lobby:firn.test") == room.room_id
    assert room.content_of(("m.room.canonical_alias", ""), "alias") == "#lobby:firn.test"
    ((published, *_),) = await town.store.dump("published_room")
    assert published == room.nid
    with pytest.raises(RoomInUseError):
        await town.room(alice, room_alias_name="lobby")


async def test_of_rooms_racing_for_an_alias_one_is_made(town: Town) -> None:
    alice = await town.user("alice")
    made = await asyncio.gather(
        *[town.room(alice, room_alias_name="lobby") for _ in range(5)], return_exceptions=True
    )
    refused = [outcome for outcome in made if isinstance(outcome, Exception)]
    assert [type(error) for error in refused] == [RoomInUseError] * 4
    assert len(await town.store.dump("room")) == 1
    assert len(await town.store.dump("room_head")) == 1


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        ({"preset": "castle"}, BadJsonError),
        ({"invite": ("bob",)}, BadJsonError),
        ({"invite": ("@nobody:firn.test",)}, NotFoundError),
        ({"invite": ("@alice:firn.test",)}, InvalidRoomStateError),
        ({"room_alias_name": "with space"}, InvalidParamError),
        ({"room_alias_name": "a:b"}, InvalidParamError),
        ({"room_alias_name": "x" * 256}, InvalidParamError),
        ({"power_level_content_override": {"users": {"@alice:firn.test": "100"}}}, BadJsonError),
        ({"power_level_content_override": {"events": []}}, BadJsonError),
        ({"power_level_content_override": {"state_default": None}}, BadJsonError),
        ({"initial_state": (NewState("m.room.member", "@bob:firn.test", {}),)}, BadJsonError),
        ({"creation_content": {"additional_creators": "me"}}, BadJsonError),
    ],
)
async def test_refused_requests_leave_nothing(
    town: Town, request_: dict[str, Any], error: type[MatrixError]
) -> None:
    alice = await town.user("alice")
    with pytest.raises(error):
        await town.room(alice, **request_)
    assert await town.store.dump("room") == []
    assert await town.store.dump("event") == []
    assert await town.store.dump("room_alias") == []


async def test_restart_finds_the_room_again(town: Town) -> None:
    alice = await town.user("alice")
    room = await town.room(alice, name="Lobby")
    event_id = await town.say(alice, room, "hello", "t1")
    await town.worker.writer.stop()
    later = type(town)(town.store, await town.store.join("main"))
    again = await later.registry.get(room.room_id)
    assert again is not room
    assert again.state == room.state
    assert again.version is ROOM_VERSIONS["12"]
    assert await later.say(alice, again, "hello", "t1") == event_id
    assert len([e for e in again.tail if e.event.type == "m.room.message"]) == 1
    assert await later.say(alice, again, "hello", "t2") != event_id
    assert again.head.seq == room.head.seq + 1
