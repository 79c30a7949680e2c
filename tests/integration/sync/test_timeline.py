"""Sync-points 3, 6, 15, 17, 18: timelines, gaps and what stands in their events."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from homeserver.infrastructure.embedded.clock import SystemClock
from tests.support.syncing import bodies, ids, keyed, types

if TYPE_CHECKING:
    from tests.support.syncing import Phone, SyncTown

HOUR_MS = 3_600_000
pytestmark = pytest.mark.usefixtures("town")


async def test_pages_behind_a_limited_timeline_have_no_gap_and_no_repeat(
    romeo: Phone, juliet: Phone
) -> None:
    room = await romeo.create_room(preset="public_chat")
    await juliet.do("join", room)
    before = await juliet.get()
    seen = ids(before["rooms"]["join"][room])
    sent = [await romeo.send(room, f"{n}") for n in range(25)]
    part = (await juliet.get())["rooms"]["join"][room]
    assert part["timeline"]["limited"] is True
    assert ids(part) == sent[-10:]
    older = await juliet.older(room, part["timeline"]["prev_batch"], limit=4)
    whole = [*older[::-1], *ids(part)]
    assert whole[-25:] == sent
    assert len(set(whole)) == len(whole)
    assert set(seen) <= set(whole)


async def test_a_gap_of_exactly_the_limit_is_none(romeo: Phone, juliet: Phone) -> None:
    room = await romeo.create_room(preset="public_chat")
    await juliet.do("join", room)
    await juliet.get()
    sent = [await romeo.send(room, f"{n}") for n in range(10)]
    part = (await juliet.get())["rooms"]["join"][room]
    assert ids(part) == sent
    assert part["timeline"]["limited"] is False


async def test_a_gap_wider_than_memory_is_paged_from_the_store(
    town: SyncTown, romeo: Phone, juliet: Phone
) -> None:
    room = await romeo.create_room(preset="public_chat")
    await juliet.do("join", room)
    await juliet.get()
    await romeo.topic(room, "in the gap")
    sent = [await romeo.send(room, f"{n}") for n in range(80)]
    for restart in (False, True):
        if restart:
            await town.restart()
        answer = await juliet.call("GET", "/sync", query={"since": juliet.since})
        part = answer["rooms"]["join"][room]
        assert part["timeline"]["limited"] is True
        assert ids(part) == sent[-10:]
        assert keyed(part)["m.room.topic", ""]["content"] == {"topic": "in the gap"}
        older = await juliet.older(room, part["timeline"]["prev_batch"])
        assert [*older[::-1], *ids(part)][-80:] == sent


async def test_newly_joined_gets_the_whole_state(romeo: Phone, juliet: Phone) -> None:
    room = await romeo.create_room(preset="public_chat", name="Verona")
    for n in range(12):
        await romeo.send(room, f"{n}")
    await juliet.get()
    await juliet.do("join", room)
    part = (await juliet.get())["rooms"]["join"][room]
    state = keyed(part)
    assert ("m.room.create", "") in state
    assert ("m.room.name", "") in state
    assert ("m.room.member", romeo.user_id) in state
    assert types(part)[-1] == "m.room.member"
    assert part["timeline"]["limited"] is True


async def test_joined_and_left_and_joined_again_between_two_syncs(
    romeo: Phone, juliet: Phone
) -> None:
    room = await romeo.create_room(preset="public_chat")
    await romeo.visibility(room, "joined")
    await juliet.do("join", room)
    await juliet.get()
    first = await romeo.send(room, "heard")
    left = (await juliet.do("leave", room), juliet.since)
    hidden = await romeo.send(room, "unheard")
    topic = await romeo.topic(room, "set while away")
    await juliet.do("join", room)
    last = await romeo.send(room, "heard again")
    part = (await juliet.get())["rooms"]["join"][room]
    found = ids(part)
    assert left
    assert found[0] == first
    assert found[-1] == last
    assert hidden not in found
    assert types(part).count("m.room.member") == 2
    # the topic is not in the timeline, and nobody else would tell
    assert topic not in found
    assert keyed(part)["m.room.topic", ""]["event_id"] == topic


async def test_a_room_joined_and_left_in_between_shows_as_left_alone(
    romeo: Phone, juliet: Phone
) -> None:
    room = await romeo.create_room(preset="public_chat", name="Verona")
    await juliet.get()
    await juliet.do("join", room)
    heard = await romeo.send(room, "hello")
    await juliet.do("leave", room)
    await romeo.send(room, "too late")
    rooms = (await juliet.get())["rooms"]
    assert list(rooms) == ["leave"]
    part = rooms["leave"][room]
    assert heard in ids(part)
    assert types(part)[-1] == "m.room.member"
    everything = keyed(part) | keyed(part, "timeline")
    assert everything["m.room.name", ""]["content"] == {"name": "Verona"}


@pytest.mark.parametrize("restart", [False, True])
async def test_I2_transaction_ids_are_for_the_sending_device_alone(
    town: SyncTown, romeo: Phone, juliet: Phone, *, restart: bool
) -> None:
    other = await town.phone("romeo")
    room = await romeo.create_room(preset="public_chat")
    await juliet.do("join", room)
    event_id = await romeo.send(room, "once", txn="t-1")
    if restart:
        await town.restart()
    assert await romeo.send(room, "once", txn="t-1") == event_id
    for phone, mine in ((romeo, True), (other, False), (juliet, False)):
        event = (await phone.fresh())["rooms"]["join"][room]["timeline"]["events"][-1]
        assert event["event_id"] == event_id
        assert (event["unsigned"].get("transaction_id") == "t-1") is mine
        assert ("transaction_id" in event["unsigned"]) is mine


@pytest.mark.parametrize("restart", [False, True])
async def test_redacted_events_are_stripped_and_old_tokens_stay_good(
    town: SyncTown, romeo: Phone, juliet: Phone, *, restart: bool
) -> None:
    room = await romeo.create_room(preset="public_chat")
    await juliet.do("join", room)
    await juliet.get()
    event_id = await romeo.send(room, "secret")
    redaction = await romeo.redact(room, event_id)
    if restart:
        await town.restart()
    part = (await juliet.get())["rooms"]["join"][room]
    assert ids(part) == [event_id, redaction]
    original, by = part["timeline"]["events"]
    assert original["content"] == {}
    assert original["unsigned"]["redacted_because"]["event_id"] == redaction
    assert by["content"]["redacts"] == by["redacts"] == event_id
    assert bodies((await juliet.fresh())["rooms"]["join"][room])[-2] is None


async def test_the_reader_s_membership_stands_in_each_event(romeo: Phone, juliet: Phone) -> None:
    room = await romeo.create_room(preset="public_chat")
    before = await romeo.send(room, "before")
    await romeo.do("invite", room, juliet)
    invited = await romeo.send(room, "invited")
    await juliet.do("join", room)
    joined = await romeo.send(room, "joined")
    events = (await juliet.get())["rooms"]["join"][room]["timeline"]["events"]
    found = {e["event_id"]: e["unsigned"]["membership"] for e in events}
    assert (found[before], found[invited], found[joined]) == ("leave", "invite", "join")


async def test_invitations_to_calls_tell_their_age_to_each_reader(
    romeo: Phone, juliet: Phone, nurse: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that starts an hour later must not ring, though others got the same stretch."""
    room = await romeo.create_room(preset="public_chat")
    for phone in (juliet, nurse):
        await phone.do("join", room)
        await phone.get()
    offer = {"type": "offer", "sdp": "v=0"}
    call = {"call_id": "c1", "version": "1", "lifetime": 60_000, "offer": offer, "party_id": "p1"}
    await romeo.room_call("PUT", room, "send/m.call.invite/t1", call)
    parts = [(await juliet.get())["rooms"]["join"][room]]
    now_ms = SystemClock.now_ms
    monkeypatch.setattr(SystemClock, "now_ms", lambda clock: now_ms(clock) + HOUR_MS)
    parts += [(await nurse.get())["rooms"]["join"][room]]
    parts += [(await romeo.fresh())["rooms"]["join"][room]]
    ages = [part["timeline"]["events"][-1]["unsigned"]["age"] for part in parts]
    assert ages[0] < 60_000
    assert min(ages[1:]) >= HOUR_MS
