"""Redactions: the event that says so, and what it does to its target."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from homeserver.domain.shared.canonical_json import decode_object
from homeserver.domain.shared.errors import ForbiddenError, NotFoundError
from tests.integration.rooms_write.test_send import two_in_a_room

if TYPE_CHECKING:
    from tests.support.town import Town


@pytest.mark.parametrize("version", ["10", "12"])
async def test_a_redacted_message_is_stripped_everywhere(town: Town, version: str) -> None:
    _, bob, room = await two_in_a_room(town, version)
    event_id = await town.say(bob, room, "secret words")
    seq = room.head.seq
    redaction_id = await town.redact(bob, room, event_id)
    for place in (room, await town.stored(room)):
        item = next(i for i in place.tail if i.event.event_id == event_id)
        assert item.event.content == {}
        assert b"secret" not in item.event.json
        assert item.redacted_because is not None
        assert item.redacted_because.event_id == redaction_id
        assert item.redacted_because.redacts == event_id
        assert item.redacted_because.content["reason"] == "no"
    redaction = decode_object(room.tail[-1].event.json)
    where = redaction if version == "10" else redaction["content"]
    assert where["redacts"] == event_id
    assert len(await town.store.dump("redaction")) == 1
    assert await town.store.dump("muted_event") == [(room.nid, seq)]


async def test_of_two_redactions_the_first_shows(town: Town) -> None:
    alice, bob, room = await two_in_a_room(town)
    event_id = await town.say(bob, room, "oops")
    by = await asyncio.gather(town.redact(alice, room, event_id), town.redact(bob, room, event_id))
    third = await town.redact(await town.user("alice"), room, event_id)
    assert len({*by, third}) == 3
    item = next(i for i in room.tail if i.event.event_id == event_id)
    assert item.redacted_because is not None
    assert item.redacted_because.event_id == by[0]
    stored = next(i for i in (await town.stored(room)).tail if i.event.event_id == event_id)
    assert stored.redacted_because is not None
    assert stored.redacted_because.event_id == by[0]
    assert len(await town.store.dump("redaction")) == 3
    assert len(await town.store.dump("muted_event")) == 1


async def test_redacting_others_takes_power(town: Town) -> None:
    alice, bob, room = await two_in_a_room(town)
    event_id = await town.say(alice, room, "mine")
    head = room.head
    with pytest.raises(ForbiddenError):
        await town.redact(bob, room, event_id)
    assert room.head == head
    theirs = await town.say(bob, room, "yours")
    await town.redact(alice, room, theirs)
    assert next(i for i in room.tail if i.event.event_id == theirs).event.content == {}


async def test_B5_create_event_other_rooms_and_unknown_events(town: Town) -> None:
    alice, _, room = await two_in_a_room(town)
    other = await town.room(alice)
    foreign = await town.say(alice, other, "elsewhere")
    assert room.create is not None
    head = room.head
    with pytest.raises(ForbiddenError):
        await town.redact(alice, room, room.create.event_id)
    for target in (foreign, "$" + "A" * 43, "nonsense"):
        with pytest.raises(NotFoundError):
            await town.redact(alice, room, target)
    assert room.head == head
    assert other.tail[-1].event.content["body"] == "elsewhere"


async def test_redacted_state_stays_in_place_without_its_words(town: Town) -> None:
    alice, bob, room = await two_in_a_room(town)
    name_id = await town.state(alice, room.room_id, "m.room.name", "", {"name": "secret"})
    await town.state(alice, room.room_id, "m.room.name", "", {"name": "Lobby"})
    member = {"membership": "join", "displayname": "secret"}
    member_id = await town.set_member(bob, room.room_id, bob.user_id, member)
    await town.redact(alice, room, name_id)
    await town.redact(alice, room, member_id)
    stored = await town.stored(room)
    for place in (room, stored):
        assert place.members[bob.user_id].event.content == {"membership": "join"}
        assert place.state["m.room.member", bob.user_id].content == {"membership": "join"}
        assert place.content_of(("m.room.name", ""), "name") == "Lobby"
        for item in place.tail:
            assert b"secret" not in item.event.json
            assert item.replaced is None or "secret" not in str(item.replaced.content)
    assert stored.state == room.state
