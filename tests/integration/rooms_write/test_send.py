"""Messages and state events: limits, transactions, power."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from homeserver.application.rooms.aliases import AliasExistsError, BadAliasError
from homeserver.application.rooms.compose import NewEvent
from homeserver.domain.shared.errors import (
    BadJsonError,
    ForbiddenError,
    InvalidParamError,
    NotFoundError,
    TooLargeError,
)

if TYPE_CHECKING:
    from homeserver.application.requester import Requester
    from homeserver.domain.rooms.room import Room
    from tests.support.town import Town

NAME = "m.room.name"
POWER = "m.room.power_levels"
CANONICAL = "m.room.canonical_alias"


async def two_in_a_room(town: Town, version: str = "12") -> tuple[Requester, Requester, Room]:
    """Alice, who made the room, and Bob, who joined it."""
    alice, bob = await town.user("alice"), await town.user("bob")
    room = await town.room(alice, version, preset="public_chat")
    await town.join(bob, room.room_id, {})
    return alice, bob, room


async def send(town: Town, who: Requester, room: Room, content: dict[str, Any], txn: str) -> str:
    """Send content as a message."""
    new = NewEvent("m.room.message", content)
    return await town.send_event(who, room.room_id, new, town.txn(who, room, "send", txn))


async def test_B1_events_up_to_the_size_limit_are_accepted(town: Town) -> None:
    alice, _, room = await two_in_a_room(town)
    await send(town, alice, room, {"body": ""}, "probe")
    empty = len(room.tail[-1].event.json) + 2  # the depth may grow a digit
    fits = 65_536 - empty - 200
    await send(town, alice, room, {"body": "x" * fits}, "fits")
    head = room.head
    with pytest.raises(TooLargeError):
        await send(town, alice, room, {"body": "x" * (fits + 200)}, "too large")
    assert room.head == head


async def test_B2_keys_of_more_than_255_bytes(town: Town) -> None:
    alice, _, room = await two_in_a_room(town)
    long = "ä" * 128
    with pytest.raises(InvalidParamError):
        await town.state(alice, room.room_id, long, "", {})
    with pytest.raises(InvalidParamError):
        await town.state(alice, room.room_id, "x.y", long, {})
    assert await town.state(alice, room.room_id, "x.y", "ä" * 127 + "x", {})
    with pytest.raises(InvalidParamError):
        town.txn(alice, room, "send", long)
    assert (await town.stored(room)).state == room.state


@pytest.mark.parametrize("level", ["50", 50.0, None, [], 2**53])
async def test_B3_power_levels_that_are_no_integers(town: Town, level: object) -> None:
    alice, _, room = await two_in_a_room(town, "10")
    held = room.state[POWER, ""]
    content = {**held.content, "state_default": level}
    with pytest.raises(BadJsonError):
        await town.state(alice, room.room_id, POWER, "", content)
    assert room.state[POWER, ""] is held


@pytest.mark.parametrize("version", ["10", "12"])
async def test_B4_power_cannot_be_taken(town: Town, version: str) -> None:
    alice, bob, room = await two_in_a_room(town, version)
    carol = await town.user("carol")
    await town.join(carol, room.room_id, {})
    users = {bob.user_id: 50, carol.user_id: 50}
    if version == "10":
        users[alice.user_id] = 100
    content = {**room.state[POWER, ""].content, "users": users, "events": {POWER: 50}}
    await town.state(alice, room.room_id, POWER, "", content)
    state = dict(room.state)
    raised = {**content, "users": {**users, bob.user_id: 51}}
    demoted = {**content, "users": {**users, carol.user_id: 0}}
    refused = [
        town.state(bob, room.room_id, POWER, "", raised),
        town.state(bob, room.room_id, POWER, "", demoted),
        town.ban(bob, room.room_id, alice.user_id, {}),
        town.kick(bob, room.room_id, carol.user_id, {}),
        town.state(bob, room.room_id, "m.room.create", "", {}),
        town.state(bob, room.room_id, "x.y", alice.user_id, {}),
        town.state(bob, room.room_id, "m.room.member", alice.user_id, {"membership": "join"}),
    ]
    for attempt in refused:
        with pytest.raises(ForbiddenError):
            await attempt
    assert room.state == state
    assert (await town.stored(room)).state == state


async def test_B7_one_transaction_twenty_times_at_once_is_one_event(town: Town) -> None:
    alice, _, room = await two_in_a_room(town)
    before = room.head.seq
    ids = await asyncio.gather(
        *[send(town, alice, room, {"body": str(i)}, "same") for i in range(20)]
    )
    ids.append(await send(town, alice, room, {"body": "later"}, "same"))
    assert len(set(ids)) == 1
    assert room.head.seq == before + 1


@pytest.mark.parametrize("steps", range(6))
async def test_B7_who_repeats_a_transaction_goes_on_where_its_first_client_left(
    town: Town, steps: int
) -> None:
    """Wherever that happens: before the writer has the event, or while it is stored."""
    alice, _, room = await two_in_a_room(town)
    before = room.head.seq
    sends = [send(town, alice, room, {"body": str(i)}, "same") for i in range(5)]
    first, *others = [asyncio.create_task(each) for each in sends]
    for _ in range(steps):
        await asyncio.sleep(0)
    first.cancel()
    ids = await asyncio.gather(*others)
    with pytest.raises(asyncio.CancelledError):
        await first
    assert len(set(ids)) == 1
    assert room.head.seq == before + 1


async def test_B7_a_refusal_reaches_all_who_repeat_it_and_is_not_kept(town: Town) -> None:
    alice, bob, room = await two_in_a_room(town)
    await town.ban(alice, room.room_id, bob.user_id, {})
    sends = [send(town, bob, room, {"body": "no"}, "same") for _ in range(5)]
    refusals = await asyncio.gather(*sends, return_exceptions=True)
    assert {type(each) for each in refusals} == {ForbiddenError}
    await town.unban(alice, room.room_id, bob.user_id, {})
    await town.join(bob, room.room_id, {})
    assert await send(town, bob, room, {"body": "now"}, "same")


async def test_B7_the_same_transaction_of_another_device_is_another_event(town: Town) -> None:
    alice, _, room = await two_in_a_room(town)
    phone = await town.user("alice")
    first = await send(town, alice, room, {"body": "1"}, "t")
    assert await send(town, phone, room, {"body": "1"}, "t") != first


async def test_B7_transactions_survive_a_new_writer(town: Town) -> None:
    alice, _, room = await two_in_a_room(town)
    first = await send(town, alice, room, {"body": "1"}, "t")
    other = type(town)(town.store, await town.store.join("other"))
    theirs = await other.registry.get(room.room_id)
    repeats = [send(other, alice, theirs, {"body": "2"}, "t") for _ in range(5)]
    assert set(await asyncio.gather(*repeats)) == {first}
    assert theirs.head.seq == room.head.seq


async def test_two_workers_write_one_room(town: Town) -> None:
    """Neither knows of the other's events but by clashing (F8)."""
    alice, bob, room = await two_in_a_room(town)
    other = type(town)(town.store, await town.store.join("other"))
    theirs = await other.registry.get(room.room_id)
    start = room.head.seq
    sent = await asyncio.gather(
        *[town.say(alice, room, f"a{i}") for i in range(10)],
        *[other.say(bob, theirs, f"b{i}") for i in range(10)],
    )
    await town.worker.rooms.refresh(room)
    stored = await town.worker.rooms.events(
        room, after=(start, 0), before=(start + 100, 0), limit=100, newest=False
    )
    assert [item.seq for item in stored] == list(range(start + 1, start + 21))
    assert sorted(item.event.event_id for item in stored) == sorted(sent)


async def test_strangers_and_unknown_rooms_are_refused_alike(town: Town) -> None:
    alice, _, room = await two_in_a_room(town)
    stranger = await town.user("mallory")
    with pytest.raises(ForbiddenError) as known:
        await send(town, stranger, room, {"body": "x"}, "1")
    new = NewEvent("m.room.message", {"body": "x"})
    txn = town.txn(stranger, room, "send", "2")
    with pytest.raises(ForbiddenError) as unknown:
        await town.send_event(stranger, "!no:firn.test", new, txn)
    assert known.value.errcode == unknown.value.errcode
    new = NewEvent("m.room.create", {})
    with pytest.raises(ForbiddenError):
        await town.send_event(alice, room.room_id, new, town.txn(alice, room, "send", "3"))


async def test_sending_the_same_state_again_keeps_the_event(town: Town) -> None:
    alice, _, room = await two_in_a_room(town)
    first = await town.state(alice, room.room_id, NAME, "", {"name": "A", "x": 1})
    assert await town.state(alice, room.room_id, NAME, "", {"x": 1, "name": "A"}) == first
    assert await town.state(alice, room.room_id, NAME, "", {"name": "A", "x": True}) != first
    with pytest.raises(BadJsonError):
        await town.state(alice, room.room_id, NAME, "", {"name": "A", "x": 1.0})
    item = room.tail[-1]
    assert item.replaced is not None
    assert item.replaced.event_id == first


async def test_aliases_and_the_canonical_one(town: Town) -> None:
    alice, bob, room = await two_in_a_room(town)
    other = await town.room(alice, room_alias_name="other")
    await town.publish(bob, "#here:firn.test", room.room_id)
    with pytest.raises(AliasExistsError):
        await town.publish(alice, "#here:firn.test", other.room_id)
    with pytest.raises(InvalidParamError):
        await town.publish(alice, "#here:elsewhere.test", room.room_id)
    good = {"alias": "#here:firn.test"}
    event_id = await town.state(alice, room.room_id, CANONICAL, "", good)
    for bad, error in (
        ({"alias": "#other:firn.test"}, BadAliasError),
        ({"alias": "#none:firn.test"}, BadAliasError),
        ({"alias": "here"}, InvalidParamError),
        ({"alt_aliases": ["#none:firn.test"]}, BadAliasError),
        ({"alt_aliases": "#here:firn.test"}, BadJsonError),
        ({"alias": 5}, BadJsonError),
    ):
        with pytest.raises(error):
            await town.state(alice, room.room_id, CANONICAL, "", bad)
    assert room.state[CANONICAL, ""].event_id == event_id
    mallory = await town.user("mallory")
    with pytest.raises(ForbiddenError):
        await town.remove(mallory, "#here:firn.test")
    await town.remove(bob, "#here:firn.test")
    with pytest.raises(NotFoundError):
        await town.resolve("#here:firn.test")
    # what stands there already is not checked again
    more = {"alias": "#here:firn.test", "x": 1}
    assert await town.state(alice, room.room_id, CANONICAL, "", more) != event_id
